"""One account with five endpoints, of which one is dead and one is slow: the others notice nothing."""

from ringline.webhooks.model.delivery import DeliveryId, DeliveryStatus
from ringline.webhooks.model.pace import SLOW_PARALLEL
from ringline.webhooks.sending.client import Answered, Failure, Unanswered
from tests.component.one_table import LocalAws
from tests.component.pacing.hall import ACCOUNT, Hall, Server

DELIVERERS = 24
TIMEOUT_MS = 10_000
EVENTS, BURST = 45, 12


def test_a_dead_and_a_slow_endpoint_delay_no_other(local: LocalAws) -> None:
    """An event each second, a dozen at once among them; the dead one comes back after a minute. With each delivery
    tried as it comes, and again after five seconds, these two would keep thirty deliverers busy."""
    hall = Hall(local, DELIVERERS)
    fine = [hall.opens(f"ep_{number}", Server()) for number in range(3)]
    dead = hall.opens("ep_dead", Server(Unanswered(Failure.TIMED_OUT), TIMEOUT_MS))
    slow = hall.opens("ep_slow", Server(takes_ms=9_500))
    for number in range(EVENTS):
        hall.happens_at(number * 1000, number)
    for number in range(BURST):
        hall.happens_at(35_500, EVENTS + number)
    hall.run(60)

    for server in fine:
        assert len(server.began) == EVENTS + BURST
        assert max(hall.delays_ms(server)) < 1000
    # Fourteen began before its fifth failure was known, at 14 s; at 44 s there was a probe, which failed.
    assert len(dead.began) == 15
    assert dead.most_at_once <= SLOW_PARALLEL
    assert slow.most_at_once == SLOW_PARALLEL

    dead.answer, dead.takes_ms = Answered(200), 50
    hall.run(420)
    assert set(dead.webhook_ids[15:]) == set(hall.written_at)
    for sequence in range(1, EVENTS + BURST + 1):
        named = DeliveryId(account_id=ACCOUNT, endpoint_id="ep_dead", sequence=sequence)
        delivery = hall.deliveries.delivery(named)
        assert delivery is not None and delivery.status is DeliveryStatus.DELIVERED
        # What waited for a probe has used up no try.
        assert delivery.attempt_count <= 3
    assert len(slow.began) == EVENTS + BURST
    returned = hall.endpoints.endpoint(ACCOUNT, "ep_dead")
    assert returned is not None and (returned.failing_since, returned.probe_at, returned.failures) == (None, None, 0)
