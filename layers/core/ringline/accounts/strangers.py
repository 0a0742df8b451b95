"""Who is refused at the door, and whether words are spent on them.

Words cost a second function, which writes the problem document; API Gateway's own refusal costs the authorizer alone.
Whoever mistypes a key is told so. Whoever sends one wrong key after another is a flood, and gets no more of them.
"""

from collections import Counter

from ringline.runtime.clock import MS_PER_S, Clock

WORDS_A_MINUTE = 10
"""For each address. A program that was given a wrong key asks again a few times, and a person reads the first."""
WORDS_A_MINUTE_IN_ALL = 100
"""For all addresses together: many machines that flood together cannot take the other functions either."""

_MINUTE_MS = 60 * MS_PER_S


class Strangers:
    """Counts in this process, a minute of the clock at a time: a container of the authorizer's answers a small part of
    a flood, and a limit that all share would cost each refusal a write."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minute = 0
        self._told: Counter[str | None] = Counter()

    def get_words(self, source_ip: str | None) -> bool:
        """Whether this one more of them, from there, is still told in words; if so it is counted."""
        minute = self._clock() // _MINUTE_MS
        if minute != self._minute:
            self._minute, self._told = minute, Counter()
        if self._told[source_ip] >= WORDS_A_MINUTE or self._told.total() >= WORDS_A_MINUTE_IN_ALL:
            return False
        self._told[source_ip] += 1
        return True
