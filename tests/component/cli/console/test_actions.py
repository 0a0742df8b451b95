"""What the console's buttons do, and whom it asks for which account."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from cli.console.routes import ACTIONS, PAGES
from cli.model.failures import NotReachable
from cli.model.profiles import LOCAL, OnThisMachine, Profile
from cli.reach.deployment import Deployment
from cli.reach.invoked import CREATE_CALL, MANAGE
from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import State
from ringline.calls.tables.store import CallStore
from ringline.routing.records import Number, Pipe
from ringline.routing.store import RoutingStore
from tests.builders import ACCOUNT
from tests.component.cli.console.browsing import Browsing, Seen
from tests.component.cli.console.test_pages import ended, placed
from tests.component.cli.in_process import URL
from tests.component.cli.terminal import CALLEE, THEIRS, Terminal
from tests.component.one_table import load_handler
from tests.fakes import CONTEXT

_PAGE = {"next_cursor": None, "has_more": False}
_TRY = {"at": "2026-11-21T02:09:00.123Z", "duration_ms": 41, "status_code": 500, "error": None, "phase": None}
_DELIVERY: dict[str, Any] = {
    "delivery_id": "dlv_ep_1_7",
    "endpoint_id": "ep_1",
    "type": "call.ended",
    "status": "failing",
    "call_id": "call_1",
    "attempt_count": 1,
    "attempts": [_TRY | {"answer": "no database"}],
    "last_attempt": _TRY,
}
_ENDPOINT: dict[str, Any] = {"endpoint_id": "ep_1", "url": "https://example.com/hook", "event_types": ["call.ended"]}
_REPLAY = {"replay_id": "replay_1", "status": "running", "progress": 0.25, "sent": 10}


def list_of(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"data": list(rows), "pagination": _PAGE}


def answers(browsing: Browsing, *documents: dict[str, Any]) -> list[str]:
    """Has the API answer with these; returns where its requests are noted."""
    browsing.office.own_account()
    api = browsing.terminal.api
    api.requests.clear()
    api.bodies.clear()
    api.answers_first += [httpx.Response(200, json=each) for each in documents]
    return api.requests


def test_a_call_that_waits_is_hung_up(browsing: Browsing, terminal: Terminal) -> None:
    call_id = placed(terminal)
    seen = browsing.press(f"calls/{call_id}", "Yes, hang up")
    assert "Asked to hang up" in seen.text and "failed" in seen.text
    call = CallStore(terminal.local.dynamodb, terminal.local.table_name).get(ACCOUNT, call_id)
    assert call is not None and call.state is State.CANCELED


def test_a_call_is_made_again_once_however_often_the_button_is_pressed(browsing: Browsing, terminal: Terminal) -> None:
    call_id = placed(terminal)
    ended(terminal, call_id)
    (button,) = browsing.get(f"calls/{call_id}").buttons
    made = [browsing.post(f"calls/{call_id}/retry", **button.fields).location for _ in range(2)]
    assert made[0] == made[1] and made[0] is not None and call_id not in made[0]
    seen = browsing.get(made[0])
    assert "Called again" in seen.text and CALLEE in seen.text and "pending" in seen.text
    assert browsing.press(f"calls/{call_id}", "Yes, call again").text != seen.text, "another page, another call"


def test_what_the_api_refuses_is_told_in_its_words(browsing: Browsing, terminal: Terminal) -> None:
    call_id = placed(terminal)
    answers(browsing, {"call_id": call_id, "to_number": "+1", "pipe_id": "nobody's"})
    status, says = browsing.problem(f"calls/{call_id}/retry", once="1")
    assert status == 422 and "to_number" in says
    assert browsing.problem("calls/call_nobody/hang-up", any="1")[0] == 404


def test_endpoints_that_fail_stand_first(browsing: Browsing) -> None:
    fine, fails, off = (
        _ENDPOINT | {"url": "https://fine.example"},
        _ENDPOINT | {"url": "https://fails.example", "failing_since": "2026-11-21T02:09:00Z"},
        _ENDPOINT | {"url": "https://off.example", "disabled": True, "disabled_reason": "failing for five days"},
    )
    answers(browsing, list_of(fine, fails, off), list_of(_DELIVERY), list_of(_DELIVERY | {"status": "gave_up"}))
    seen = browsing.get("webhooks")
    assert seen.text.index("off.example") < seen.text.index("fails.example") < seen.text.index("fine.example")
    assert "failing for five days" in seen.text and "Failing (1)" in seen.text and "Given up (1)" in seen.text
    assert [each.action for each in seen.buttons] == ["deliveries/dlv_ep_1_7/redeliver"] * 2


def test_a_delivery_is_sent_again(browsing: Browsing) -> None:
    requests = answers(browsing, _DELIVERY, _DELIVERY, _DELIVERY | {"status": "delivered"})
    seen = browsing.press("deliveries/dlv_ep_1_7", "Send it again")
    assert requests[1] == "POST /v1/webhook-deliveries/dlv_ep_1_7/redeliver"
    assert "no database" in seen.text and "Sent again" in seen.text and "delivered" in seen.text


def test_an_endpoint_is_replayed_and_a_replay_is_stopped(browsing: Browsing, terminal: Terminal) -> None:
    requests = answers(browsing, _REPLAY, _ENDPOINT, {"last_day": {"success_rate": 0.5}}, list_of(_REPLAY))
    made = browsing.post("endpoints/ep_1/replay", since="2026-11-21T02:00:00+00:00", only="all")
    assert made.location == "endpoints/ep_1?done=replay"
    assert requests == ["POST /v1/webhook-endpoints/ep_1/replays"]
    assert json.loads(terminal.api.bodies[0]) == {"since": "2026-11-21T02:00:00+00:00", "only": "all"}
    seen = browsing.get(made.location)
    assert "25 %" in seen.text and "success_rate" in seen.text and "The replay has begun" in seen.text
    answers(browsing, _REPLAY)
    assert browsing.post(f"endpoints/ep_1/replays/{_REPLAY['replay_id']}/stop").location == "endpoints/ep_1?done=stop"
    assert requests[-1] == "POST /v1/webhook-endpoints/ep_1/replays/replay_1/stop"


@pytest.mark.parametrize("since", ["", "soon"])
def test_a_replay_without_a_moment_is_refused(browsing: Browsing, since: str) -> None:
    status, says = browsing.problem("endpoints/ep_1/replay", since=since, only="failed")
    assert status == 400 and "since" in says


def test_looking_changes_nothing_and_what_changes_is_never_looked_at(browsing: Browsing) -> None:
    assert not set(PAGES) & set(ACTIONS)
    for path in ACTIONS:
        assert browsing.problem("/".join(path))[0] == 404, path
    for path in PAGES:
        assert browsing.problem("/".join(path), any="1")[0] == 404, path


@dataclass
class FunctionsByName:
    """Lambda, with the two functions in this process. `failing` has them fail."""

    terminal: Terminal
    failing: bool = False
    invoked: list[str] = field(default_factory=list)

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        self.invoked.append(FunctionName)
        if self.failing:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorType": "Runtime.ImportModuleError"}')}
        environment = {"DOORBELL_QUEUE_URL": self.terminal.local.queue_url, "LIVEKIT_URL": "http://127.0.0.1:9"}
        function = load_handler({"the-manager": "manage", "the-caller": "create_call"}[FunctionName], environment)
        answer = function.lambda_handler(json.loads(Payload), CONTEXT)
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@dataclass(frozen=True)
class Session:
    """What a deployment has of botocore."""

    functions: FunctionsByName

    def create_client(self, service: str, **_known: Any) -> FunctionsByName:
        assert service == "lambda"
        return self.functions


def as_operator(terminal: Terminal, functions: Mapping[str, str], api_key: str | None) -> FunctionsByName:
    """Has the terminal's profile name these functions, and makes another account that has a pipe."""
    local = terminal.local
    AccountStore(local.dynamodb, local.table_name).create_account(Account("other", "Other Ltd", "other", 3))
    routing = RoutingStore(local.dynamodb, local.table_name)
    routing.put_number("other", Number(number=THEIRS, number_id="num_theirs"))
    routing.put_pipe("other", Pipe(pipe_id="sales", name="Sales", agent_id="bob", number=THEIRS))
    known = dict.fromkeys(("endpoint_url", "table_name", "doorbell_url", "livekit_url", "livekit_api_key"), "")
    known |= dict.fromkeys(("livekit_api_secret", "sip_trunk_id", "hooks_url", "agent_name"), "")
    terminal.running = Profile(
        name=LOCAL, api_url=URL, api_key=api_key, on_this_machine=OnThisMachine(**known, functions=functions)
    )
    invoked = FunctionsByName(terminal)
    terminal.find = lambda _profile: Deployment(
        local.dynamodb, local.sqs, local.table_name, local.queue_url, URL, session=Session(invoked)
    )
    return invoked


BOTH = {MANAGE: "the-manager", CREATE_CALL: "the-caller"}


def test_any_account_is_asked_by_way_of_the_functions_themselves(terminal: Terminal) -> None:
    invoked = as_operator(terminal, BOTH, None)
    browsing = Browsing(terminal)
    browsing.office.check()
    assert browsing.problem("now")[0] == 400, "without a key no account is the usual one"
    api = browsing.office.api("other")
    call_id = api.post("/v1/calls", {"to_number": CALLEE, "pipe_id": "sales"})["call_id"]
    assert invoked.invoked == ["the-caller"]
    seen = browsing.get("now?account=other")
    assert "Other Ltd" in seen.text and "1 calls wait" in seen.text
    assert browsing.press(f"calls/{call_id}?account=other", "Yes, hang up").text.count(call_id) > 1
    assert set(invoked.invoked[1:]) == {"the-manager"}
    assert browsing.problem(f"calls/{call_id}?account={ACCOUNT}")[0] == 404, "each account has its own calls"
    assert "no such account" in browsing.problem("now?account=nobody")[1]


def test_the_key_s_account_is_asked_with_the_key_and_others_are_listed_beside_it(terminal: Terminal) -> None:
    assert terminal.running is not None
    invoked = as_operator(terminal, BOTH, terminal.running.api_key)
    browsing = Browsing(terminal)
    browsing.office.api("other").post("/v1/calls", {"to_number": CALLEE, "pipe_id": "sales"})
    invoked.invoked.clear()
    rows = browsing.office.accounts().rows
    assert [(each.account_id, each.cap, each.waits) for each in rows] == [(ACCOUNT, 2, False), ("other", 3, True)]
    assert "Other Ltd" in browsing.get("now").text and "Other Ltd" in browsing.get("setup").text
    assert invoked.invoked == []


def test_a_function_that_fails_and_one_that_is_not_known_are_told_so(terminal: Terminal) -> None:
    invoked = as_operator(terminal, BOTH, None)
    invoked.failing = True
    status, says = Browsing(terminal).problem("now?account=other")
    assert status == 503 and "the-manager is not reached: it failed" in says and "Its log" in says
    assert terminal.running is not None
    terminal.running = replace(terminal.running, on_this_machine=None)
    assert Browsing(terminal).problem("now?account=other")[0] == 400


def test_who_may_not_read_the_table_sees_the_own_account_alone(terminal: Terminal) -> None:
    def away(_profile: Profile) -> Deployment:
        raise NotReachable("AWS", "no credentials")

    call_id = placed(terminal)
    terminal.find = away
    browsing = Browsing(terminal)
    accounts = browsing.office.accounts()
    assert [(each.account_id, each.waits) for each in accounts.rows] == [(ACCOUNT, True)]
    assert "no credentials" in accounts.left_out
    seen: Seen = browsing.get(f"calls/{call_id}")
    assert "Its record in the table" not in seen.text


def test_who_did_not_want_to_be_recorded_is_not_recorded_when_called_again(browsing: Browsing) -> None:
    denied = {"status": "denied", "method": "verbal", "at": "2026-11-01T00:00:00Z"}
    call = {"call_id": "call_1", "to_number": CALLEE, "pipe_id": "p", "recording": False, "recording_consent": denied}
    answers(browsing, call, {"call_id": "call_2"})
    browsing.post("calls/call_1/retry", once="1")
    body = json.loads(browsing.terminal.api.bodies[-1])
    assert body["recording"] is False and body["recording_consent"] == denied
