"""What two requests at once may do to a pipe or an agent: no change is lost, and nothing that is used vanishes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ringline.routing.records import Agent, Pipe
from ringline.setup.store import Kind, Reference, SetupStore
from tests.component.setup.api import ACCOUNT, Answered, SetupApi

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
    assert [store.uses(ACCOUNT, Reference(kind, "same")) for kind in Kind] == [0, 1]
