"""Words of a voicemail's greeting: which of them only a machine says, and which a person says as well.

A sentence that offers or asks is a person's ("I'll leave a message for him", "Would you like to leave a message?"). A
machine's own offer is to call back, and goes with what it bids: "leave a message, and I'll call you as soon as I can".
"""

import re
from dataclasses import dataclass

_LEAVE = (
    r"leave (?:me |us )?(?:a|your|the) (?:\w+ ){0,2}?(?:message|name(?:,| and)? (?:\w+ )?(?:phone |telephone )?number)"
)
_TONE = re.compile(
    r"(?:after|at|following) the (?:tone|beep|signal)|record (?:your|a) message"
    r"|nach dem (?:signal|piep)?ton|despu[eé]s (?:de la se[nñ]al|del tono)|apr[eè]s le (?:bip|signal)",
    re.IGNORECASE,
)
_MACHINE = re.compile(
    rf"please (?:\w+ )?{_LEAVE}"
    r"|(?:mailbox|voice ?mail) (?:of|for|box)|(?:the|this) (?:mailbox|voice ?mail) is"
    r"|reached the (?:voice ?mail|mailbox)|forwarded to (?:an? |the )?(?:automat\w+ )?voice ?(?:mail|messag\w+)"
    r"|hinterlassen sie|deje (?:su|un) mensaje|laissez (?:un|votre) message",
    re.IGNORECASE,
)
_UNMISTAKABLE = re.compile(rf"please (?:\w+ )?{_LEAVE}.* (?:after|at) the (?:tone|beep|signal)", re.IGNORECASE)
_EITHER = re.compile(
    rf"{_LEAVE}|(?:can(?:'|no)t|unable to) (?:come to|take|answer) (?:the phone|your call)", re.IGNORECASE
)
_BIDS = re.compile(rf"{_TONE.pattern}|\b{_LEAVE}", re.IGNORECASE)
_CALLS_BACK = re.compile(
    r"\b(?:i|we)(?:'ll| will| shall| can) (?:\w+ ){0,3}?"
    r"(?:get (?:right )?back|call|return|ring|phone|contact|reply|respond|(?:be|get) in touch)\b"
    r"|\b(?:as soon as|when|whenever) (?:i|we) can\b",
    re.IGNORECASE,
)
_OFFERS = re.compile(
    r"\b(?:(?:i|we)(?:'ll|'d| will| would| could| can)|i'm (?:going to|gonna)|let me)\b(?!'t)"
    r"|\b(?:s?he|they)(?:'s|'re| is| are)? (?:can(?:'|no)t|unable)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:(?:would|could|can|will) you|(?:do|did) you want|want to|(?:can|shall|should|may) i|may they|if you want)\b"
    r"|\?$|m[oö]chten sie|quiere|voulez",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Heard:
    """Words of a greeting. Those that are not `sure` are a person's as well, and need another sign."""

    words: str
    sure: bool


def heard_in(text: str) -> Heard | None:
    """The words of a greeting in a turn; the sure ones before others."""
    sentences = re.split(r"(?<=[.!?])\s+", text.replace("’", "'").strip())
    found = [each for sentence in sentences if (each := _heard_in_sentence(sentence)) is not None]
    return next((each for each in found if each.sure), found[0] if found else None)


def _heard_in_sentence(sentence: str) -> Heard | None:
    own = _CALLS_BACK.sub("", sentence) if _BIDS.search(sentence) else sentence
    if _OFFERS.search(own) and not _UNMISTAKABLE.search(own):
        return None
    if not own.endswith("?") and (found := _TONE.search(own)):
        return Heard(found.group().lower(), sure=True)
    if _ASKS.search(own):
        return None
    if found := _MACHINE.search(own):
        return Heard(found.group().lower(), sure=True)
    found = _EITHER.search(own)
    return None if found is None else Heard(found.group().lower(), sure=False)
