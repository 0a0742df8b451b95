"""Bodies of the API keys' routes."""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from ringline.accounts.account import Scope

LONGEST_OVERLAP_S = 30 * 24 * 3600


def _of_this_century(moment: AwareDatetime) -> AwareDatetime:
    if not 2000 < moment.year < 2100:
        raise ValueError("is not a moment of this century")
    return moment


type _Own = Annotated[str, StringConstraints(min_length=1, max_length=80)]


class KeyRequest(BaseModel):
    """A new key of the account. `scopes` are kept and shown; nothing holds a key to them yet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
    org_id: _Own | None = Field(None, description="The account that the key you ask with is of, and no other")
    project_id: _Own | None = Field(None, description="As org_id")
    expires_at: Annotated[AwareDatetime, AfterValidator(_of_this_century)] | None = None
    scopes: Annotated[tuple[Scope, ...], Field(max_length=len(Scope))] | None = None


class KeyRotation(BaseModel):
    """How long the old key goes on beside the new one; without it, not at all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    overlap_s: Annotated[int, Field(strict=True, ge=0, le=LONGEST_OVERLAP_S)] | None = None
