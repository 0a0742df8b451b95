"""A thing is named by its id, or by a name or number that only one has."""

import pytest

from tests.component.cli.terminal import CALLEE, OURS, Terminal


@pytest.fixture
def named(terminal: Terminal) -> Terminal:
    """An agent called Night desk, two called Twin, and a pipe called Sales."""
    terminal.done("agent", "create", "night", "--name", "Night desk")
    for agent_id in ("twin-1", "twin-2"):
        terminal.done("agent", "create", agent_id, "--name", "Twin")
    terminal.done("pipe", "put", "sales-1", "--name", "Sales", "--agent", "night")
    return terminal


def test_a_thing_is_shown_changed_and_deleted_by_its_name(named: Terminal) -> None:
    assert named.document("agent", "show", "Night desk")["agent_id"] == "night"
    assert named.document("agent", "set", "night DESK", "--greeting", "Hello!")["greeting"] == "Hello!"
    assert named.document("pipe", "set", "Sales", "--agent", "Front desk")["agent_id"] == "front-desk"
    named.done("pipe", "delete", "Sales")
    assert "no such pipe" in named.refused("pipe", "show", "Sales")


def test_an_id_is_what_it_says_whoever_is_called_so(named: Terminal) -> None:
    named.done("agent", "create", "other", "--name", "night")
    assert named.document("agent", "show", "night")["name"] == "Night desk"


def test_a_name_of_several_is_an_error_that_lists_them_and_changes_nothing(named: Terminal) -> None:
    before = named.local.items()
    told = named.refused("agent", "delete", "Twin", exit_code=2)
    assert "AGENT" in told and "twin-1" in told and "twin-2" in told
    problem = named.type("--json", "pipe", "set", "Sales", "--agent", "Twin").problem
    assert [each["field"] for each in problem["errors"]] == ["--agent"]
    assert [each["id"] for each in problem["candidates"]] == ["twin-1", "twin-2"]
    assert named.local.items() == before


def test_a_name_that_nobody_has_is_refused_in_the_words_of_the_api(named: Terminal) -> None:
    assert "no such agent" in named.refused("agent", "show", "Nobody here")
    assert "agent_id: " in named.refused("pipe", "set", "Sales", "--agent", "Nobody here")


def test_an_agents_further_voice_is_named_as_people_call_it(named: Terminal) -> None:
    voice = named.document("voice", "list", "--language", "en")["data"][0]
    named.done("agent", "add-voice", "Night desk", voice["name"], "--default")
    (kept,) = named.document("agent", "show", "night")["voices"]
    assert (kept["voice_profile_id"], kept["is_default"]) == (voice["profile_id"], True)
    named.done("agent", "remove-voice", "Night desk", voice["name"])
    assert named.document("voice", "show", voice["name"])["profile_id"] == voice["profile_id"]


def test_a_number_is_named_by_its_id_or_as_people_write_it(named: Terminal) -> None:
    number = named.document("number", "add", OURS)
    assert named.document("number", "show", "+1 (555) 123-0001")["number_id"] == number["number_id"]
    assert named.document("pipe", "set", "Sales", "--from", number["number_id"])["number"] == OURS
    named.done("number", "attach", "+1 555 123 0001", "--pipe", "Sales")
    assert named.document("number", "set", number["number_id"], "--decision-default", "Sales")["pipe_id"] == "sales-1"


def test_calls_are_placed_and_listed_by_names(named: Terminal) -> None:
    placed = named.document("call", CALLEE, "--pipe", "Support", "--agent", "night desk", "--no-follow")
    assert (placed["pipe_id"], placed["agent_id"]) == ("support", "night")
    assert [row["call_id"] for row in named.document("calls", "--pipe", "Support")["data"]] == [placed["call_id"]]
    assert named.document("calls", "--agent", "Front desk")["data"] == []


def test_keys_and_endpoints_are_named_by_what_is_theirs_alone(named: Terminal) -> None:
    first = named.document("key", "create", "--name", "server")
    rotated = named.document("key", "rotate", "server", "--overlap-s", "0")
    assert rotated["key_id"] != first["key_id"]
    named.done("key", "revoke", first["key_id"])
    assert named.document("key", "revoke", "server")["key_id"] == rotated["key_id"]
    named.document("webhook", "create", "https://example.com/hook")
    named.done("webhook", "set", "https://example.com/hook", "--disabled")
    named.done("webhook", "delete", "https://example.com/hook")
    assert named.done("webhook", "list") == "no webhook endpoints\n"
