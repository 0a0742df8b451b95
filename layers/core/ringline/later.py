"""What a later release wrote, in rows that this one reads: words that it does not know, attributes that it does not
know. Functions are updated one by one, and sometimes back, so releases that are one apart read each other's rows.

Both are carried through: a word is shown as it is and written back as it is, and so is an attribute. What they mean is
not guessed at.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Self

type Carried = tuple[tuple[str, Any], ...]
"""Attributes that this release does not know, with their values, as they were read. A record that has any bears them
in a field `carried`, which its copies keep."""


class StoredWord(StrEnum):
    """Words that rows and messages keep. What a customer says is held to them by calling the class, which refuses any
    other word; what was kept before is read by `kept`, which refuses none."""

    @classmethod
    def kept(cls, word: str) -> Self:
        """The word of a row. One of a later release is a member that equals none of ours."""
        known = cls._value2member_map_.get(word)
        if isinstance(known, cls):
            return known
        unknown = str.__new__(cls, word)
        unknown._name_ = unknown._value_ = word
        return unknown

    @classmethod
    def kept_or_none(cls, word: str | None) -> Self | None:
        """The same for what may be absent."""
        return None if word is None else cls.kept(word)

    @property
    def is_known(self) -> bool:
        """Whether it is a word of this release."""
        return self._value_ in type(self)._value2member_map_


def carried_from(record: Mapping[str, Any], known: Collection[str]) -> Carried:
    """What a record holds beside the names that are known."""
    return tuple((name, record[name]) for name in record if name not in known)
