"""The turns of a talk as they are kept beside its call: an attribute of the speech worker's participant at LiveKit,
which outlives the worker by 20 s. Nobody but the control plane's next dispatch reads it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

TURNS_ATTRIBUTE = "ringline.turns"
MOST_KEPT_BYTES = 16_000
"""LiveKit takes 64 KB of attributes, and as much of a dispatch's metadata, which has the call's own data, too."""


def kept_turns(turns: Sequence[Mapping[str, Any]]) -> str:
    """The turns as JSON; the first ones are left out where all would be too long."""
    texts = [json.dumps(dict(turn), ensure_ascii=False, separators=(",", ":")) for turn in turns]
    left = MOST_KEPT_BYTES - 2
    first = len(texts)
    while first > 0 and (left := left - len(texts[first - 1].encode()) - 1) >= 0:
        first -= 1
    return f"[{','.join(texts[first:])}]"
