"""The read side of calls and the ways to end one: get, list, hang up. Also answers every path that no other function
owns."""

import asyncio
from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.calls.model.call import Call
from ringline.calls.progress.hang_up import HangUp, HungUp
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.agent_rests import AgentRests
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.pages import CallPages
from ringline.calls.tables.queues import SqsDoorbell
from ringline.calls.tables.recordings import recording_url
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.transcripts import Transcripts
from ringline.calls.views.call_view import call_view
from ringline.calls.views.listing import answer_page, list_calls
from ringline.calls.views.queue_place import queue_place
from ringline.calls.views.session_view import transcript_view
from ringline.calls.views.timeline import timeline
from ringline.runtime import aws, settings
from ringline.runtime.clock import iso, now_ms
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.logging import make_logger
from ringline.runtime.web.api import json_response, make_api, serve
from ringline.runtime.web.http import account_of, listing
from ringline.runtime.web.problems import Problem, not_found

log = make_logger("manage_calls")
table = settings.required("TABLE_NAME")
store = CallStore(aws.dynamodb(), table)
pages = CallPages(aws.dynamodb(), table)
trunk_id, calls_per_second = settings.optional("SIP_TRUNK_ID"), settings.number("TRUNK_CALLS_PER_SECOND")
rests = AgentRests(aws.dynamodb(), table)
paces = TrunkPaces(aws.dynamodb(), table, trunk_id, calls_per_second)
doorbell = SqsDoorbell(aws.sqs, settings.required("DOORBELL_QUEUE_URL"))
progress = Progress(store, doorbell, now_ms, log)
records_bucket = settings.required("RECORDS_BUCKET")
transcripts = Transcripts(aws.dynamodb(), table, aws.s3, records_bucket)
livekit_url = settings.required_url("LIVEKIT_URL")
livekit_key = settings.required("LIVEKIT_API_KEY")
livekit_secret = settings.required("LIVEKIT_API_SECRET")
api = make_api(log)


@api.get("/v1/calls")
def list_() -> Response[str]:
    page = list_calls(pages, _account(), api.current_event.query_string_parameters, now_ms())
    return json_response(200, answer_page(page, _shown))


@api.get("/v1/calls/<call_id>")
def get(call_id: str) -> Response[str]:
    account_id = _account()
    call = store.get(account_id, call_id) if is_plausible_id(call_id) else None
    if call is None:
        raise _unknown()
    place = queue_place(store, paces, rests, call, now_ms())
    waits = {} if place is None else {"queue": place.as_json()}
    return json_response(200, _shown(call) | transcript_view(transcripts.read(call)) | waits)


@api.get("/v1/calls/<call_id>/events")
def events(call_id: str) -> Response[str]:
    account_id = _account()
    call = store.get(account_id, call_id) if is_plausible_id(call_id) else None
    if call is None:
        raise _unknown()
    place = queue_place(store, paces, rests, call, now_ms())
    waits = [] if place is None else [{"at": iso(now_ms()), "what": "waits", **place.as_json()}]
    return json_response(200, listing([*timeline(call), *waits], None))


@api.post("/v1/calls/<call_id>/cancel")
@api.post("/v1/calls/<call_id>/hangup")
def hang_up(call_id: str) -> Response[str]:
    account_id = _account()
    hung_up = asyncio.run(_hang_up(account_id, call_id)) if is_plausible_id(call_id) else None
    if hung_up is None:
        raise _unknown()
    return json_response(200, _shown(hung_up.call) | {"result": hung_up.result.value})


async def _hang_up(account_id: str, call_id: str) -> HungUp | None:
    # LiveKit's client doubles this function's import time, and few requests need it.
    from ringline.telephony.livekit import LivekitSettings, connected

    async with connected(LivekitSettings(livekit_url, livekit_key, livekit_secret)) as telephony:
        return await HangUp(store, progress, telephony, now_ms, log).run(account_id, call_id)


def _shown(call: Call) -> dict[str, Any]:
    return call_view(call) | {"recording_url": recording_url(call, records_bucket)}


def _account() -> str:
    account_id = account_of(api.current_event.raw_event)
    log.append_keys(account_id=account_id)
    return account_id


def _unknown() -> Problem:
    return not_found("call_not_found", "There is no such call")


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return serve(api, event, context)
