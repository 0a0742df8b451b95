"""What an account lets itself use up on one day: a guard of its own against a program, or a key, that runs wild.

Its caps stand beside the operator's, and the lower one of both holds. So an operator who lowers theirs afterwards needs
to know nothing of these, and an account that takes its own back has the operator's again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringline.accounts.tables.allowances import Allowances
from ringline.calls.capacity.days import MS_A_MINUTE, Daily, Use, cap_attribute, own_cap_attribute
from ringline.runtime.web.problems import FieldError, Problem

if TYPE_CHECKING:
    # Bodies are pydantic's, which only requests with one load.
    from ringline.accounts.bodies import OwnCaps

FIELDS: Mapping[str, Use] = {
    "calls_per_day": Use.CALLS,
    "minutes_per_day": Use.TALK_MS,
    "new_numbers_per_day": Use.NEW_NUMBERS,
}


@dataclass(frozen=True, slots=True)
class SetOwnCaps:
    """`ring` rings for the account's calls that wait: a higher cap lets some of them go out."""

    allowances: Allowances
    ring: Callable[[str], None]

    def run(self, account_id: str, said: "OwnCaps", daily: Daily) -> None:
        """Sets the caps that were said, and takes back those that are null. Raises Problem 422 that names each cap
        above the operator's, 404 for an account that is gone."""
        asked = {use: getattr(said, name) for name, use in FIELDS.items() if name in said.model_fields_set}
        errors = tuple(
            FieldError(name, f"is more than the operator's {allowed:g}")
            for name, use in FIELDS.items()
            if (cap := asked.get(use)) is not None
            and (allowed := in_units(use, daily.kept.get(cap_attribute(use)))) is not None
            and cap > allowed
        )
        if errors:
            raise Problem(422, "invalid_request", "An account may lower its caps, and not raise them", errors)
        if asked:
            kept = {own_cap_attribute(use): _kept(use, cap) for use, cap in asked.items()}
            self.allowances.set(account_id, kept)
            self.ring(account_id)


def own_caps(daily: Daily) -> dict[str, float | None]:
    """The account's own caps, in the words of a change of them."""
    return {name: in_units(use, daily.own_cap(use)) for name, use in FIELDS.items()}


def in_units(use: Use, kept: int | None) -> float | None:
    """A cap as it is shown: minutes are kept as milliseconds."""
    return kept / MS_A_MINUTE if use is Use.TALK_MS and kept is not None else kept


def _kept(use: Use, said: int | None) -> int | None:
    return said * MS_A_MINUTE if use is Use.TALK_MS and said is not None else said
