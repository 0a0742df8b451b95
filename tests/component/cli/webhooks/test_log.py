"""The log of deliveries and replays from the command line."""

import json
from typing import Any

import httpx
import pytest

from tests.component.cli.terminal import Terminal

_TRY = {"at": "2026-11-21T02:09:00.123Z", "duration_ms": 41, "status_code": 500, "error": None, "phase": None}
_ROW: dict[str, Any] = {
    "delivery_id": "dlv_ep_1_7",
    "type": "call_end",
    "status": "failing",
    "attempt_count": 1,
    "last_attempt": _TRY | {"answer": "no database"},
}
_ONE = {**_ROW, "attempts": [_TRY | {"answer": "no database"}]}
_REPLAY = {"replay_id": "replay_1", "status": "running", "progress": 0.25, "sent": 10, "stopped_because": None}
_PAGE = {"next_cursor": None, "has_more": False}
_ENDPOINT = {"endpoint_id": "ep_1", "url": "https://example.com/hook"}


@pytest.mark.parametrize(
    ("words", "asked", "body", "answer", "says"),
    [
        (
            ("deliveries", "--status", "failing"),
            "GET /v1/webhook-deliveries",
            None,
            {"data": [_ROW], "pagination": _PAGE},
            "dlv_ep_1_7",
        ),
        (("delivery", "dlv_ep_1_7"), "GET /v1/webhook-deliveries/dlv_ep_1_7", None, _ONE, "no database"),
        (("redeliver", "dlv_ep_1_7"), "POST /v1/webhook-deliveries/dlv_ep_1_7/redeliver", None, _ONE, "failing"),
        (
            ("replay", "ep_1", "--from-sequence", "3", "--only", "all", "--types", "call.ended,call.active"),
            "POST /v1/webhook-endpoints/ep_1/replays",
            {"from_sequence": 3, "only": "all", "types": ["call.ended", "call.active"]},
            _REPLAY,
            "running",
        ),
        (
            ("replay", "ep_1", "--since", "2026-11-21T02:00:00+00:00", "--until", "2026-11-21T03:00:00+00:00"),
            "POST /v1/webhook-endpoints/ep_1/replays",
            {"since": "2026-11-21T02:00:00+00:00", "until": "2026-11-21T03:00:00+00:00", "only": "failed"},
            _REPLAY,
            "replay_1",
        ),
        (
            ("replays", "ep_1"),
            "GET /v1/webhook-endpoints/ep_1/replays",
            None,
            {"data": [_REPLAY], "pagination": _PAGE},
            "0.25",
        ),
        (
            ("replay-status", "ep_1", "replay_1"),
            "GET /v1/webhook-endpoints/ep_1/replays/replay_1",
            None,
            _REPLAY,
            "0.25",
        ),
        (
            ("stop-replay", "ep_1", "replay_1"),
            "POST /v1/webhook-endpoints/ep_1/replays/replay_1/stop",
            None,
            _REPLAY | {"status": "stopped"},
            "stopped",
        ),
        (
            ("statistics", "ep_1"),
            "GET /v1/webhook-endpoints/ep_1/statistics",
            None,
            {"endpoint_id": "ep_1", "last_day": {"success_rate": 0.5}},
            "0.5",
        ),
    ],
    ids=lambda case: case[0] if isinstance(case, tuple) else None,
)
def test_a_command_asks_its_route_and_shows_the_answer(
    terminal: Terminal, words: tuple[str, ...], asked: str, body: Any, answer: dict[str, Any], says: str
) -> None:
    names_an_endpoint = "ep_1" in words
    terminal.api.answers_first = [
        *([httpx.Response(200, json=_ENDPOINT)] if names_an_endpoint else []),
        httpx.Response(200, json=answer),
    ]
    assert says in terminal.done("webhook", *words)
    assert terminal.api.requests[-1] == asked
    assert (json.loads(terminal.api.bodies[-1]) if body is not None else None) == body


def test_a_replay_has_one_beginning(terminal: Terminal) -> None:
    for words in ((), ("--since", "2h", "--from-sequence", "1")):
        terminal.api.answers_first = [httpx.Response(200, json=_ENDPOINT)]
        assert "--since or --from-sequence" in terminal.refused("webhook", "replay", "ep_1", *words, exit_code=2)
