"""Bodies of the API keys' routes."""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from ringline.accounts.addresses import canonical
from ringline.runtime.web.scopes import Scope

MOST_RANGES = 50
LONGEST_OVERLAP_S = 30 * 24 * 3600


type _Own = Annotated[str, StringConstraints(min_length=1, max_length=80)]


type _Range = Annotated[str, StringConstraints(min_length=2, max_length=80)]
type _Ranges = Annotated[
    tuple[_Range, ...],
    Field(
        min_length=1,
        max_length=MOST_RANGES,
        description="Addresses, and ranges in CIDR notation, of IPv4 and IPv6; kept merged and in order",
        examples=[["203.0.113.0/24", "2001:db8::/48"]],
    ),
    AfterValidator(canonical),
]
type _Cap = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]


class OwnCaps(BaseModel):
    """What the account lets itself use up on one day (UTC). Null takes a cap back; none may be above the operator's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calls_per_day: Annotated[_Cap | None, Field(description="Dials, also those that nobody answers")] = None
    minutes_per_day: Annotated[_Cap | None, Field(description="Of talk; no call begins once they are used up")] = None
    new_numbers_per_day: Annotated[_Cap | None, Field(description="Numbers that it never called before")] = None


class KeyRequest(BaseModel):
    """A new key of the account. With `scopes` it may do what they say and no more, with `allowed_ip_ranges` it may be
    used from there alone; without, what holds of the key that you ask with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
    org_id: _Own | None = Field(None, description="The account that the key you ask with is of, and no other")
    project_id: _Own | None = Field(None, description="As org_id")
    expires_at: Annotated[AwareDatetime, Field(description="At most ten years from now")] | None = None
    scopes: Annotated[tuple[Scope, ...], Field(max_length=len(Scope))] | None = None
    allowed_ip_ranges: _Ranges | None = None


class KeyChange(BaseModel):
    """From where a key may be used from the next request on. Null: from anywhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed_ip_ranges: _Ranges | None
    force: Annotated[
        bool,
        Field(strict=True, description="Also where the key asked with is this one, and is no longer good from here"),
    ] = False


class KeyRotation(BaseModel):
    """How long the old key goes on beside the new one; without it, not at all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    overlap_s: Annotated[int, Field(strict=True, ge=0, le=LONGEST_OVERLAP_S)] | None = None
