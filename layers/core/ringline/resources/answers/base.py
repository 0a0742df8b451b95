"""What all answers have in common: they hold what their model names, and nothing else."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

type Moment = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", examples=["2026-11-21T02:09:00.123Z"])
]
"""A moment to the millisecond, in UTC, as `runtime.clock.iso` writes it."""


class Shown(BaseModel):
    """A part of an answer. A field with a default may be left out, and one whose type has None may be null."""

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
