"""Limits of an endpoint: never beyond them, however many deliver at once, and nothing that waits for them is lost,
burns a try, or is overtaken."""

from copy import replace

import pytest

from ringline.webhooks.model.delivery import DeliveryId
from ringline.webhooks.model.pace import LEASE_MS, Limits, NoTurn, Turn
from ringline.webhooks.tables.turns import TurnStore
from tests.component.one_table import LocalAws
from tests.component.pacing.hall import ACCOUNT, Hall, Server

EVENTS = 12


def in_any_second(began: list[int]) -> int:
    """How many began within the second that saw most."""
    return max(sum(1 for each in began if moment <= each < moment + 1000) for moment in began)


def flooded(local: LocalAws, server: Server, **limits: int) -> Hall:
    hall = Hall(local, deliverers=30)
    hall.opens("ep_1", server, **limits)
    for number in range(EVENTS):
        hall.happens(number)
    return hall


def attempts(hall: Hall, sequence: int) -> int:
    delivery = hall.deliveries.delivery(DeliveryId(account_id=ACCOUNT, endpoint_id="ep_1", sequence=sequence))
    assert delivery is not None and delivery.is_delivered
    return delivery.attempt_count


@pytest.mark.parametrize("per_second", [1, 4])
def test_no_second_sees_more_posts_than_it_may_and_none_is_lost(local: LocalAws, per_second: int) -> None:
    server = Server()
    hall = flooded(local, server, max_per_second=per_second)
    hall.run(3 * EVENTS / per_second)
    assert in_any_second(server.began) == per_second
    assert len(server.began) == EVENTS
    assert {attempts(hall, sequence) for sequence in range(1, EVENTS + 1)} == {1}


def test_no_more_are_under_way_at_once_than_may_be(local: LocalAws) -> None:
    server = Server(takes_ms=700)
    hall = flooded(local, server, max_parallel=3)
    hall.run(90)
    assert (server.most_at_once, len(server.began)) == (3, EVENTS)
    assert {attempts(hall, sequence) for sequence in range(1, EVENTS + 1)} == {1}


def test_both_limits_hold_at_once(local: LocalAws) -> None:
    server = Server(takes_ms=1500)
    flooded(local, server, max_per_second=2, max_parallel=2).run(150)
    assert (in_any_second(server.began), server.most_at_once, len(server.began)) == (2, 2, EVENTS)


def test_what_comes_later_waits_behind_what_waits(local: LocalAws) -> None:
    server = Server()
    hall = flooded(local, server, max_per_second=2)
    hall.run(5)
    early = set(hall.written_at)
    for number in range(5):
        hall.happens(EVENTS + number)
    hall.run(60)
    assert len(server.webhook_ids) == EVENTS + 5
    late = [place for place, webhook_id in enumerate(server.webhook_ids) if webhook_id not in early]
    assert late[0] >= EVENTS - 2


def test_a_limit_that_is_taken_off_lets_what_waits_go(local: LocalAws) -> None:
    server = Server()
    hall = flooded(local, server, max_per_second=1)
    hall.run(3)
    endpoint = hall.endpoints.endpoint(ACCOUNT, "ep_1")
    assert endpoint is not None
    hall.endpoints.replace(ACCOUNT, replace(endpoint, max_per_second=None))
    hall.run(EVENTS + 2)
    assert len(server.began) == EVENTS


def test_an_endpoint_without_limits_writes_no_turns(local: LocalAws) -> None:
    flooded(local, Server()).run(5)
    assert [item for item in local.items() if "#TURNS" in item["pk"]] == []
    assert [each["failures"] for each in local.items() if each.get("item_kind") == "endpoint"] == [0]


def test_a_lease_whose_holder_died_falls_free_when_no_post_can_be_under_way(local: LocalAws) -> None:
    rows, limits = TurnStore(local.dynamodb, local.table_name), Limits(parallel=1)
    first = rows.take(ACCOUNT, "ep_1", limits, 1_000_000, has_waited=False)
    assert isinstance(first, Turn)
    assert isinstance(rows.take(ACCOUNT, "ep_1", limits, 1_000_000 + LEASE_MS - 1, has_waited=False), NoTurn)
    second = rows.take(ACCOUNT, "ep_1", limits, 1_000_000 + LEASE_MS, has_waited=False)
    assert isinstance(second, Turn)
    # Who comes back from the dead gives back no lease of another's.
    rows.leave(ACCOUNT, "ep_1", first, 5)
    assert isinstance(rows.take(ACCOUNT, "ep_1", limits, 1_000_001 + LEASE_MS, has_waited=False), NoTurn)


def test_each_that_waits_has_a_place_of_its_own(local: LocalAws) -> None:
    rows = TurnStore(local.dynamodb, local.table_name)
    assert [rows.wait(ACCOUNT, "ep_1", 5000, 250) for _ in range(3)] == [5000, 5250, 5500]
    assert rows.wait(ACCOUNT, "ep_1", 9000, 250) == 9000
