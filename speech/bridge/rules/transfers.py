"""To whom an agent may hand its call over. The target is a language model's choice and is never trusted."""

import re

from speech.bridge.model.call import CallFacts
from speech.bridge.model.frames import TransferVerb

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_KINDS = ("number", "agent", "human")
_MODES = ("cold", "warm")


def refusal(asked: TransferVerb, call: CallFacts) -> str | None:
    """Why the transfer is refused, in a word, or None. The lists bind numbers only, as the SDK 0.5.0 says of
    `transfer_allowed_numbers` and `transfer_allowed_prefixes`: not set, every number is allowed; empty, none is."""
    if asked.kind not in _KINDS:
        return "unknown_transfer_type"
    if asked.mode not in _MODES:
        return "unknown_mode"
    if not asked.target:
        return "no_target"
    if asked.kind != "number":
        return None
    if not _E164.fullmatch(asked.target):
        return "not_a_number"
    return None if _is_allowed(asked.target, call) else "not_allowed"


def _is_allowed(number: str, call: CallFacts) -> bool:
    if call.transfer_numbers is None and call.transfer_prefixes is None:
        return True
    return number in (call.transfer_numbers or ()) or number.startswith(call.transfer_prefixes or ())
