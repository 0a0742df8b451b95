"""Bodies of the replays' API. No foreign SDK sends them, so an unknown field is a mistake."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from ringline.runtime.clock import MS_PER_S
from ringline.webhooks.bodies import EventTypes
from ringline.webhooks.model.replay import ReplayOf
from ringline.webhooks.replays import Wanted

type Sequence = Annotated[int, Field(ge=1, lt=10**15)]


class ReplayRequest(BaseModel):
    """What is to be sent again: from a moment or the number of an event on, up to `until` or now. `only: failed` is
    what the endpoint has not taken. Without `types` it is what the endpoint is told of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: AwareDatetime | None = None
    from_sequence: Sequence | None = None
    until: AwareDatetime | None = None
    only: ReplayOf = ReplayOf.FAILED
    types: EventTypes | None = None

    @model_validator(mode="after")
    def _begins_once(self) -> "ReplayRequest":
        if (self.since is None) == (self.from_sequence is None):
            raise ValueError("either since or from_sequence is required")
        return self

    @property
    def wanted(self) -> Wanted:
        """The same, in moments and numbers."""
        return Wanted(
            only=self.only,
            from_sequence=self.from_sequence,
            since=None if self.since is None else round(self.since.timestamp() * MS_PER_S),
            until=None if self.until is None else round(self.until.timestamp() * MS_PER_S),
            event_types=self.types or (),
        )
