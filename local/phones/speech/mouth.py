"""What an agent says, word by word, in the time that it takes to say it."""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from local.phones.kernel.ledger import PhoneCall
from local.phones.kernel.pace import Pace
from local.phones.speech.talking import WORDS_PER_S

_WORD = re.compile(r"\s*\S+")
_WHOLE_WORD = re.compile(r"\s*\S+(?=\s)")


class Listener(Protocol):
    """Who hears what the mouth says."""

    def heard_word(self, words: int) -> None:
        """A word was heard, the utterance's `words`-th."""
        ...

    def mouth_changed(self) -> None:
        """It begins to speak, or it has fallen silent."""
        ...


@dataclass(slots=True, eq=False)
class _Utterance:
    """What is said in one go. A word at its end may still grow, until the utterance is `ended`."""

    turn: int | None
    text: str = ""
    heard: str = ""
    words: int = 0
    ended: bool = False

    def next_word(self) -> str | None:
        found = (_WORD if self.ended else _WHOLE_WORD).match(self.text, len(self.heard))
        return found.group() if found else None


@dataclass(slots=True, eq=False)
class Mouth:
    """Plays utterances one after the other while `play` runs. `played` is told each turn whose last word was heard.
    What was heard is written down in the `call` of the phone."""

    pace: Pace
    call: PhoneCall | None = None
    played: Callable[[int], None] = lambda _turn: None
    listeners: list[Listener] = field(default_factory=list)
    _utterances: deque[_Utterance] = field(default_factory=deque)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def speaks(self) -> bool:
        """Whether there is anything that it says, or is about to say."""
        return bool(self._utterances)

    def add(self, turn: int | None, text: str) -> None:
        """More of the turn's words. None: words of the voice's own, of whose end nobody is told."""
        last = self._utterances[-1] if self._utterances else None
        if last is None or last.turn != turn or last.ended:
            if not text:
                return
            last = _Utterance(turn)
            self._utterances.append(last)
            self._tell_of_change()
        last.text += text
        self._news.set()

    def end(self, turn: int | None) -> None:
        """The turn's words are complete; nothing happens where it has none."""
        for utterance in self._utterances:
            if utterance.turn == turn:
                utterance.ended = True
        self._news.set()

    def stop(self) -> str:
        """Falls silent and forgets what it still had to say. What was heard of the last utterance."""
        heard = self._utterances[0].heard if self._utterances else ""
        self._note(heard, cut_off=True)
        if self._utterances:
            self._utterances.clear()
            self._tell_of_change()
        return heard

    async def play(self) -> None:
        """Speaks until it is cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._utterances and await self._speak_on(self._utterances[0]):
                pass

    async def _speak_on(self, utterance: _Utterance) -> bool:
        """Says the next word, or ends the utterance. False: the rest of it is not there yet."""
        word = utterance.next_word()
        if word is None:
            if utterance.ended:
                self._finish(utterance)
            return utterance.ended
        await self.pace.sleep(1 / WORDS_PER_S)
        if self._utterances and self._utterances[0] is utterance:
            utterance.heard += word
            utterance.words += 1
            for listener in self.listeners:
                listener.heard_word(utterance.words)
        return True

    def _finish(self, utterance: _Utterance) -> None:
        self._utterances.popleft()
        self._note(utterance.heard)
        if utterance.turn is not None:
            self.played(utterance.turn)
        if not self._utterances:
            self._tell_of_change()

    def _note(self, heard: str, *, cut_off: bool = False) -> None:
        if heard and self.call is not None:
            self.call.spoke("agent", heard.strip(), cut_off=cut_off)

    def _tell_of_change(self) -> None:
        for listener in self.listeners:
            listener.mouth_changed()
