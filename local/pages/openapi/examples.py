"""Examples of the document: bodies as the sample events under events/ have them, and answers as the views make them of
one call. Each is checked against its model before it is shown."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from local.tools.places import ROOT
from ringline.calls.model.call import AgentReports, Call, Evidence, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.outcomes.outcome import AgentOutcome, KeptOutcome
from ringline.calls.outcomes.view import outcome_view
from ringline.calls.views.call_view import call_view
from ringline.calls.views.payload import draft_of
from ringline.resources.answers.analytics import ResultList
from ringline.resources.answers.calls import CallList, CreatedCall
from ringline.resources.answers.webhook_events import CallEventBody
from ringline.runtime.clock import iso
from ringline.runtime.web.api import SDK_PREFIXES, versioned
from ringline.runtime.web.http import listing
from ringline.runtime.web.routes import Described
from ringline.webhooks.model.event import written
from ringline.webhooks.model.event_type import EventType

type Named = dict[str, Any]
"""Examples by their names, as OpenAPI has them."""

_AT = 1_795_226_940_000
_S = 1000

WAITING_CALL = Call(
    account_id="acct_demo",
    call_id="call_01JD5Z0000000000000000000A",
    state=State.QUEUED,
    pipe_id="PIPE_1",
    agent_id="concierge",
    from_number="+15550100900",
    to_number="+15550100200",
    instructions="Say hello.",
    data={"customer_id": "C1"},
    ring_timeout_s=45,
    max_call_duration_s=3600,
    created_at=_AT,
    eligible_at=_AT,
)
ENDED_CALL = Call(
    account_id="acct_demo",
    call_id=WAITING_CALL.call_id,
    state=State.ENDED,
    pipe_id="PIPE_1",
    agent_id="concierge",
    from_number="+15550100900",
    to_number="+15550100200",
    instructions="Say hello.",
    data={"customer_id": "C1"},
    ring_timeout_s=45,
    max_call_duration_s=3600,
    created_at=_AT,
    eligible_at=_AT,
    attempt=1,
    dialed_at=_AT + 2 * _S,
    answered_at=_AT + 9 * _S,
    active_at=_AT + 9 * _S,
    agent_joined_at=_AT + 3 * _S,
    ended_at=_AT + 71 * _S,
    end_reason=EndReason.USER_HUNG_UP_IN_CALL,
    evidence=Evidence(disconnect_reason="CLIENT_INITIATED", leg_left_at=_AT + 71 * _S),
    reports=AgentReports(ready_at=_AT + 3 * _S, can_report=("user_spoke", "transcript"), user_spoke_at=_AT + 11 * _S),
    transcript_turns=4,
)
_OUTCOME = KeptOutcome(
    dial=1,
    outcome=AgentOutcome("booking", {"table_for": 4, "at": "19:30"}, "Booked a table for four.", True),
    told_at=_AT + 72 * _S,
    agent_id="concierge",
)


@dataclass(frozen=True, slots=True)
class _SampleBody:
    name: str
    method: str
    path: str
    body: Any


def _answers() -> dict[type[BaseModel], Any]:
    row = call_view(ENDED_CALL) | {"recording_url": None}
    return {
        CreatedCall: call_view(WAITING_CALL),
        CallList: listing([row], None),
        ResultList: listing([outcome_view(ENDED_CALL, _OUTCOME)], None),
    }


class Examples:
    def __init__(self) -> None:
        self._bodies = list(_sample_bodies())
        self._answers = _answers()

    def of_body(self, route: Described, model: type[BaseModel]) -> Named:
        """The sample events' bodies that this route accepts."""
        path = re.compile(re.sub(r"<\w+>", "[^/]+", route.path))
        return {
            sample.name: {"value": sample.body}
            for sample in self._bodies
            if sample.method == route.method and path.fullmatch(sample.path) and _fits(model, sample.body)
        }

    def of_answer(self, model: type[BaseModel]) -> Named:
        """Raises ValidationError where a view and its model have come apart."""
        if model not in self._answers:
            return {}
        shown = self._answers[model]
        model.model_validate_json(json.dumps(shown))
        return {"example": {"value": shown}}

    def of_event(self, event_type: EventType, model: type[BaseModel]) -> Named:
        """As `of_answer`, of what a webhook tells."""
        if model is not CallEventBody:
            return {}
        at = _AT + 71 * _S
        body = written(draft_of(event_type, ENDED_CALL, 1), 7, iso(at), at).body_as(event_type)
        model.model_validate_json(body)
        return {"example": {"value": json.loads(body)}} if event_type is EventType.CALL_ENDED else {}


def _fits(model: type[BaseModel], body: Any) -> bool:
    try:
        model.model_validate(body)
    except ValidationError:
        return False
    return True


def _sample_bodies() -> Iterable[_SampleBody]:
    for path in sorted((ROOT / "events").glob("*/*.json")):
        event: Mapping[str, Any] = json.loads(path.read_text())
        try:
            body = json.loads(event["body"])
        except (KeyError, TypeError, ValueError):
            continue
        asked = event["requestContext"].get("http", {})
        if isinstance(body, dict) and asked:
            yield _SampleBody(path.stem, asked["method"], _own_path(event["rawPath"]), body)


def _own_path(path: str) -> str:
    """A path as our own API has it."""
    path = versioned(path)
    for prefix in SDK_PREFIXES:
        path = path.removeprefix(str(prefix))
    return path
