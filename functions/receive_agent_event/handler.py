"""POST /v1/calls/{call_id}/agent-events: what the agent of a call reports, proven by the token it was dispatched
with.

With the same token it asks for transfers of its call, and how they stand:
POST /v1/calls/{call_id}/agent-transfers and GET .../agent-transfers/{transfer_id}.

Answers 200 once every report is persisted, known to change nothing or, beside others, not to be read; 422 where none
can be read, and 503 where one was not persisted: sending the same again is always safe.
"""

import asyncio
from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.calls.signals.agent_reports import Heard, Report
from ringline.calls.signals.report_bodies import read_reports
from ringline.calls.views.call_view import policy_of
from ringline.composition.receive_agent_event import Settings, compose, compose_transfers
from ringline.resources.call_token import speaks_for
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.metrics import count_failure
from ringline.runtime.settings import read
from ringline.runtime.web.api import json_response, make_api, serve
from ringline.runtime.web.http import header, json_object
from ringline.runtime.web.problems import Problem

# A transcript of hours. Lambda takes requests of 6 MB, API Gateway of 10 MB.
MAX_REPORT_BYTES = 5 * 1024 * 1024

log = make_logger("receive_agent_event")
settings = read(Settings)
hear = compose(settings, clock=now_ms, log=log)
transfers = compose_transfers(settings, clock=now_ms, log=log)
api = make_api(log)


@api.post("/v1/calls/<call_id>/agent-events")
def receive(call_id: str) -> Response[str]:
    event = api.current_event.raw_event
    whose = speaks_for(event, call_id, log)
    log.append_keys(account_id=whose.account_id, call_id=call_id)
    reports = read_reports(json_object(event, MAX_REPORT_BYTES))
    try:
        heard = asyncio.run(hear.run(whose, reports))
    except Exception:
        log.exception("reports not persisted")
        count_failure(log)
        raise Problem(
            503, "not_persisted", "The reports were not persisted; send them again", headers={"retry-after": "2"}
        ) from None
    log.info("agent heard", extra={"results": _results(reports, heard), "attempt": whose.attempt})
    return json_response(200, _answer(reports, heard, whose.attempt))


@api.post("/v1/calls/<call_id>/agent-transfers")
def ask_for_transfer(call_id: str) -> Response[str]:
    event = api.current_event.raw_event
    whose = speaks_for(event, call_id, log)
    log.append_keys(account_id=whose.account_id, call_id=call_id)
    return json_response(202, transfers.ask(whose, json_object(event), header(event, "idempotency-key")))


@api.get("/v1/calls/<call_id>/agent-transfers/<transfer_id>")
def show_transfer(call_id: str, transfer_id: str) -> Response[str]:
    whose = speaks_for(api.current_event.raw_event, call_id, log)
    return json_response(200, transfers.show(whose, transfer_id))


def _answer(reports: tuple[Report, ...], heard: Heard, attempt: int) -> dict[str, Any]:
    """`voicemail_policy` tells the agent whether to go on where a voicemail answered, `end_reason` why its attempt is
    over."""
    call = heard.call
    return {
        "results": [
            result | report.shortcomings() for report, result in zip(reports, _results(reports, heard), strict=True)
        ],
        "status": None if call is None else call.state.status.value,
        "end_reason": None if call is None else call.end_of(attempt),
        "voicemail_policy": None if call is None else policy_of(call).value,
    }


def _results(reports: tuple[Report, ...], heard: Heard) -> list[dict[str, str]]:
    return [{"type": report.kind, "result": result} for report, result in zip(reports, heard.results, strict=True)]


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return serve(api, event, context)
