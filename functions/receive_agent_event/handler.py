"""POST /v1/calls/{call_id}/agent-events: what the agent of a call reports, proven by the token it was dispatched
with.

Answers 200 once every report is persisted, known to change nothing or, beside others, not to be read; 422 where none
can be read, and 503 where one was not persisted: sending the same again is always safe.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.calls.model.call import AttemptId
from ringline.calls.model.ports import Telephony
from ringline.calls.progress.progress import Progress
from ringline.calls.signals.agent_reports import HearAgent, Heard, Report
from ringline.calls.signals.report_bodies import read_reports
from ringline.calls.tables.queues import SqsDoorbell, SqsLookQueue
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.transcripts import Transcripts
from ringline.calls.views.call_view import policy_of
from ringline.runtime import aws, settings
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.web.api import json_response, make_api, serve
from ringline.runtime.web.http import header, json_object
from ringline.runtime.web.problems import Problem
from ringline.telephony.agent_dispatch import TokenRefused, read_token

# A transcript of hours. Lambda takes requests of 6 MB, API Gateway of 10 MB.
MAX_REPORT_BYTES = 5 * 1024 * 1024

log = make_logger("receive_agent_event")
table = settings.required("TABLE_NAME")
store = CallStore(aws.dynamodb(), table)
doorbell = SqsDoorbell(aws.sqs, settings.required("DOORBELL_QUEUE_URL"))
looks = SqsLookQueue(aws.sqs, settings.required("LOOK_QUEUE_URL"))
transcripts = Transcripts(aws.dynamodb(), table, aws.s3, settings.required("RECORDS_BUCKET"))
livekit_url = settings.required_url("LIVEKIT_URL")
livekit_key = settings.required("LIVEKIT_API_KEY")
livekit_secret = settings.required("LIVEKIT_API_SECRET")
api = make_api(log)


def telephony() -> AbstractAsyncContextManager[Telephony]:
    # LiveKit's client doubles this function's import time, and one report of a call needs it at most.
    from ringline.telephony.livekit import LivekitSettings, connected

    return connected(LivekitSettings(livekit_url, livekit_key, livekit_secret))


hear = HearAgent(store, Progress(store, doorbell, now_ms, log), transcripts, telephony, looks, now_ms, log)


@api.post("/v1/calls/<call_id>/agent-events")
def receive(call_id: str) -> Response[str]:
    event = api.current_event.raw_event
    whose = _speaks_for(header(event, "authorization"), call_id)
    log.append_keys(account_id=whose.account_id, call_id=call_id)
    reports = read_reports(json_object(event, MAX_REPORT_BYTES))
    try:
        heard = asyncio.run(hear.run(whose, reports))
    except Exception:
        log.exception("reports not persisted")
        raise Problem(
            503, "not_persisted", "The reports were not persisted; send them again", headers={"retry-after": "2"}
        ) from None
    log.info("agent heard", extra={"results": _results(reports, heard), "attempt": whose.attempt})
    return json_response(200, _answer(reports, heard))


def _speaks_for(authorization: str | None, call_id: str) -> AttemptId:
    """Raises Problem 401."""
    scheme, _, rest = (authorization or "").strip().partition(" ")
    try:
        told = read_token(rest.strip() if scheme.lower() == "bearer" else scheme, call_id, livekit_secret)
    except TokenRefused as refused:
        log.warning("agent refused", extra={"why": str(refused)})
        raise Problem(
            401,
            "invalid_token",
            "The token does not speak for this call, or no longer",
            headers={"www-authenticate": "Bearer"},
        ) from None
    return AttemptId(told.account_id, told.call_id, told.attempt)


def _answer(reports: tuple[Report, ...], heard: Heard) -> dict[str, Any]:
    """`voicemail_policy` tells the agent whether to go on where a voicemail answered."""
    call = heard.call
    return {
        "results": [
            result | report.shortcomings() for report, result in zip(reports, _results(reports, heard), strict=True)
        ],
        "status": None if call is None else call.state.status.value,
        "voicemail_policy": None if call is None else policy_of(call).value,
    }


def _results(reports: tuple[Report, ...], heard: Heard) -> list[dict[str, str]]:
    return [{"type": report.kind, "result": result} for report, result in zip(reports, heard.results, strict=True)]


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return serve(api, event, context)
