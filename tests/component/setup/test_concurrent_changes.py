"""What two requests at once may do to a pipe or an agent: no change is lost, and nothing that is used vanishes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ringline.calls.capacity.counters import Kind as Capped
from ringline.calls.capacity.counters import counter_name
from ringline.calls.progress.set_cap import SetCap
from ringline.calls.tables.limits.counters import Counters
from ringline.calls.tables.store import CallStore, TableContended
from ringline.routing.records import Agent, Number, Pipe, Trunk
from ringline.runtime.clock import now_ms
from ringline.setup.store import Kind, Reference, SetupStore
from ringline.trunking.model.lines import CarrierTrunk
from ringline.trunking.tables.numbers import NumberRows
from ringline.trunking.tables.trunks import TrunkStore
from tests.component.setup.api import ACCOUNT, Answered, SetupApi

NUMBER = "+15550100777"
DESK = {"agent_id": "desk", "brain": {"type": "runner"}}


def test_two_changes_of_different_fields_are_both_kept(api: SetupApi) -> None:
    pipe_id = api.made("/v1/pipes", {"name": "p", "agent_id": "desk"})["pipe_id"]
    bodies: list[dict[str, Any]] = [
        {"ring_timeout_s": 20},
        {"agent_join_timeout_s": 9},
        {"greeting": "Hi"},
        {"unique_to": "number"},
    ]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda body: api.ask("PATCH", f"/v1/pipes/{pipe_id}", body), bodies))
    assert [each.status for each in answers] == [200] * 4
    pipe = api.ask("GET", f"/v1/pipes/{pipe_id}").body
    assert {name: pipe[name] for body in bodies for name in body} == {
        name: value for body in bodies for name, value in body.items()
    }
    assert pipe["revision"] == 5


def test_of_two_changes_of_one_revision_one_is_refused(api: SetupApi) -> None:
    api.made("/v1/agents", DESK)
    with ThreadPoolExecutor(4) as threads:
        asked = [
            threads.submit(api.ask, "PATCH", "/v1/agents/desk", {"name": str(n)}, if_match='"1"') for n in range(4)
        ]
        answers = [each.result() for each in asked]
    assert sorted(each.status for each in answers) == [200, 412, 412, 412]


@pytest.mark.parametrize(("method", "body"), [("PUT", {"agent_id": "sales"}), ("DELETE", None)])
def test_a_number_that_was_changed_meanwhile_is_neither_moved_nor_detached(
    api: SetupApi, method: str, body: dict[str, str] | None
) -> None:
    for agent_id in ("desk", "sales"):
        api.made("/v1/agents", {**DESK, "agent_id": agent_id})
    api.rows.put_number(ACCOUNT, Number(number=NUMBER, number_id="num_1", agent_id="desk", revision=2))
    refused = api.ask(method, f"/v1/numbers/{NUMBER}/attach", body, if_match='"1"')
    assert (refused.status, refused.code, refused.headers["etag"]) == (412, "revision_conflict", '"2"')
    assert api.ask("GET", f"/v1/numbers/{NUMBER}").body["agent_id"] == "desk"
    assert api.ask(method, f"/v1/numbers/{NUMBER}/attach", body, if_match='"2"').status == 200


@pytest.mark.parametrize("path", ["/v1/agents/desk", "/v1/pipes/pipe_1", f"/v1/numbers/{NUMBER}"])
def test_of_two_changes_of_a_cap_the_one_that_the_row_says_last_holds(
    api: SetupApi, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    api.made("/v1/agents", DESK)
    api.made("/v1/pipes", {"name": "p", "pipe_id": "pipe_1", "agent_id": "desk"})
    api.rows.put_number(ACCOUNT, Number(number=NUMBER, number_id="num_1"))
    set_cap, second = Counters.set_cap, list[Answered]()

    def late(self: Counters, *asked: Any, **more: Any) -> None:
        """The second change is written, and its cap set, between the two steps of the first."""
        if not second:
            second.append(Answered(0, None, {}))
            second[:] = [api.ask("PATCH", path, {"max_calls": 50})]
        set_cap(self, *asked, **more)

    monkeypatch.setattr(Counters, "set_cap", late)
    first = api.ask("PATCH", path, {"max_calls": 5})
    assert [first.status, second[0].status] == [200, 200]
    assert api.ask("GET", path).body["max_calls"] == 50
    counted = [row["max_calls"] for row in api.local.items() if row["pk"].endswith("#CAPS") and "max_calls" in row]
    assert counted == [50]


def test_of_two_of_one_id_one_is_made(api: SetupApi) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: api.ask("POST", "/v1/agents", DESK), range(4)))
    assert sorted(each.status for each in answers) == [201, 409, 409, 409]


@pytest.fixture
def meanwhile(api: SetupApi, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Answered]], list[Answered]]:
    """Has something happen after a deletion has looked for users, and before it deletes."""
    done: list[Answered] = []

    def happen(what: Callable[[], Answered]) -> list[Answered]:
        users = SetupStore.users

        def looked(self: SetupStore, account_id: str, thing: Reference) -> object:
            found = users(self, account_id, thing)
            if not done:
                done.append(what())
            return found

        monkeypatch.setattr(SetupStore, "users", looked)
        return done

    return happen


def test_an_agent_that_a_pipe_is_bound_to_meanwhile_is_not_deleted(
    api: SetupApi, meanwhile: Callable[[Callable[[], Answered]], list[Answered]]
) -> None:
    api.made("/v1/agents", DESK)
    bound = meanwhile(lambda: api.ask("POST", "/v1/pipes", {"name": "p", "agent_id": "desk"}))
    refused = api.ask("DELETE", "/v1/agents/desk")
    assert [each.status for each in bound] == [201]
    assert (refused.status, refused.code) == (409, "in_use")
    assert api.ask("GET", "/v1/agents/desk").status == 200


def test_an_agent_that_a_pipe_falls_back_to_meanwhile_is_not_deleted(
    api: SetupApi, meanwhile: Callable[[Callable[[], Answered]], list[Answered]]
) -> None:
    api.made("/v1/agents", DESK)
    pipe_id = api.made("/v1/pipes", {"name": "p", "agent_id": "other"})["pipe_id"]
    meanwhile(lambda: api.ask("PATCH", f"/v1/pipes/{pipe_id}", {"fallback_agent_id": "desk"}))
    assert api.ask("DELETE", "/v1/agents/desk").code == "in_use"


def test_a_pipe_is_never_bound_to_an_agent_that_is_gone(api: SetupApi) -> None:
    """Whichever of the two comes first: the pipe's agent has a row."""
    for turn in range(6):
        api.ask("POST", "/v1/agents", DESK)
        body = {"name": "p", "agent_id": "desk", "pipe_id": f"p{turn}"}
        with ThreadPoolExecutor(2) as threads:
            deleted = threads.submit(api.ask, "DELETE", "/v1/agents/desk")
            bound = threads.submit(api.ask, "POST", "/v1/pipes", body)
        assert deleted.result().status in {204, 409}
        assert bound.result().status == 201
        assert api.rows.agent(ACCOUNT, "desk") is not None
        assert api.ask("DELETE", f"/v1/pipes/p{turn}").status == 204


def test_what_was_set_up_without_a_revision_is_of_the_first(api: SetupApi) -> None:
    """By an operator, or by an older version."""
    api.rows.put_agent(ACCOUNT, Agent(agent_id="desk", name="Desk"))
    api.rows.put_pipe(ACCOUNT, Pipe(pipe_id="old", name="Old", agent_id="desk"))
    for sk in ("AGENT#desk", "PIPE#old"):
        key = {"pk": {"S": f"A#{ACCOUNT}"}, "sk": {"S": sk}}
        api.local.dynamodb.update_item(TableName=api.local.table_name, Key=key, UpdateExpression="REMOVE revision")
    changed = [api.ask("PATCH", path, {"name": "New"}, if_match="1") for path in ("/v1/pipes/old", "/v1/agents/desk")]
    assert [(each.status, each.body["revision"]) for each in changed] == [(200, 2), (200, 2)]


def test_uses_are_counted_for_the_kind_that_is_used(api: SetupApi) -> None:
    api.made("/v1/pipes", {"name": "p", "agent_id": "same", "pipe_id": "same"})
    store = SetupStore(api.local.dynamodb, api.local.table_name)
    assert [store.uses(ACCOUNT, Reference(kind, "same")) for kind in (Kind.PIPE, Kind.AGENT)] == [0, 1]


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first cap that is set meets too many calls at the gate."""
    run = SetCap.run

    def refuse_once(self: SetCap, *said: Any) -> None:
        monkeypatch.setattr(SetCap, "run", run)
        raise TableContended

    monkeypatch.setattr(SetCap, "run", refuse_once)


@pytest.mark.parametrize(
    ("things", "body"), [("agents", DESK), ("pipes", {"pipe_id": "desk", "name": "p", "prompt": "Be kind"})]
)
@pytest.mark.usefixtures("crowded")
def test_what_has_a_cap_is_made_whole_or_not_at_all(api: SetupApi, things: str, body: dict[str, Any]) -> None:
    refused = api.ask("POST", f"/v1/{things}", body | {"max_calls": 2})
    assert (refused.status, refused.code) == (503, "contended")
    assert api.ask("GET", f"/v1/{things}/desk").status == 404 and api.rows.agents(ACCOUNT) == []
    api.made(f"/v1/{things}", body | {"max_calls": 2})
    name = counter_name(Capped.AGENT if things == "agents" else Capped.PIPE, "desk")
    assert Counters(api.local.dynamodb, api.local.table_name).look(ACCOUNT, name).max_calls == 2


@pytest.mark.parametrize(
    ("things", "body"), [("agents", DESK), ("pipes", {"pipe_id": "desk", "name": "p", "prompt": "Be kind"})]
)
def test_a_cap_that_was_not_set_for_the_crowd_is_set_by_the_same_request_of_the_same_revision(
    api: SetupApi, request: pytest.FixtureRequest, things: str, body: dict[str, Any]
) -> None:
    api.made(f"/v1/{things}", body)
    request.getfixturevalue("crowded")
    counters = Counters(api.local.dynamodb, api.local.table_name)
    name = counter_name(Capped.AGENT if things == "agents" else Capped.PIPE, "desk")
    path = f"/v1/{things}/desk"
    assert api.ask("PATCH", path, {"max_calls": 2, "greeting": "Hi"}, if_match='"1"').status == 503
    again = api.ask("PATCH", path, {"max_calls": 2, "greeting": "Hi"}, if_match='"1"')
    assert (again.status, again.body["revision"]) == (200, 2)
    assert counters.look(ACCOUNT, name).max_calls == 2
    assert api.ask("PATCH", path, {"max_calls": 3}, if_match='"1"').status == 412


@pytest.mark.parametrize("path", ["/v1/pipes/line", "/v1/agents/desk"])
def test_nobody_keeps_a_number_that_is_given_up_in_the_same_moment(
    api: SetupApi, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    api.made("/v1/agents", DESK)
    api.made("/v1/pipes", {"name": "p", "agent_id": "desk", "pipe_id": "line"})
    api.rows.put_number(ACCOUNT, Number(number=NUMBER, number_id="num_1"))
    save = SetupStore.save

    def given_up_before(self: SetupStore, *said: Any, **more: Any) -> object:
        monkeypatch.setattr(SetupStore, "save", save)
        assert api.ask("DELETE", f"/v1/numbers/{NUMBER}").status == 204
        return save(self, *said, **more)

    monkeypatch.setattr(SetupStore, "save", given_up_before)
    refused = api.ask("PATCH", path, {"number": NUMBER})
    assert (refused.status, refused.code) == (422, "unknown_number")
    assert api.ask("GET", path).body["number"] is None


def test_a_number_is_not_given_up_when_a_pipe_begins_to_call_from_it_in_the_same_moment(
    api: SetupApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.made("/v1/pipes", {"name": "p", "agent_id": "desk", "pipe_id": "line"})
    api.rows.put_number(ACCOUNT, Number(number=NUMBER, number_id="num_1"))
    delete = NumberRows.delete

    def named_before(self: NumberRows, *said: Any, **more: Any) -> None:
        monkeypatch.setattr(NumberRows, "delete", delete)
        assert api.ask("PATCH", "/v1/pipes/line", {"number": NUMBER}).status == 200
        delete(self, *said, **more)

    monkeypatch.setattr(NumberRows, "delete", named_before)
    refused = api.ask("DELETE", f"/v1/numbers/{NUMBER}")
    assert (refused.status, refused.code) == (409, "number_in_use")


def test_a_gate_shows_that_a_number_leaves_before_it_does(api: SetupApi, monkeypatch: pytest.MonkeyPatch) -> None:
    api.rows.put_number(ACCOUNT, Number(number=NUMBER, number_id="num_1"))
    calls, before = CallStore(api.local.dynamodb, api.local.table_name), now_ms()
    assert calls.gate(ACCOUNT).numbers_left_at is None
    delete = NumberRows.delete
    left: list[int | None] = []

    def looks_first(self: NumberRows, *said: Any, **more: Any) -> None:
        left.append(calls.gate(ACCOUNT).numbers_left_at)
        delete(self, *said, **more)

    monkeypatch.setattr(NumberRows, "delete", looks_first)
    assert api.ask("DELETE", f"/v1/numbers/{NUMBER}").status == 204
    assert left[0] is not None and left[0] >= before


@pytest.fixture
def adopted(api: SetupApi) -> str:
    """A trunk of LiveKit's that the account has adopted."""
    trunk = CarrierTrunk(
        trunk_id="trunk_1", name="PBX", type="livekit", provider_trunk_id="ST_pbx", provider_side="outbound"
    )
    api.trunks.add(ACCOUNT, trunk)
    assert api.trunks.adopt(ACCOUNT, "ST_pbx")
    number = Number(number=NUMBER, number_id="num_1", trunk_id="ST_pbx", account_trunk_id="trunk_1")
    api.rows.put_number(ACCOUNT, number)
    return "/v1/trunks/trunk_1"


BY_TRUNK = {"trunk_id": "ST_pbx"}


@pytest.mark.parametrize("path", ["/v1/pipes/line", "/v1/agents/desk"])
def test_a_trunk_that_a_pipe_or_an_agent_calls_through_is_not_deleted(api: SetupApi, adopted: str, path: str) -> None:
    api.made("/v1/agents", DESK)
    api.made("/v1/pipes", {"name": "p", "agent_id": "desk", "pipe_id": "line"})
    assert api.ask("PATCH", path, BY_TRUNK).status == 200
    assert api.ask("DELETE", f"/v1/numbers/{NUMBER}").status == 204
    refused = api.ask("DELETE", adopted)
    assert (refused.status, refused.code) == (409, "in_use")
    assert refused.fields == [path.removeprefix("/v1/").replace("s/", ":")]
    assert api.ask("PATCH", path, {"trunk_id": None}).status == 200
    assert api.ask("DELETE", adopted).status == 204


def test_a_trunk_that_a_pipe_begins_to_name_in_the_same_moment_is_not_deleted(
    api: SetupApi, adopted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.made("/v1/pipes", {"name": "p", "agent_id": "desk", "pipe_id": "line"})
    assert api.ask("DELETE", f"/v1/numbers/{NUMBER}").status == 204
    api.rows.put_trunk(Trunk(trunk_id="ST_pbx", account_id=ACCOUNT))
    close = TrunkStore.close

    def named_before(self: TrunkStore, *said: Any) -> bool:
        monkeypatch.setattr(TrunkStore, "close", close)
        assert api.ask("PATCH", "/v1/pipes/line", BY_TRUNK).status == 200
        return close(self, *said)

    monkeypatch.setattr(TrunkStore, "close", named_before)
    assert api.ask("DELETE", adopted).code == "in_use"
    assert api.ask("GET", adopted).body["status"] == "active"


def test_nobody_begins_to_name_a_trunk_that_is_deleted_in_the_same_moment(
    api: SetupApi, adopted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.made("/v1/pipes", {"name": "p", "agent_id": "desk", "pipe_id": "line"})
    save = SetupStore.save

    def deleted_before(self: SetupStore, *said: Any, **more: Any) -> object:
        monkeypatch.setattr(SetupStore, "save", save)
        assert api.ask("DELETE", f"/v1/numbers/{NUMBER}").status == 204
        assert api.ask("DELETE", adopted).status == 204
        return save(self, *said, **more)

    monkeypatch.setattr(SetupStore, "save", deleted_before)
    assert api.ask("PATCH", "/v1/pipes/line", BY_TRUNK).code == "unknown_trunk"
