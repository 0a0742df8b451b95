"""What all answers have in common: they hold what their model names, and nothing else."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

type Moment = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", examples=["2026-11-21T02:09:00.123Z"])
]
"""A moment to the millisecond, in UTC, as `runtime.clock.iso` writes it."""

type MomentToTheSecond = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", examples=["2026-11-21T02:09:00Z"])
]

MAY_BE_MISSING: Any = Field(default_factory=type(None))
"""The default of a field that an answer does not always have. A null of its own is no value of such a field, unless its
type says so."""


class Shown(BaseModel):
    """A part of an answer. A field that is MAY_BE_MISSING may be left out, and one whose type has None may be null."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Paging(Shown):
    """Where the list goes on: the next page is asked for with `?cursor=` and this cursor."""

    next_cursor: str | None
    has_more: bool


class Listing[Row: Shown](Shown):
    """A page of a list. The SDK takes `data` out of it where a `status_code` or a `message` stands beside it."""

    status_code: int
    message: str
    data: list[Row]
    pagination: Paging


class ProblemField(Shown):
    """A wrong field: where it is (`to_number`, `data.customer`), and what is wrong with it."""

    field: str
    message: str


class Problem(Shown):
    """A refusal: RFC 9457 with a stable `code`, which stands in `detail` as well, where the SDK looks for it."""

    type: str = Field(pattern="^urn:ringline:problem:")
    title: str
    status: int
    code: str
    detail: str
    errors: list[ProblemField] = MAY_BE_MISSING
    help: str = MAY_BE_MISSING
