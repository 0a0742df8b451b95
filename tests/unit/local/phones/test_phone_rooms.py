"""A room of the outside's one description: who is in it, who has to go, and how long it stands."""

from dataclasses import dataclass

import pytest

from local.phones.model.reasons import LeftFor
from local.phones.model.room import Leaving, Room


@dataclass(eq=False)
class Somebody:
    identity: str
    is_dependent: bool = False
    is_other_side: bool = True
    sid: str = "PA_1"
    attached: bool = False


def an_agent() -> Somebody:
    return Somebody("agent", is_dependent=True, is_other_side=False)


def a_room(*people: Somebody) -> Room[Somebody]:
    room: Room[Somebody] = Room(empty_timeout=300, departure_timeout=20, since=1000)
    for who in people:
        room.join(who)
    return room


def test_a_newcomer_of_the_same_identity_wins() -> None:
    older, newer = Somebody("leg"), Somebody("leg")
    room = a_room(older)
    assert room.in_the_way_of("leg") == Leaving(older, LeftFor.DUPLICATE_IDENTITY)
    room.leave(older, LeftFor.DUPLICATE_IDENTITY, 1005)
    room.join(newer)
    assert (room.has(older), room.has(newer)) == (False, True)


def test_who_is_gone_leaves_no_more() -> None:
    leg = Somebody("leg")
    room = a_room(leg)
    assert room.leave(leg, LeftFor.CLIENT_INITIATED, 1005) is not None
    assert room.leave(leg, LeftFor.CLIENT_INITIATED, 1010) is None
    assert room.closes_at == 1025


@pytest.mark.parametrize(
    ("others", "reason", "in_company", "is_followed"),
    [
        ((), LeftFor.CLIENT_INITIATED, False, True),
        ((), LeftFor.USER_UNAVAILABLE, False, False),
        ((), LeftFor.CLIENT_INITIATED, True, False),
        ((Somebody("another"),), LeftFor.CLIENT_INITIATED, False, False),
        ((Somebody("listener", is_other_side=False),), LeftFor.CLIENT_INITIATED, False, True),
    ],
)
def test_agents_follow_the_last_they_talked_with_who_went_for_good(
    others: tuple[Somebody, ...], reason: LeftFor, in_company: bool, is_followed: bool
) -> None:
    leg = Somebody("leg")
    left = a_room(leg, an_agent(), *others).leave(leg, reason, 1005, in_company=in_company)
    assert left == Leaving(leg, reason, is_followed)


def test_nobody_follows_an_agent() -> None:
    agent = an_agent()
    left = a_room(agent).leave(agent, LeftFor.CLIENT_INITIATED, 1005)
    assert left is not None and not left.is_followed


def test_a_room_to_which_nobody_came_stands_longer_than_one_that_was_left() -> None:
    leg, agent = Somebody("leg"), an_agent()
    room = a_room(agent)
    assert (room.is_idle(1299), room.is_idle(1300)) == (False, True)
    room.join(leg)
    assert not room.is_idle(2000)
    room.leave(leg, LeftFor.CLIENT_INITIATED, 2000)
    room.leave(agent, LeftFor.CLIENT_INITIATED, 2010)
    assert (room.is_idle(2019), room.is_idle(2020)) == (False, True)
    room.begin_again(3000)
    assert room.closes_at == 3300


def test_who_is_lost_is_in_the_books_until_they_come_back_under_another_sid_or_are_forgotten() -> None:
    leg, agent = Somebody("leg"), an_agent()
    room = a_room(leg, agent)
    for who in (leg, agent):
        room.lose(who)
    assert (room.has(leg), leg.attached, agent.attached) == (True, False, False)
    room.come_back(agent, "PA_2")
    assert (agent.sid, agent.attached) == ("PA_2", True)
    assert not room.is_deserted, "the leg is missing, and listed"
    room.forget_the_lost()
    assert (list(room.people.values()), room.is_deserted) == ([agent], True)


def test_a_room_that_is_closed_puts_everybody_out() -> None:
    agent, leg = an_agent(), Somebody("leg")
    room = a_room(agent, leg)
    assert [each.who for each in room.closing(LeftFor.ROOM_DELETED)] == [agent, leg]
    last = room.closing(LeftFor.ROOM_DELETED, other_side_first=True)
    assert last == [Leaving(leg, LeftFor.ROOM_DELETED), Leaving(agent, LeftFor.ROOM_DELETED)]


def test_nobody_hears_of_who_is_forgotten() -> None:
    leg = Somebody("leg")
    room = a_room(leg)
    room.forget(leg)
    assert (room.has(leg), room.departed) == (False, False)
