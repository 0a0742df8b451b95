"""Why a call of the phone network ended, as its speech agent tells its brain: by the speech worker's own rules."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from local.phones.agents.presence import Presence
from local.phones.agents.reports import Reports
from local.phones.speech import endings
from speech.bridge.model.outcome import Outcome


def why(answer: dict[str, Any] | None, *, alone: bool, answered: bool) -> Outcome:
    async def ask() -> dict[str, Any] | None:
        return answer

    async def asked() -> Outcome:
        events = [asyncio.Event() for _ in range(2)]
        for event, is_set in zip(events, (alone, answered), strict=True):
            if is_set:
                event.set()
        presence = cast(Presence, SimpleNamespace(alone=events[0], answered=events[1]))
        return await endings.why_it_ended(presence, cast(Reports, SimpleNamespace(ask=ask)))

    return asyncio.run(asked())


@pytest.fixture(autouse=True)
def _asks_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "_ASKED_AGAIN_AFTER_S", (0.0, 0.0))


def test_the_product_knows_best() -> None:
    told = {"end_reason": "AGENT_FAILED", "status": "completed"}
    assert why(told, alone=True, answered=True) == Outcome("AGENT_FAILED", "completed")


def test_an_attempt_that_is_over_has_failed_while_its_call_waits_for_the_next() -> None:
    told = {"end_reason": "SIP_FAILED_CAPACITY", "status": "pending"}
    assert why(told, alone=False, answered=False) == Outcome("SIP_FAILED_CAPACITY", "failed")


def test_without_its_word_it_is_what_can_be_seen() -> None:
    assert why(None, alone=True, answered=True) == Outcome("USER_HUNG_UP_IN_CALL", "completed")
    assert why(None, alone=False, answered=True) == Outcome("API_HUNG_UP", "completed")
    assert why(None, alone=False, answered=False) == Outcome("CALL_CANCELED", "failed")
