"""The person at the phone: says lines when it is their turn, or into the agent's speech, and hangs up."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from local.phones.kernel.pace import Pace
from local.phones.kernel.tasks import Tasks
from local.phones.rooms.participant import Phone
from local.phones.speech.mouth import Mouth
from local.phones.speech.talking import (
    ANSWERED_WITHIN_S,
    BARGE_IN_S,
    ENDPOINT_S,
    GREETED_WITHIN_S,
    THINKS_S,
    takes_s,
)


class Ear(Protocol):
    """Who hears the person."""

    def user_begins(self) -> None:
        """They begin to speak."""
        ...

    def user_interrupts(self, heard: str) -> None:
        """The agent has been silenced; `heard` is what the person had heard of its words."""
        ...

    def user_said(self, text: str) -> None:
        """They have finished."""
        ...


@dataclass(frozen=True, slots=True)
class _Act:
    """Something to say; None is to hang up."""

    text: str | None


class Person:
    """Somebody who answered the phone, while `live` runs. They do as their script says, and as they are told."""

    def __init__(self, pace: Pace, tasks: Tasks, phone: Phone, mouth: Mouth, ear: Ear) -> None:
        self._pace = pace
        self._tasks = tasks
        self._phone = phone
        self._mouth = mouth
        self._ear = ear
        self._script = phone.person
        self._waiting: deque[_Act] = deque(_Act(line) for line in self._script.lines)
        if self._script.hangs_up:
            self._waiting.append(_Act(None))
        self._voice = asyncio.Lock()
        self._expects_answer = True
        self._has_spoken = False
        self._has_interrupted = False
        self._changed = asyncio.Event()
        mouth.listeners.append(self)

    @property
    def awaits_answer(self) -> bool:
        """Whether they have said something to which the agent has said nothing yet."""
        return self._expects_answer and self._has_spoken

    @property
    def speaks(self) -> bool:
        """Whether they are saying something."""
        return self._voice.locked()

    async def live(self) -> None:
        """What is to be said and done when it is their turn, one after the other, until it is cancelled."""
        while True:
            while not self._waiting:
                await self._next_change()
            await self._until_my_turn()
            await self._do(self._waiting.popleft())

    def say(self, text: str, *, waits: bool) -> None:
        """Says it when it is their turn, or at once."""
        self._tell(_Act(text), waits=waits)

    def hang_up(self, *, waits: bool) -> None:
        """Hangs up when it is their turn, or at once."""
        self._tell(_Act(None), waits=waits)

    def heard_word(self, words: int) -> None:
        """Some interrupt after so many words, and some hang up."""
        script = self._script
        if _is_more_than(words, script.hangs_up_after_words):
            self._phone.hang_up()
        elif _is_more_than(words, script.interrupts_after_words) and not self._has_interrupted:
            self._has_interrupted = True
            self.say(script.interrupts_with, waits=False)

    def mouth_changed(self) -> None:
        if self._mouth.speaks:
            self._expects_answer = False
        self._changed.set()

    def _tell(self, act: _Act, *, waits: bool) -> None:
        if waits:
            self._waiting.append(act)
            self._changed.set()
        else:
            self._tasks.start(self._do(act))

    async def _do(self, act: _Act) -> None:
        if act.text is None:
            self._phone.hang_up()
            return
        async with self._voice:
            await self._say(act.text)
        self._changed.set()

    async def _say(self, text: str) -> None:
        self._ear.user_begins()
        needs_s = takes_s(text)
        if needs_s >= BARGE_IN_S:
            await self._pace.sleep(BARGE_IN_S)
            self._silence_the_agent()
            await self._pace.sleep(needs_s - BARGE_IN_S)
            self._silence_the_agent()
        else:
            await self._pace.sleep(needs_s)
        self._phone.call.spoke("user", text)
        await self._pace.sleep(ENDPOINT_S)
        self._expects_answer = not self._mouth.speaks
        self._has_spoken = True
        self._ear.user_said(text)

    def _silence_the_agent(self) -> None:
        if self._mouth.speaks:
            self._ear.user_interrupts(self._mouth.stop())

    async def _until_my_turn(self) -> None:
        """The agent has said its say, or it has said nothing for longer than one waits."""
        silent_since_s = self._pace.now_s()
        while True:
            self._changed.clear()
            if self._mouth.speaks or self.speaks:
                await self._changed.wait()
                silent_since_s = self._pace.now_s()
                continue
            quiet_s = THINKS_S
            if self._expects_answer:
                patience_s = ANSWERED_WITHIN_S if self._has_spoken else GREETED_WITHIN_S
                quiet_s = max(0.0, silent_since_s + patience_s - self._pace.now_s())
            if not await self._changes_within(quiet_s):
                return

    async def _next_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def _changes_within(self, duration_s: float) -> bool:
        try:
            async with self._pace.timeout(duration_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True


def _is_more_than(words: int, limit: int | None) -> bool:
    return limit is not None and words > limit
