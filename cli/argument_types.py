"""What a word of the command line must look like. Each raises argparse's error, which names the argument."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from urllib.parse import urlsplit

from ringline.routing.numbers import NotANumber, is_country, read_number
from ringline.runtime.ids import is_plausible_id


def whole(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError("is not a whole number of 0 or more")
    return int(text)


def rate(text: str) -> float:
    return _number(text, 1000)


def seconds(lowest: int, highest: int) -> Callable[[str], int]:
    def whole_seconds(text: str) -> int:
        if not text.isdecimal() or not lowest <= int(text) <= highest:
            raise ArgumentTypeError(f"is not a whole number of seconds from {lowest} to {highest}")
        return int(text)

    return whole_seconds


def window(text: str) -> float:
    """A length of time in seconds, up to the longest that a phone rings."""
    return _number(text, 60)


def an_id(text: str) -> str:
    if not is_plausible_id(text):
        raise ArgumentTypeError("is not an id: 1 to 80 letters, digits, and any of _ + . -")
    return text


def a_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ArgumentTypeError("is not an absolute URL, https://...")
    return text


def phone_number(text: str) -> str:
    try:
        return read_number(text)
    except NotANumber as why:
        raise ArgumentTypeError(str(why)) from None


def country(text: str) -> str:
    if not is_country(text.upper()):
        raise ArgumentTypeError("is not a country by its two letters, such as US")
    return text.upper()


def one_of(*words: str) -> Callable[[str], str]:
    def known_word(text: str) -> str:
        if text not in words:
            raise ArgumentTypeError(f"is none of {', '.join(words)}")
        return text

    return known_word


def or_none[Value](kind: Callable[[str], Value]) -> Callable[[str], Value | None]:
    """An option that an empty value, '', takes back."""
    return lambda text: kind(text) if text else None


def _number(text: str, highest: int) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= highest:
        raise ArgumentTypeError(f"is not a number from 0 to {highest}")
    return number
