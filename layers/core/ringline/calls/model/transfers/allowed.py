"""To whom a call may be handed over. The target is often a language model's choice, and is never trusted."""

import re

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def is_number(text: str) -> bool:
    """Whether it is a phone number in E.164."""
    return _E164.fullmatch(text) is not None


def is_allowed(number: str, numbers: tuple[str, ...] | None, prefixes: tuple[str, ...] | None) -> bool:
    """Whether a pipe's lists allow a number, as the SDK 0.5.0 says of `transfer_allowed_numbers` and
    `transfer_allowed_prefixes`: neither set, every number is allowed; empty, none is."""
    if numbers is None and prefixes is None:
        return True
    return number in (numbers or ()) or number.startswith(prefixes or ())
