"""The read side of calls and the ways to end one: get, list, hang up. Also answers every path that no other function
owns."""

import asyncio
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.calls.call import Call
from ringline.calls.doorbell import SqsDoorbell
from ringline.calls.hang_up import HangUp
from ringline.calls.listing import list_calls
from ringline.calls.progress import Progress
from ringline.calls.queue_place import queue_place
from ringline.calls.store import CallStore
from ringline.calls.view import call_view
from ringline.runtime import aws, settings
from ringline.runtime.api import json_response, make_api, serve
from ringline.runtime.clock import now_ms
from ringline.runtime.http import account_of, listing
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.logging import make_logger
from ringline.runtime.problems import not_found

log = make_logger("manage_calls")
store = CallStore(aws.dynamodb(), settings.required("TABLE_NAME"))
doorbell = SqsDoorbell(aws.sqs(), settings.required("DOORBELL_QUEUE_URL"))
progress = Progress(store, doorbell, now_ms, log)
livekit_url = settings.required_url("LIVEKIT_URL")
livekit_key = settings.required("LIVEKIT_API_KEY")
livekit_secret = settings.required("LIVEKIT_API_SECRET")
api = make_api(log)


@api.get("/v1/calls")
def list_() -> Response[str]:
    page = list_calls(store, _account(), api.current_event.query_string_parameters)
    return json_response(200, listing([call_view(call) for call in page.calls], page.next_cursor))


@api.get("/v1/calls/<call_id>")
def get(call_id: str) -> Response[str]:
    account_id = _account()
    call = store.get(account_id, call_id) if is_plausible_id(call_id) else None
    place = None if call is None else queue_place(store, call, now_ms())
    return _shown(call, {} if place is None else {"queue": asdict(place)})


@api.post("/v1/calls/<call_id>/cancel")
@api.post("/v1/calls/<call_id>/hangup")
def hang_up(call_id: str) -> Response[str]:
    account_id = _account()
    return _shown(asyncio.run(_hang_up(account_id, call_id)) if is_plausible_id(call_id) else None)


async def _hang_up(account_id: str, call_id: str) -> Call | None:
    # LiveKit's client doubles this function's import time, and few requests need it.
    from ringline.telephony.livekit import LivekitSettings, connected

    async with connected(LivekitSettings(livekit_url, livekit_key, livekit_secret)) as telephony:
        return await HangUp(store, progress, telephony, now_ms, log).run(account_id, call_id)


def _account() -> str:
    account_id = account_of(api.current_event.raw_event)
    log.append_keys(account_id=account_id)
    return account_id


def _shown(call: Call | None, more: dict[str, Any] | None = None) -> Response[str]:
    if call is None:
        raise not_found("call_not_found", "There is no such call")
    return json_response(200, call_view(call) | (more or {}))


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return serve(api, event, context)
