"""What an account has, made and changed from the command line through the API's own functions."""

import httpx
import pytest

from tests.component.cli.terminal import Terminal

HOOK = "https://example.com/hook"


def test_a_webhook_endpoint_is_made_shown_changed_and_deleted(terminal: Terminal) -> None:
    made = terminal.document("webhook", "create", HOOK, "--event-types", "call_end,call_active", "--description", "CRM")
    assert made["secret"].startswith("whsec_") and made["event_types"] == ["call_end", "call_active"]
    endpoint_id = made["endpoint_id"]
    assert HOOK in terminal.done("webhook", "list")
    assert "secret" not in terminal.document("webhook", "show", endpoint_id)
    changed = terminal.document("webhook", "set", endpoint_id, "--description", "", "--disabled")
    assert (changed["description"], changed["disabled"], changed["url"]) == (None, True, HOOK)
    assert terminal.done("webhook", "delete", endpoint_id) == f"{endpoint_id}: deleted\n"
    assert terminal.done("webhook", "list") == "no webhook endpoints\n"


def test_what_an_endpoint_may_not_be_is_told_by_its_field(terminal: Terminal) -> None:
    assert "url: " in terminal.refused("webhook", "create", "ftp://example.com")
    assert "colour: is not known here" in terminal.refused("webhook", "create", HOOK, "--set", "colour=red")
    assert "--event-types" in terminal.refused("webhook", "create", HOOK, "--event-types", "rain", exit_code=2)
    assert "Nothing to change" in terminal.refused("webhook", "set", "ep_1", exit_code=2)
    assert "no such webhook endpoint" in terminal.refused("webhook", "set", "ep_1", "--disabled")


# ---------------------------------------------------------------- what every command has


def test_json_stands_anywhere_and_a_failure_is_a_problem_document(terminal: Terminal) -> None:
    for words in (("--json", "webhook", "show", "ep_1"), ("webhook", "show", "ep_1", "--json")):
        told = terminal.type(*words)
        assert (told.exit_code, told.out) == (1, "")
        assert (told.problem["status"], told.problem["code"]) == (404, "endpoint_not_found")
    told = terminal.type("webhook", "list", "--json", "--colour")
    assert (told.exit_code, told.out, told.problem["code"]) == (2, "", "usage")


@pytest.mark.parametrize(
    ("answer", "exit_code", "says"),
    [
        (httpx.ConnectError("refused"), 3, "is not reached: refused"),
        (httpx.ConnectTimeout(""), 3, "no connection within 5 s"),
        (httpx.ReadTimeout(""), 3, "no answer within 30 s"),
        (httpx.Response(404, text="<html>"), 1, "not in words of ours"),
        (httpx.Response(401, json={"title": "The API key is unknown", "status": 401}), 1, "ringline profile show"),
        (httpx.Response(403, json={"message": "Forbidden"}), 1, "does not take this key"),
        (httpx.Response(403, json={"message": "Forbidden"}), 1, "ringline profile show"),
        (httpx.Response(409, json={"title": "In use", "used_by": [{"kind": "pipe", "id": "p"}]}), 1, "by the pipe p"),
        (httpx.Response(422, json={"title": "No", "errors": [{"field": "url", "message": "bad"}]}), 1, "  url: bad"),
    ],
)
def test_every_failure_has_its_words_and_its_exit_code(
    terminal: Terminal, answer: httpx.Response | Exception, exit_code: int, says: str
) -> None:
    terminal.api.answers_first = [answer]
    assert says in terminal.refused("webhook", "list", exit_code=exit_code)


def test_a_busy_api_is_asked_again_for_what_is_read_and_not_for_what_changes(terminal: Terminal) -> None:
    busy = httpx.Response(503, json={"title": "Busy", "status": 503}, headers={"retry-after": "2"})
    waited: list[float] = []
    terminal.while_waiting = waited.append
    terminal.api.answers_first = [busy, busy]
    assert terminal.done("webhook", "list") == "no webhook endpoints\n"
    assert waited == [2.0, 2.0]
    terminal.api.answers_first = [busy]
    assert "Try again in 2 s" in terminal.refused("webhook", "create", HOOK)
    terminal.api.answers_first = [busy] * 3
    assert "Busy" in terminal.refused("webhook", "list")


def test_nothing_that_the_api_tells_is_taken_for_markup(terminal: Terminal) -> None:
    terminal.document("webhook", "create", HOOK, "--description", "[red]not a colour[/red]")
    listed = terminal.document("webhook", "list")["data"][0]
    assert "[red]not a colour[/red]" in terminal.done("webhook", "show", listed["endpoint_id"])


@pytest.mark.parametrize("words", [(), ("pipe",), ("--help",), ("call", "--help"), ("account", "create", "-h")])
def test_help_is_shown_where_it_is_asked_for_or_nothing_else_is(terminal: Terminal, words: tuple[str, ...]) -> None:
    told = terminal.type(*words)
    assert "Usage: ringline" in told.out and told.err == ""


@pytest.mark.parametrize("words", [("pip",), ("pipe", "lst"), ("calls", "--statsu", "active")])
def test_a_word_that_is_not_known_is_answered_with_the_one_that_was_meant(
    terminal: Terminal, words: tuple[str, ...]
) -> None:
    told = terminal.refused(*words, exit_code=2)
    assert words[-1 if len(words) < 3 else 1] in told
