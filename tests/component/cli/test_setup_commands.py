"""Agents, pipes, voices and keys, set up from the command line through the API's own functions."""

import pytest

from ringline.accounts.authorize import Authorize, Authorized, Refusal
from ringline.accounts.store import AccountStore
from ringline.routing.records import VoicemailWindows
from ringline.routing.store import RoutingStore
from ringline.runtime.vault.sealed import is_sealed
from tests.builders import ACCOUNT
from tests.component.cli.terminal import OURS, Terminal


def routing_of(terminal: Terminal) -> RoutingStore:
    return RoutingStore(terminal.local.dynamodb, terminal.local.table_name)


def test_an_agent_is_made_changed_only_at_its_revision_and_deleted(terminal: Terminal) -> None:
    terminal.done("agent", "create", "desk", "--name", "Desk", "--brain", "prompt", "--prompt", "You answer for Acme.")
    agent = routing_of(terminal).agent(ACCOUNT, "desk")
    assert agent is not None and (agent.brain, agent.prompt) == ("prompt", "You answer for Acme.")
    shown = terminal.document("agent", "show", "desk")
    changed = terminal.document("agent", "set", "desk", "--model", "small", "--if-revision", str(shown["revision"]))
    assert (changed["llm_model"], changed["revision"]) == ("small", shown["revision"] + 1)
    late = terminal.type("agent", "set", "desk", "--model", "", "--if-revision", "1", "--json")
    assert (late.exit_code, late.problem["code"]) == (1, "revision_conflict")
    assert "desk" in terminal.done("agent", "list")
    assert terminal.done("agent", "delete", "desk") == "agent desk: deleted\n"
    assert "no such agent" in terminal.refused("agent", "show", "desk")


def test_an_endpoints_key_is_read_from_a_file_and_never_shown(terminal: Terminal) -> None:
    key = terminal.config.with_name("key.txt")
    key.write_text("sk-of-the-brain\n")
    url = "https://brain.example/v1/chat"
    words = ("--brain", "endpoint", "--endpoint-url", url, "--endpoint-key", f"@{key}", "--endpoint-kind", "turn")
    shown = terminal.done("agent", "create", "desk", *words) + terminal.done("agent", "show", "desk")
    assert "sk-of-the-brain" not in shown + terminal.done("agent", "list")
    agent = routing_of(terminal).agent(ACCOUNT, "desk")
    assert agent is not None and (agent.endpoint_url, agent.endpoint_kind) == (url, "turn")
    assert agent.endpoint_key is not None and is_sealed(agent.endpoint_key)


def test_what_is_in_use_is_not_deleted_and_says_who_uses_it(terminal: Terminal) -> None:
    told = terminal.refused("agent", "delete", "front-desk")
    assert "support" in told
    terminal.done("pipe", "delete", "support")
    terminal.done("agent", "delete", "front-desk")


def test_every_option_of_a_pipe_reaches_its_field(terminal: Terminal) -> None:
    terminal.done("agent", "create", "desk")
    terminal.done("pipe", "put", "p", "--agent", "desk", "--name", "Front desk")
    terminal.done(
        "pipe", "set", "p", "--recording", "--max-call-duration-s", "600", "--ring-timeout-s", "25",
        "--agent-join-timeout-s", "20", "--no-agent-first", "--fallback-agent", "front-desk",
        "--voicemail-policy", "leave_message", "--unique-to", "number",
        "--transfer-allowed-numbers", "+14155550123,+1 415 555 0124", "--transfer-allowed-prefixes", "+1415",
        "--voicemail-ring-min-s", "2.5", "--voicemail-ring-max-s", "18", "--greeting-max-s", "12",
    )  # fmt: skip
    pipe = routing_of(terminal).pipe(ACCOUNT, "p")
    assert pipe is not None
    assert (pipe.name, pipe.agent_id, pipe.recording, pipe.agent_first) == ("Front desk", "desk", True, False)
    assert (pipe.max_call_duration_s, pipe.ring_timeout_s, pipe.agent_join_timeout_s) == (600, 25, 20)
    assert (pipe.fallback_agent_id, pipe.voicemail_policy, pipe.unique_to) == ("front-desk", "leave_message", "number")
    assert pipe.transfer_allowed_numbers == ("+14155550123", "+14155550124")
    assert pipe.transfer_allowed_prefixes == ("+1415",)
    assert pipe.voicemail == VoicemailWindows(2.5, 18, greeting_max_s=12)


def test_the_same_put_twice_is_as_once_and_an_empty_value_takes_back(terminal: Terminal) -> None:
    put = ("pipe", "put", "p", "--agent", "front-desk", "--ring-timeout-s", "25")
    first, second = terminal.document(*put), terminal.document(*put)
    assert {name: first[name] for name in ("pipe_id", "agent_id", "ring_timeout_s")} == {
        name: second[name] for name in ("pipe_id", "agent_id", "ring_timeout_s")
    }
    assert terminal.document("pipe", "put", "p", "--ring-timeout-s", "")["ring_timeout_s"] is None
    terminal.done("pipe", "set", "p", "--transfer-allowed-numbers", "none")
    pipe = routing_of(terminal).pipe(ACCOUNT, "p")
    assert pipe is not None and pipe.transfer_allowed_numbers == ()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("pipe", "create", "P"), "brain"),
        (("pipe", "create", "P", "--agent", "front-desk", "--from", "+14155550199"), "number: "),
        (("pipe", "set", "support", "--fallback-agent", "nobody"), "fallback_agent_id: "),
        (("pipe", "set", "support", "--voicemail-ring-min-s", "30"), "ring_min_s"),
        (("pipe", "set", "support", "--set", "playbook=greet"), "playbook: "),
        (("agent", "create", "desk", "--brain", "endpoint"), "brain.ref: "),
        (("agent", "create", "desk", "--set", "mood=good"), "mood: is not known here"),
    ],
)
def test_what_cannot_be_set_up_is_told_by_its_field_and_changes_nothing(
    terminal: Terminal, words: tuple[str, ...], says: str
) -> None:
    before = terminal.local.items()
    assert says in terminal.refused(*words)
    written = [row for row in terminal.local.items() if row not in before]
    assert all(row["pk"].endswith("#AUDIT") and row["outcome"] == "refused" for row in written)


def test_what_a_pipe_says_goes_for_the_calls_from_then_on(terminal: Terminal) -> None:
    terminal.done("pipe", "set", "support", "--ring-timeout-s", "25")
    placed = terminal.document("call", "+15550100200", "--pipe", "support", "--no-follow")
    assert (placed["pipe_id"], placed["from_number"]) == ("support", OURS)


def test_voices_are_listed_by_language_and_given_to_an_agent(terminal: Terminal) -> None:
    english = {row["profile_id"] for row in terminal.document("voice", "list", "--language", "en")["data"]}
    every = {row["profile_id"] for row in terminal.document("voice", "list")["data"]}
    assert english and english < every
    first, second = sorted(english)[:2]
    assert terminal.document("voice", "show", first)["profile_id"] == first
    terminal.done("agent", "create", "desk", "--voice-profile", first)
    terminal.done("agent", "add-voice", "desk", second, "--greeting", "Hello!", "--default")
    voices = {each["voice_profile_id"]: each for each in terminal.document("agent", "show", "desk")["voices"]}
    assert voices[second]["is_default"] and voices[second]["greeting"] == "Hello!"
    terminal.done("agent", "set-voice", "desk", first, "--default")
    assert terminal.done("agent", "remove-voice", "desk", second) == f"voice {second} of desk: deleted\n"
    (left,) = terminal.document("agent", "show", "desk")["voices"]
    assert left["voice_profile_id"] == first


def test_a_voice_of_the_operators_own_is_there_for_all_and_may_be_taken_away(terminal: Terminal) -> None:
    words = ("--name", "Ada", "--languages", "en,de", "--stt-provider", "deepgram", "--tts-provider", "cartesia")
    terminal.done("voice", "put", "ada", *words)
    terminal.done("voice", "put", "ada", "--voice-speed", "1.1")
    shown = terminal.document("voice", "show", "ada")
    assert (shown["name"], shown["languages"], shown["voice_speed"]) == ("Ada", ["en", "de"], 1.1)
    assert terminal.done("voice", "delete", "ada") == "voice ada: deleted\n"
    assert "no such voice" in terminal.refused("voice", "show", "ada")
    assert "There is no voice ada" in terminal.refused("voice", "delete", "ada")
    assert "stt_provider" in terminal.refused("voice", "put", "ada", "--stt-provider", "tin-can")


def test_a_key_is_made_listed_rotated_and_revoked(terminal: Terminal) -> None:
    authorize = Authorize(AccountStore(terminal.local.dynamodb, terminal.local.table_name))

    def verdict(raw_key: str) -> object:
        return authorize.verdict({"authorization": f"Bearer {raw_key}"})

    made = terminal.document("key", "create", "--name", "server")
    assert isinstance(verdict(made["raw_key"]), Authorized)
    listed = {row["key_id"]: row for row in terminal.document("key", "list")["data"]}
    assert listed[made["key_id"]]["name"] == "server" and "raw_key" not in listed[made["key_id"]]
    rotated = terminal.document("key", "rotate", made["key_id"], "--overlap-s", "0")
    assert isinstance(verdict(rotated["raw_key"]), Authorized)
    assert terminal.done("key", "revoke", rotated["key_id"]) == f"{rotated['key_id']}: revoked\n"
    assert verdict(rotated["raw_key"]) is Refusal.INVALID_KEY


def test_who_else_takes_a_numbers_callers_is_said_shown_and_taken_back(terminal: Terminal) -> None:
    mine, other, url = "+14155550124", "+14155550125", "https://decide.example/callers"
    terminal.done("number", "add", other)
    terminal.done("number", "add", mine, "--agent", "front-desk", "--overflow-pipe", "support")
    told = terminal.document(
        "number", "set", mine, "--overflow-number", other, "--decision-url", url, "--decision-default", "reject"
    )
    assert (told["overflow"], told["decision_url"], told["decision_default"]) == ({"number": other}, url, "reject")
    assert mine in terminal.refused("number", "delete", other)
    rotated = terminal.document("number", "rotate-decision-secret", mine)
    number = routing_of(terminal).number(ACCOUNT, mine)
    assert number is not None and is_sealed(number.decision_secret or "")
    assert None is not rotated["decision_secret"] != told["decision_secret"]
    shown = terminal.document(
        "number", "set", mine, "--set", "overflow=null", "--decision-url", "", "--decision-default", ""
    )
    assert (shown["overflow"], shown["decision_url"], shown["decision_default"]) == (None, None, None)
    terminal.done("number", "set", mine, "--agent", "", "--overflow-agent", "front-desk")
    assert mine in terminal.refused("agent", "delete", "front-desk")
