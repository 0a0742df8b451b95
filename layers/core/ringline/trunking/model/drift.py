"""In what LiveKit is not as it should be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One thing in which LiveKit is not as it should be. `kind` is `missing`, `changed`, `orphan` (ours, of what is
    gone) or `foreign` (somebody else's, in the way of ours)."""

    kind: str
    what: str
    livekit_id: str | None = None
    number: str | None = None
    trunk_id: str | None = None
    repaired: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Synced:
    """`synced` numbers are as they should be, `new` ones were found on an adopted trunk."""

    synced: int
    new: int
    drift: tuple[Drift, ...]
