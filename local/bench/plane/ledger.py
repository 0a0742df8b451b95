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
    """How the lines of many calls fared."""

    lines: int = 0
    answered: int = 0
    unanswered: int = 0
    out_of_order: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.lines + other.lines,
            self.answered + other.answered,
            self.unanswered + other.unanswered,
            self.out_of_order + other.out_of_order,
        )


def tally(calls: Iterable[PhoneCall], said: Sequence[str]) -> Tally:
    """Of calls whose user says just these lines, to agents that say back each: how many were answered exactly once and
    in order. `out_of_order` counts what was heard too often, or is nobody's line."""
    return sum((_of_one(call, said) for call in calls), Tally())


def _of_one(call: PhoneCall, said: Sequence[str]) -> Tally:
    heard = [each["text"] for each in call["words"] if each["who"] == "agent" and not each["cut_off"]]
    left, matched = list(said), 0
    for text in heard:
        if text in left:
            del left[: left.index(text) + 1]
            matched += 1
    return Tally(len(said), matched, len(said) - matched, len(heard) - matched)
