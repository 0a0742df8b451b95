"""A newcomer brings a carrier's trunk and a number to its first calls, with the command line alone, as docs/numbers.md
tells it."""

import json
import urllib.request
from pathlib import Path
from typing import Any

from local.stack.record import Stack
from tests.stack.commands.shell import document, ringline, state_of

NUMBER, CALLER, CALLEE = "+15550100777", "+15550107777", "+15550100200"

_LOOKS = 30
"""Each is a process, which takes a second or so."""


def test_a_trunk_and_a_number_come_to_their_first_calls(stack: Stack, tmp_path: Path) -> None:
    state_dir = state_of(stack)
    password = tmp_path / "password.txt"
    password.write_text("hunter2\n")
    carrier = ("--provider", "lab", "--sip-domain", "phones.example", "--transport", "udp", "--auth-username", "lab")
    trunk = document(state_dir, "trunk", "create", "lab", *carrier, "--auth-password", f"@{password}")
    assert "hunter2" not in json.dumps(trunk) and trunk["status"] == "active"
    document(state_dir, "agent", "put", "night-desk")
    number = document(state_dir, "number", "add", NUMBER, "--trunk", trunk["trunk_id"], "--agent", "night-desk")
    assert (number["connection_state"], number["agent_id"]) == ("LINKED", "night-desk")
    assert document(state_dir, "number", "sync")["drift"] == []

    call = document(state_dir, "call", CALLEE, "--agent", "night-desk", "--from", NUMBER)
    assert (call["status"], call["from_number"], call["end_reason"]) == ("completed", NUMBER, "USER_HUNG_UP_IN_CALL")

    ring_in(stack, {"from": CALLER, "to": NUMBER, "hang_up_after_s": 1})
    inbound = document(state_dir, "follow", caller_of(state_dir))
    assert (inbound["to_number"], inbound["agent_id"]) == (NUMBER, "night-desk")

    in_use = ringline(state_dir, "--json", "trunk", "delete", trunk["trunk_id"])
    assert in_use.returncode == 1 and json.loads(in_use.stderr)["status"] == 409
    for words in (
        ("number", "delete", NUMBER),
        ("trunk", "delete", trunk["trunk_id"]),
        ("agent", "delete", "night-desk"),
    ):
        assert ringline(state_dir, *words).returncode == 0
    assert trunk["trunk_id"] not in ringline(state_dir, "trunk", "list").stdout


def ring_in(stack: Stack, caller: dict[str, Any]) -> None:
    """Somebody dials a number of the phone network's."""
    request = urllib.request.Request(f"{stack.phones_url}/phones/inbound", json.dumps(caller).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 201


def caller_of(state_dir: Path) -> str:
    """The call of whoever rings in there, once it is known."""
    for _ in range(_LOOKS):
        rows = document(state_dir, "calls", "--direction", "inbound", "--to", NUMBER)["data"]
        if rows:
            return str(rows[0]["call_id"])
    raise AssertionError("nobody rang in")
