"""POST calls: accepts a call and answers 201 with it, `pending`, or 200 with the one that is under way to the number
which it is to be unique to. The dialling happens elsewhere."""

from functools import partial
from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.calls.outbound.create import once_from
from ringline.calls.outbound.requests import CreateCallRequest, Writer
from ringline.calls.views.call_view import call_view
from ringline.composition.create_call import Settings, compose
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.metrics import count
from ringline.runtime.settings import read
from ringline.runtime.web.api import json_response, make_api, serve
from ringline.runtime.web.bodies import read_body
from ringline.runtime.web.http import asker_of, header, json_object, source_of
from ringline.runtime.web.problems import Problem
from ringline.runtime.web.scopes import Scope

log = make_logger("create_call")
create_call, country_of = compose(read(Settings), clock=now_ms, log=log)
api = make_api(log)


@api.post("/v1/calls")
def create() -> Response[str]:
    try:
        return _create()
    except Problem as problem:
        count("CallsRefused", code=problem.code)
        raise


def _create() -> Response[str]:
    event = api.current_event.raw_event
    log.append_keys(source_ip=source_of(event))
    asker = asker_of(event, Scope.CALLS_WRITE)
    account_id = asker.account_id
    log.append_keys(account_id=account_id, key_id=asker.key_id)
    body = json_object(event)
    once = once_from(header(event, "idempotency-key"), body)
    writer = Writer(partial(country_of, account_id))
    accepted = create_call.run(account_id, read_body(CreateCallRequest, body, writer), once)
    headers = {"location": f"/v1/calls/{accepted.call.call_id}"}
    if accepted.replayed:
        headers["idempotent-replayed"] = "true"
    if accepted.under_way:
        return json_response(
            200, call_view(accepted.call) | {"already_under_way": True}, headers | {"call-already-under-way": "true"}
        )
    return json_response(201, call_view(accepted.call), headers)


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return serve(api, event, context)
