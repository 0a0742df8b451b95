"""How long a room stands that nobody keeps open. Legs and people in a browser do; agents and recorders do not."""

from dataclasses import dataclass


@dataclass(slots=True)
class Vacancy:
    """A room's clock while nobody keeps it open: `empty_timeout` counts until somebody has come and left,
    `departure_timeout` from the last one's leaving. Moments and durations in whichever unit the clock has."""

    empty_timeout: float
    departure_timeout: float
    since: float
    departed: bool = False

    def left(self, now: float) -> None:
        """Somebody who kept the room open is gone."""
        self.since, self.departed = now, True

    @property
    def closes_at(self) -> float:
        """From when on the server closes the room, if nobody is there who keeps it open: when it looks, that is."""
        return self.since + (self.departure_timeout if self.departed else self.empty_timeout)
