"""Which calls an endpoint is told of: by pipe, by agent, by direction, by tags in the call's metadata."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Protocol

from ringline.later import Carried
from ringline.record import stored


class OfACall(Protocol):
    """What filters ask of an event. One that is of no call has no direction."""

    @property
    def pipe_id(self) -> str | None: ...

    @property
    def agent_id(self) -> str | None: ...

    @property
    def direction(self) -> str | None: ...

    @property
    def metadata(self) -> Mapping[str, Any]: ...


@stored(kw_only=True)
class Filters:
    """Each that is set must hold. Of names any one will do, of tags all must be there with the very value."""

    pipe_ids: tuple[str, ...] = ()
    agent_ids: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    metadata: Mapping[str, str | int | bool] = field(default_factory=dict)
    carried: Carried = field(default=(), compare=False, repr=False)

    def let_through(self, event: OfACall) -> bool:
        """Whether an event passes. Events that are of no call always do: nobody asks for them and filters them by
        calls."""
        if event.direction is None:
            return True
        return (
            _is_among(event.pipe_id, self.pipe_ids)
            and _is_among(event.agent_id, self.agent_ids)
            and _is_among(event.direction, self.directions)
            and all(_is_same(event.metadata.get(name), value) for name, value in self.metadata.items())
        )


def _is_among(said: str | None, wanted: tuple[str, ...]) -> bool:
    return not wanted or said in wanted


def _is_same(said: Any, wanted: str | int | bool) -> bool:
    """Equal as JSON is: 1 is not true."""
    return said == wanted and isinstance(said, bool) == isinstance(wanted, bool)
