"""From an event to its receiver with the power cut at every step, secrets that change between two tries, and a month of
events that are sent again."""

from datetime import UTC, datetime

from standardwebhooks import Webhook

from ringline.webhooks.model.delivery import DeliveryStatus
from ringline.webhooks.model.endpoint import new_webhook_secret
from ringline.webhooks.model.replay import ReplayOf, ReplayStatus
from ringline.webhooks.sending.announce import Announcer
from ringline.webhooks.sending.queue import DeliveryMessage
from ringline.webhooks.tables.events import event_key
from tests.component.one_table import LocalAws
from tests.component.webhooks.replay_world import ACCOUNT, ReplayWorld
from tests.unit.webhooks.webhook_fakes import SECRET, Posted, PowerCut, a_draft, answered

_MOST_STEPS = 40
_EXPIRED_DAYS, _DAYS, _A_DAY = 2, 30, 5


def test_a_death_at_any_step_from_event_to_receiver_loses_nothing_and_tells_one_event(local: LocalAws) -> None:
    """The first try is refused, the second taken. Whoever dies is asked again, as the stream and the queue do."""
    world = ReplayWorld(local, events=0)
    for cut in range(_MOST_STEPS):
        draft = a_draft(occurrence=1000 + cut, occurred_at=world.clock())
        world.receiver.posts.clear()
        world.receiver.answers = [answered(500), answered(200)]
        world.steps.taken, world.steps.cut_after = 0, cut
        try:
            Announcer(world.endpoints, world.events, world.queue).announce(draft)
        except PowerCut:
            world.steps.cut_after = None
            Announcer(world.endpoints, world.events, world.queue).announce(draft)
        world.work(900)
        event = world.events.event(ACCOUNT, draft.event_id)
        assert event is not None and event.sequence == cut + 1, "a number was left out, or given twice"
        delivery = world.deliveries.delivery(world.named(event.sequence))
        assert delivery is not None and delivery.status is DeliveryStatus.DELIVERED
        assert {post.headers["webhook-id"] for post in world.receiver.posts} == {event.event_id}
        assert len({post.body for post in world.receiver.posts}) == 1
        # A POST is repeated only where the function died before it was written down.
        assert 2 <= len(world.receiver.posts) <= 3
        if world.steps.cut_after is not None:
            break
    assert 4 < cut < _MOST_STEPS - 1, "each step was cut once"


def believed(post: Posted, secret: str) -> bool:
    """Whether a receiver with this secret believes it, at the moment it was sent."""
    moment = datetime.fromtimestamp(int(post.headers["webhook-timestamp"]), UTC)
    signature = Webhook(secret).sign(post.headers["webhook-id"], moment, post.body.decode())
    return signature in post.headers["webhook-signature"].split()


def test_a_rotation_between_two_tries_of_a_delivery_leaves_no_try_that_the_receiver_cannot_believe(
    local: LocalAws,
) -> None:
    world = ReplayWorld(local, events=1)
    world.receiver.answers = [answered(500)]
    new = new_webhook_secret()
    for secrets in ((SECRET,), (new, SECRET), (new,)):
        world.change(secrets=secrets)
        world.tell(1)
        world.clock.move(4 * 3600)
    before, meanwhile, after = world.receiver.posts
    assert [believed(each, SECRET) for each in (before, meanwhile, after)] == [True, True, False]
    assert [believed(each, new) for each in (before, meanwhile, after)] == [False, True, True]
    assert before.body == meanwhile.body == after.body


def test_a_month_of_events_is_sent_again_in_its_order_without_a_gap(local: LocalAws) -> None:
    """Of those before it nothing is kept any more, which is no gap. Live events of meanwhile wait for none of it."""
    world = ReplayWorld(local, events=0)
    for day in range(_EXPIRED_DAYS + _DAYS):
        world.events.append_all(
            [
                a_draft(occurrence=day * _A_DAY + number, occurred_at=world.clock(), call_id=f"call_{number}")
                for number in range(_A_DAY)
            ]
        )
        world.clock.move(24 * 3600)
    first = _EXPIRED_DAYS * _A_DAY + 1
    for number in range(1, first):
        local.dynamodb.delete_item(TableName=local.table_name, Key=event_key(ACCOUNT, number))
    replay = world.start(only=ReplayOf.ALL)
    world.work(5)
    live = world.happen()
    world.queue.send(DeliveryMessage(world.named(live.sequence)))
    world.work(_DAYS * _A_DAY)
    assert world.replay(replay).status is ReplayStatus.DONE
    told = world.told
    assert told.index(live.event_id) < len(told) // 2, "what happens meanwhile is told beside it"
    assert [each for each in told if each != live.event_id] == world.ids(*range(first, live.sequence))
    assert world.replay(replay).sent == _DAYS * _A_DAY
