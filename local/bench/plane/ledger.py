"""What the phones' ledger says of calls that are spoken in words. Pure."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

type PhoneCall = dict[str, Any]


def answer_gaps_s(call: PhoneCall) -> list[float]:
    """From the last word of each line of the user's to the last word of the agent's answer to it, in seconds. A line
    that was not answered before the next one has no gap."""
    words = call["words"]
    return [
        float(answer["at"]) - float(line["at"])
        for line, answer in itertools.pairwise(words)
        if line["who"] == "user" and answer["who"] == "agent"
    ]


@dataclass(frozen=True, slots=True)
class Tally:
    """How the lines of some calls fared: `answered` once and in order. `astray` are answers too many, out of order, or
    to nobody's line."""

    answered: int = 0
    astray: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.answered + other.answered, self.astray + other.astray)


def tally(calls: Iterable[PhoneCall], said: Sequence[str]) -> Tally:
    """Of calls whose user says just these lines, each of them once, to agents that say back what they hear."""
    return sum((_of_one(call, said) for call in calls), Tally())


def _of_one(call: PhoneCall, said: Sequence[str]) -> Tally:
    heard = [words["text"] for words in call["words"] if words["who"] == "agent" and not words["cut_off"]]
    left, answered = list(said), 0
    for text in heard:
        if text in left:
            del left[: left.index(text) + 1]
            answered += 1
    return Tally(answered, len(heard) - answered)
