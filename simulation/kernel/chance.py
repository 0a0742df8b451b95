"""Seeded choices. Each is drawn for a named site and its turn there, not from one running stream: leaving a call or a
fault out changes no other choice, which is what makes shrinking a trace possible."""

from collections import Counter
from dataclasses import dataclass
from zlib import crc32

_SPREAD = 0x9E3779B97F4A7C15
_SPREAD_AGAIN = 0xBF58476D1CE4E5B9
_MASK = (1 << 64) - 1
_UNITS = 1 << 53

_MOST_DIGITS = 4096
_DIGITS = tuple(b"%d" % turn for turn in range(_MOST_DIGITS))
"""The first turns as text: few sites have more."""


@dataclass(slots=True)
class _Site:
    """`checksum` is that of the site's name and a slash: a turn's is made from it without reading the name again."""

    checksum: int
    turn: int = 0


class Chance:
    def __init__(self, seed: int) -> None:
        self._seed = (seed * _SPREAD ^ seed >> 7) & _MASK
        self._salt = self._seed & 0xFFFFFFFF
        self._sites: dict[str, _Site] = {}

    def keyed(self, key: str) -> float:
        """A number in [0, 1) that depends on the seed and the key alone."""
        mixed = (crc32(key.encode(), self._salt) ^ self._seed) * _SPREAD & _MASK
        return (((mixed ^ mixed >> 29) * _SPREAD_AGAIN & _MASK) >> 11) / _UNITS

    def site(self, name: str) -> _Site:
        """A site at its first turn, for who keeps sites by itself."""
        return _Site(crc32(f"{name}/".encode(), self._salt))

    def next_of(self, site: _Site) -> float:
        """As keyed("<name>/<turn>"), and the turn is over. Most of what a world does is drawing."""
        turn = site.turn
        site.turn = turn + 1
        digits = _DIGITS[turn] if turn < _MOST_DIGITS else b"%d" % turn
        mixed = (crc32(digits, site.checksum) ^ self._seed) * _SPREAD & _MASK
        return (((mixed ^ mixed >> 29) * _SPREAD_AGAIN & _MASK) >> 11) / _UNITS

    def draw(self, site: str) -> float:
        """The next number in [0, 1) of this site."""
        known = self._sites.get(site)
        if known is None:
            known = self._sites[site] = self.site(site)
        return self.next_of(known)

    def between(self, site: str, low: int, high: int) -> int:
        """The next whole number of this site, both ends included."""
        return low + int(self.draw(site) * (high - low + 1))

    def pick[T](self, site: str, odds: tuple[tuple[T, float], ...]) -> T:
        """One of the options, by weight."""
        mark = self.draw(site) * sum(weight for _, weight in odds)
        for option, weight in odds:
            mark -= weight
            if mark < 0:
                return option
        return odds[-1][0]


type Odds = tuple[tuple[str, float], ...]


class Faults:
    """Decides which faults strike, and remembers each by its key so that a run can be repeated with fewer of them."""

    def __init__(self, chance: Chance, scale: float, allowed: frozenset[str] | None) -> None:
        self._chance = chance
        self._scale = scale
        self._allowed = allowed
        self._sites: dict[str, _Site] = {}
        self.stopped = False
        self.fired: list[str] = []
        self.counts: Counter[str] = Counter()

    def one_of(self, site: str, odds: Odds) -> str | None:
        """At most one of the faults, each with its own probability."""
        if self.stopped or not self._scale:
            return None
        known = self._sites.get(site)
        if known is None:
            known = self._sites[site] = self._chance.site(f"fault/{site}")
        mark = self._chance.next_of(known) / self._scale
        for kind, probability in odds:
            mark -= probability
            if mark < 0:
                return self._struck(kind, f"{kind}@{site}/{known.turn - 1}")
        return None

    def strikes(self, kind: str, site: str, probability: float) -> bool:
        return self.one_of(site, ((kind, probability),)) is not None

    def _struck(self, kind: str, key: str) -> str | None:
        if self._allowed is not None and key not in self._allowed:
            return None
        self.fired.append(key)
        self.counts[kind] += 1
        return kind
