"""Where an account may call: so that a key in the wrong hands rings neither the world nor what costs its owner most.

Without a list of its own, an account may call the countries of its own numbers. With one, it may call what begins with
a prefix of the list. Numbers that the person who calls pays dearly for (premium rate, shared cost, personal numbers,
satellites, international networks) are only called where a prefix of the list names their very range.

Google's phone number library knows countries and ranges. It takes 0.1 s to load, with the first call of a container,
and is right about ranges that change: no table of our own would be.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

MOST_PREFIXES = 200

_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")

_NETWORKS = {"808", "870", "878", "881", "882", "883", "888", "979"}
"""Codes that no country has, and nobody calls by chance: shared cost, ships, satellites, international networks,
premium rate (ITU-T E.164, list of assigned codes). 800 is free of charge for those who call."""


class Place(NamedTuple):
    """Where a number is: its country, `US`, or its code, `+881`, where that is no country's; and whether calling it is
    dear."""

    name: str
    is_dear: bool


def is_prefix(text: str) -> bool:
    """Whether text can stand in an account's list: `+1`, `+4420`."""
    return _PREFIX.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def place_of(number: str) -> Place:
    """Where a number in E.164 is. One of a range that the library does not know, as new area codes are for a while, is
    of the main country of its code: the small ones beside it are known range by range."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return Place(number, is_dear=False)
    code = str(parsed.country_code)
    main = phonenumbers.region_code_for_country_code(int(code))
    region = phonenumbers.region_code_for_number(parsed) or main
    name = f"+{code}" if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY else str(region)
    return Place(name, is_dear=code in _NETWORKS or _is_dear(parsed))


def _is_dear(parsed: "PhoneNumber") -> bool:
    from phonenumbers import number_type

    return number_type(parsed) in _dear_types()


@cache
def _dear_types() -> frozenset[int]:
    from phonenumbers import PhoneNumberType as Type

    return frozenset({Type.PREMIUM_RATE, Type.SHARED_COST, Type.PERSONAL_NUMBER, Type.UAN, Type.PAGER})


def may_be_called(number: str, allowed: tuple[str, ...] | None, own: Callable[[], Iterable[str]]) -> bool:
    """Whether an account with that list, or with none, may call a number. `own` are the account's own numbers, asked
    for only where they matter."""
    if allowed is not None:
        longest = max((len(prefix) for prefix in allowed if number.startswith(prefix)), default=0)
        # The whole code of a country does not name the dear ranges in it; a prefix that goes into the range does.
        return longest > 0 and (not place_of(number).is_dear or _names_its_range(number[:longest]))
    place = place_of(number)
    return not place.is_dear and any(place_of(each).name == place.name for each in own())


def _names_its_range(prefix: str) -> bool:
    """Whether a prefix says more than a country: it names a network that no country has, or two digits behind a
    country's code. `+491` has Germany's mobile phones in it, and its shared cost numbers."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    digits = prefix.removeprefix("+")
    code = next((digits[:n] for n in (1, 2, 3) if int(digits[:n]) in COUNTRY_CODE_TO_REGION_CODE), digits)
    return code in _NETWORKS or len(digits) >= len(code) + 2
