"""Who said what, which turns of the other side are unanswered, and which words of the agent are still to be heard.

No frame of a runner names a turn, so they are matched by their order: a runner answers its turns one after another and
ends each reply with one `agent.text.end`.

    user.text 1, user.text 2  ->      delta delta end          delta end
                                      |--- turn 1 ---|         |- turn 2 -|
    interrupted in turn 1     ->      deltas until its end are dropped: nobody would hear them
    no word for TURN_LIMIT_MS ->      the turn is given up: the agent does without replies, or is stuck
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

TURN_LIMIT_MS = 20_000
"""How long the oldest open turn may go without a word. An agent without a dialog adapter never ends a turn."""


@dataclass(slots=True)
class _Line:
    turn: int
    role: str
    content: str
    at_ms: int


@dataclass(slots=True)
class Turn:
    """A turn of the other side that waits for its reply, or (`asked` is None) a reply that nobody asked for.
    `said_beside`: the agent has said something meanwhile that is no reply, as one without a dialog adapter does.
    `line` is where it stands in the talk, `broken` the numbers that it had when a reply to it broke off."""

    number: int
    asked: str | None
    language: str | None = None
    sent: bool = False
    replied: bool = False
    said_beside: bool = False
    interrupted: bool = False
    filled: bool = False
    since_ms: int = 0
    line: _Line | None = None
    broken: tuple[int, ...] = ()


@dataclass(slots=True)
class _Speech:
    """Words given to the voice. `line` is where they stand in the talk, None for a filler."""

    line: _Line | None
    complete: bool = False
    letters: int = 0


class Talk:
    def __init__(self) -> None:
        self._numbers = 0
        self._lines: list[_Line] = []
        self._open: list[Turn] = []
        self._unheard: dict[int, _Speech] = {}
        self.letters_given = 0
        """Of all words so far."""
        self.last_asked = 0
        """The number of the other side's last turn."""
        self._said_before = 0
        """The number of the last turn that another speech worker has kept."""
        self.changes = 0
        """How often a turn was begun, ended or taken back."""

    def next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    @property
    def has_begun(self) -> bool:
        """Somebody has said something."""
        return bool(self._said())

    # ------------------------------------------------------------ turns

    @property
    def is_reply_to_come(self) -> bool:
        """The runner is at a turn and has not spoken since."""
        turn = self.current
        if turn is None or not turn.sent:
            return False
        return not (turn.replied or turn.said_beside or turn.interrupted)

    @property
    def is_replying(self) -> bool:
        """A reply has begun and is not complete."""
        turn = self.current
        return turn is not None and turn.replied and not turn.interrupted

    @property
    def current(self) -> Turn | None:
        """The turn that the runner is at."""
        return self._open[0] if self._open else None

    @property
    def _is_at_a_turn(self) -> bool:
        """What the runner says is a reply to the first open turn. One that it was not told of yet, as what is said
        after a hang-up, it does not answer."""
        return bool(self._open) and self._open[0].sent

    def ask(self, number: int, text: str, language: str | None, at_ms: int) -> Turn:
        self.changes += 1
        line = _Line(number, "user", text, at_ms)
        turn = Turn(number, text, language, line=line)
        self._open.append(turn)
        self._lines.append(line)
        self.last_asked = number
        return turn

    def never_mind(self, number: int) -> None:
        """The turn was said, and is nobody's to answer."""
        self.changes += 1
        self._open = [turn for turn in self._open if turn.number != number]

    def unsent(self) -> list[Turn]:
        return [turn for turn in self._open if not turn.sent]

    def sent(self, turn: Turn, now_ms: int) -> None:
        turn.sent, turn.since_ms = True, now_ms

    def reply(self, text: str, now_ms: int) -> int | None:
        """Takes a piece of a reply. The number of its turn, or None where nobody is to hear it."""
        if not self._is_at_a_turn:
            self._open.insert(0, Turn(self.next_number(), None, sent=True))
        turn = self._open[0]
        turn.since_ms = now_ms
        if turn.interrupted:
            return None
        turn.replied = True
        self._words(turn.number, text, now_ms)
        return turn.number

    def end_reply(self, now_ms: int) -> Turn | None:
        """The turn whose reply is complete; None where none was open."""
        self.changes += 1
        if not self._is_at_a_turn:
            return None
        turn = self._open.pop(0)
        if self._open:
            self._open[0].since_ms = now_ms
        self._complete(turn.number)
        return turn

    def say(self, text: str, now_ms: int, *, filler: bool = False) -> int:
        self.changes += 1
        number = self.next_number()
        if filler:
            self._unheard[number] = _Speech(None, letters=len(text))
            self.letters_given += len(text)
        else:
            self._words(number, text, now_ms)
            if self._is_at_a_turn:
                self._open[0].said_beside = True
        self._complete(number)
        return number

    def _words(self, number: int, text: str, now_ms: int) -> None:
        speech = self._unheard.get(number)
        if speech is None:
            line = next((each for each in self._lines if each.turn == number and each.role == "agent"), None)
            if line is None:
                line = _Line(number, "agent", "", now_ms)
                self._lines.append(line)
            speech = self._unheard[number] = _Speech(line)
        assert speech.line is not None
        speech.line.content += text
        speech.letters += len(text)
        self.letters_given += len(text)

    def _complete(self, number: int) -> None:
        if number in self._unheard:
            self._unheard[number].complete = True

    # ------------------------------------------------------------ what is heard

    @property
    def unheard_letters(self) -> int:
        return sum(speech.letters for speech in self._unheard.values())

    @property
    def is_all_heard(self) -> bool:
        return not self._unheard

    def heard(self, number: int) -> None:
        """All words of a complete utterance were heard."""
        if number in self._unheard and self._unheard[number].complete:
            del self._unheard[number]

    def silenced(self) -> None:
        """The voice has dropped what it had, at the agent's own wish: how much was heard is not known."""
        self._unheard.clear()

    def interrupted(self, heard_prefix: str | None) -> str | None:
        """The other side spoke into it. Of the first utterance the prefix was heard, of later ones nothing. What was
        heard of the talk: of a filler it is no part, and whoever spoke into one has heard nothing of what follows."""
        self.changes += 1
        first = next(iter(self._unheard.values()), None)
        if first is not None and first.line is None:
            heard_prefix = ""
        heard = heard_prefix
        for speech in self._unheard.values():
            if speech.line is not None and heard is not None:
                speech.line.content = heard
            heard = ""
        self._unheard.clear()
        if self._open and self._open[0].sent:
            self._open[0].interrupted = True
        for turn in self._open:
            if not turn.sent and turn.asked is not None:
                # The voice waits for no reply to what was said before, and would drop one of that number.
                self._renumber(turn)
        return heard_prefix

    def _renumber(self, turn: Turn) -> None:
        number = self.next_number()
        for line in self._lines:
            if line.turn == turn.number:
                line.turn = number
        turn.number = number

    # ------------------------------------------------------------ another runner

    def forget_unspoken(self) -> None:
        """Nothing of what the runner said went to the voice yet: it is as if it had said nothing."""
        self.changes += 1
        self._lines = [line for line in self._lines if line.role == "user" or line.turn <= self._said_before]
        self._unheard.clear()
        for turn in self._open:
            turn.replied = False

    def lost(self) -> list[int]:
        """The runner is gone. What it left unanswered is to be sent again, also a turn whose reply broke off: as a turn
        with a new number. Returns the numbers of the replies that broke off."""
        self.changes += 1
        broken = [turn.number for turn in self._open if turn.replied and not turn.interrupted]
        for number in broken:
            self._complete(number)
        self._open = [self._again(turn) for turn in self._open if turn.asked is not None and not turn.interrupted]
        return broken

    def _again(self, turn: Turn) -> Turn:
        if not turn.replied:
            return Turn(turn.number, turn.asked, turn.language, line=turn.line, broken=turn.broken)
        broken = (*turn.broken, turn.number)
        return Turn(self.next_number(), turn.asked, turn.language, line=turn.line, broken=broken)

    def drop_open(self) -> list[int]:
        """No reply is expected any more. The numbers of the turns that were open."""
        self.changes += 1
        numbers = [turn.number for turn in self._open if not turn.interrupted]
        for number in numbers:
            self._complete(number)
        self._open.clear()
        return numbers

    # ------------------------------------------------------------ another speech worker

    def turns_to_keep(self) -> list[dict[str, Any]]:
        """What another speech worker needs to go on: what was said, and, `open`, what was said without an answer. A
        reply that is not complete is none: its turn is asked again."""
        waiting = [turn for turn in self._open if turn.asked is not None and not turn.interrupted]
        questions = {turn.line.turn for turn in waiting if turn.line is not None}
        replies = {number for turn in waiting for number in (turn.number, *turn.broken)}
        kept: list[dict[str, Any]] = []
        for line in self._said():
            told = {"role": line.role, "content": line.content, "at": line.at_ms}
            if line.role == "user":
                kept.append(told | ({"open": True} if line.turn in questions else {}))
            elif line.turn not in replies:
                kept.append(told)
        return kept

    def resume(self, turns: Iterable[Mapping[str, Any]], now_ms: int) -> None:
        """Takes over what another speech worker has kept."""
        for turn in turns:
            at = turn.get("at")
            at_ms = at if isinstance(at, int) else now_ms
            number, content = self.next_number(), str(turn["content"])
            if turn.get("role") != "user":
                self._lines.append(_Line(number, "agent", content, at_ms))
            elif turn.get("open") is True:
                self.ask(number, content, None, at_ms)
            else:
                self._lines.append(_Line(number, "user", content, at_ms))
        self._said_before = self._numbers

    # ------------------------------------------------------------ what was said

    def turns_so_far(self) -> list[dict[str, Any]]:
        """For another runner: all but what is sent to it again as a turn."""
        to_come = {turn.number for turn in self._open}
        return [{"role": line.role, "content": line.content} for line in self._said() if line.turn not in to_come]

    def transcript(self) -> list[Mapping[str, Any]]:
        """In the form of docs/agents.md."""
        return [{"role": line.role, "content": line.content, "timestamp": line.at_ms} for line in self._said()]

    @property
    def has_heard(self) -> bool:
        """Whether the other side has said anything here: what was taken over was said to another agent."""
        return any(line.role == "user" and line.turn > self._said_before for line in self._said())

    def _said(self) -> list[_Line]:
        return [line for line in self._lines if line.content.strip()]
