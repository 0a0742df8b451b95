"""POST /v1/calls/{call_id}/brain: a speech worker asks what is to think for its call, proven by the token that it was
dispatched with. Asking the same again is safe."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringline.agents.requests import read_request
from ringline.composition.assign_brain import Settings, compose
from ringline.resources.call_token import speaks_for
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.settings import read
from ringline.runtime.web.api import json_response, make_api, serve
from ringline.runtime.web.http import json_object

log = make_logger("assign_brain")
settings = read(Settings)
brains = compose(settings, clock=now_ms, log=log)
api = make_api(log)


@api.post("/v1/calls/<call_id>/brain")
def assign(call_id: str) -> Response[str]:
    event = api.current_event.raw_event
    whose = speaks_for(event, call_id, log)
    log.append_keys(account_id=whose.account_id, call_id=call_id)
    return json_response(200, brains.answer(whose, read_request(json_object(event))))


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return serve(api, event, context)
