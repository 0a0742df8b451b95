"""A room: who is in it, who has to leave it and for which reason, and how long it stands that nobody keeps open.

A newcomer of somebody's identity puts that one out, and comes in afterwards. Legs and people in a browser keep a room
open, agents and recorders do not. When it is closed everybody is put out of it.

    the server dies                  it is back                              much later
       | nobody is told to have left    | the room has its name and its sid     | who is not back is forgotten, and a
       | the phones talk on             | as before, its time begins anew, and  | room to which nobody came back goes,
       |                                | who comes back has another sid        | of both without a word

The clock is outside, and so is whoever tells of what happens here: each change returns what is to be told.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from local.phones.model.agents import follows
from local.phones.model.reasons import LeftFor


class Somebody(Protocol):
    sid: str
    attached: bool
    """Whether the server can reach them: not before they join, and not while they are away after a restart."""

    @property
    def identity(self) -> str: ...

    @property
    def is_dependent(self) -> bool:
        """Whether no room stays open for them: an agent, or a recorder."""
        ...

    @property
    def is_other_side(self) -> bool:
        """Whether an agent talks with them: a leg, or somebody in a browser who may speak."""
        ...


@dataclass(frozen=True, slots=True)
class Leaving[Who]:
    """Somebody who goes, and LiveKit's word for why. Of one who has gone `is_followed` says whether the agents of
    workers leave behind them."""

    who: Who
    reason: str
    is_followed: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class Room[Who: Somebody]:
    """While nobody keeps it open `empty_timeout` counts until somebody has come and left, `departure_timeout` from the
    last one's leaving. Moments and durations in whichever unit the clock has."""

    empty_timeout: float
    departure_timeout: float
    since: float
    """When it was made, or the last one left who kept it open."""
    departed: bool = False
    people: dict[str, Who] = field(default_factory=dict)
    """By their identity."""

    def has(self, who: Who) -> bool:
        return self.people.get(who.identity) is who

    def in_the_way_of(self, identity: str) -> Leaving[Who] | None:
        """Who is to be put out before somebody of that identity joins: the newcomer wins."""
        older = self.people.get(identity)
        return None if older is None else Leaving(older, LeftFor.DUPLICATE_IDENTITY)

    def join(self, who: Who) -> None:
        """Somebody comes in. Who was in their way, and could not be told, is there no more."""
        self.people[who.identity] = who
        who.attached = True

    def leave(self, who: Who, reason: str, now: float, *, in_company: bool = False) -> Leaving[Who] | None:
        """Somebody goes; None where they are gone already. `in_company` is whether an agent talks with yet another one,
        of whom LiveKit says nothing in this world."""
        if not self.has(who):
            return None
        self.forget(who)
        if not who.is_dependent:
            self.since, self.departed = now, True
        is_alone = not in_company and not any(each.is_other_side for each in self.people.values())
        return Leaving(who, reason, who.is_other_side and follows(reason, is_alone=is_alone))

    def forget(self, who: Who) -> None:
        """They are gone, and LiveKit says nothing of it."""
        if self.has(who):
            del self.people[who.identity]

    def closing(self, reason: str, *, other_side_first: bool = False) -> list[Leaving[Who]]:
        """Everybody who is to be put out when the room is closed, as they came. LiveKit itself keeps to no order, as
        recorded; the agents are last where a world has it so."""
        everybody: Iterable[Who] = self.people.values()
        if other_side_first:
            everybody = sorted(everybody, key=lambda who: not who.is_other_side)
        return [Leaving(who, reason) for who in everybody]

    def lose(self, who: Who) -> None:
        """The server died. It has them in its books, does not reach them, and tells nobody that they are gone."""
        who.attached = False

    def begin_again(self, now: float) -> None:
        """The server is back, and its room's time begins anew."""
        self.since, self.departed = now, False

    def come_back(self, who: Who, sid: str) -> None:
        """Whoever was lost joins again, for the server a newcomer under that sid: a leg with the status `BACK_AS`."""
        who.sid = sid
        self.join(who)

    def forget_the_lost(self) -> None:
        """Who has not come back is there no more."""
        for who in [each for each in self.people.values() if not each.attached]:
            self.forget(who)

    @property
    def is_deserted(self) -> bool:
        """Whether nobody is there who keeps it open."""
        return all(who.is_dependent for who in self.people.values())

    @property
    def closes_at(self) -> float:
        """From when on the server closes the room, if nobody is there who keeps it open: when it looks, that is."""
        return self.since + (self.departure_timeout if self.departed else self.empty_timeout)

    def is_idle(self, now: float) -> bool:
        """Whether a server that looks now closes it."""
        return self.is_deserted and now >= self.closes_at
