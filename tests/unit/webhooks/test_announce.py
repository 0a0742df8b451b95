"""Who is told of an event, and how what is overdue goes out again."""

import json
from collections.abc import Sequence
from copy import replace
from dataclasses import dataclass, field

import pytest

from ringline.webhooks.model.endpoint import new_webhook_secret
from ringline.webhooks.model.event import Event, EventDraft
from ringline.webhooks.model.event_type import EventType, told_as
from ringline.webhooks.model.former import FormerId
from ringline.webhooks.sending.announce import Announcer
from ringline.webhooks.sending.queue import AnyMessage, DeliveryMessage, FormerMessage, body_of, message_in
from tests.builders import NOW
from tests.unit.webhooks.webhook_fakes import (
    EVENT,
    MESSAGE,
    EventsInMemory,
    PowerCut,
    QueueInMemory,
    Steps,
    TableInMemory,
    a_draft,
    an_endpoint,
)


def a_table() -> TableInMemory:
    every = ("*",)
    return TableInMemory(
        Steps(),
        {
            "ep_1": an_endpoint(),
            "ep_2": an_endpoint(endpoint_id="ep_2", event_types=every),
            "ep_3": an_endpoint(endpoint_id="ep_3", event_types=every, disabled_at=NOW),
        },
    )


RINGING = a_draft(event_type=EventType.CALL_RINGING)


@dataclass
class Place:
    """An account's endpoints, its log and the queue: what an announcer leans on."""

    table: TableInMemory = field(default_factory=a_table)
    events: EventsInMemory = field(default_factory=lambda: EventsInMemory(Steps()))
    queue: QueueInMemory = field(default_factory=lambda: QueueInMemory(Steps()))

    def announcer(self) -> Announcer:
        return Announcer(self.table, self.events, self.queue)

    @property
    def told(self) -> list[tuple[str, int]]:
        named = [each.delivery_id for each in self.queue.sent if isinstance(each, DeliveryMessage)]
        return [(each.endpoint_id, each.sequence) for each in named]


def test_each_endpoint_that_wants_the_type_gets_one_message_of_the_event() -> None:
    place = Place()
    assert place.announcer().announce(a_draft()) == 2
    assert place.told == [("ep_1", 1), ("ep_2", 1)]
    assert list(place.events.log) == [1]


def test_by_default_an_endpoint_hears_only_the_end() -> None:
    place = Place()
    assert place.announcer().announce(RINGING) == 1
    assert place.told == [("ep_2", 1)]


def test_announcing_twice_is_one_event_and_names_the_same_deliveries() -> None:
    place = Place()
    place.announcer().announce(a_draft())
    place.announcer().announce(a_draft(occurred_at=NOW + 5000, data={"status": "changed since"}))
    assert list(place.events.log) == [1]
    assert place.told == [("ep_1", 1), ("ep_2", 1)] * 2


def test_a_death_between_the_event_and_its_messages_loses_none() -> None:
    place = Place(queue=QueueInMemory(Steps(cut_after=1)))
    with pytest.raises(PowerCut):
        place.announcer().announce(a_draft())
    assert (list(place.events.log), place.told) == ([1], [("ep_1", 1)])
    place.queue.steps.cut_after = None
    place.announcer().announce(a_draft())
    assert list(place.events.log) == [1]
    assert set(place.told) == {("ep_1", 1), ("ep_2", 1)}


def test_what_nobody_has_subscribed_to_is_not_written_but_the_end() -> None:
    place = Place(table=TableInMemory(Steps()))
    assert place.announcer().announce(RINGING) == 0
    assert place.announcer().announce(a_draft()) == 0
    assert [event.event_type for event in place.events.log.values()] == [EventType.CALL_ENDED]


def test_what_a_disabled_endpoint_wants_is_written_and_not_sent() -> None:
    place = Place()
    del place.table.kept_endpoints["ep_2"]
    assert place.announcer().announce(RINGING) == 0
    assert [event.event_type for event in place.events.log.values()] == [EventType.CALL_RINGING]


def test_one_announcer_reads_an_accounts_endpoints_once() -> None:
    place = Place()
    del place.table.kept_endpoints["ep_3"]
    announcer = place.announcer()
    announcer.announce(RINGING)
    announcer.announce(a_draft())
    announcer.announce(a_draft(account_id="acct_2"))
    assert place.table.steps.taken == 2


def test_the_next_announcer_sees_an_endpoint_made_meanwhile() -> None:
    place = Place()
    place.announcer().announce(a_draft())
    place.table.kept_endpoints["ep_4"] = an_endpoint(endpoint_id="ep_4")
    assert place.announcer().announce(a_draft(call_id="call_2")) == 3


@dataclass
class EnabledMeanwhile(EventsInMemory):
    """A customer enables an endpoint while an event is appended: the replay ends before the event."""

    table: TableInMemory = field(default_factory=a_table)
    event_types: tuple[str, ...] = ("*",)

    def append(self, draft: EventDraft) -> Event:
        self.table.kept_endpoints["ep_3"] = an_endpoint(endpoint_id="ep_3", event_types=self.event_types)
        return super().append(draft)


def test_an_endpoint_that_is_enabled_while_events_are_appended_is_told_them() -> None:
    table = a_table()
    place = Place(table, EnabledMeanwhile(Steps(), table=table))
    assert place.announcer().announce(a_draft()) == 3
    assert place.told == [("ep_1", 1), ("ep_2", 1), ("ep_3", 1)]


def test_an_endpoint_that_is_enabled_while_a_batch_is_written_ahead_is_told_all_of_it() -> None:
    table = a_table()
    place = Place(table, EnabledMeanwhile(Steps(), table=table))
    drafts = [replace(RINGING, call_id=f"call_{number}") for number in range(3)]
    announcer = place.announcer()
    announcer.write_ahead(drafts)
    assert [announcer.announce(draft) for draft in drafts] == [2, 2, 2]
    assert table.steps.taken == 2, "a disabled endpoint costs a batch one more read"


def test_an_endpoint_that_is_enabled_for_other_events_is_not_told_these() -> None:
    table = a_table()
    place = Place(table, EnabledMeanwhile(Steps(), table=table, event_types=("recording.ready",)))
    assert place.announcer().announce(a_draft()) == 2


def test_each_event_that_is_appended_alone_has_its_own_look_at_what_was_disabled() -> None:
    place = Place()
    announcer = place.announcer()
    announcer.announce(a_draft())
    place.table.kept_endpoints["ep_3"] = an_endpoint(endpoint_id="ep_3", event_types=("*",))
    assert announcer.announce(a_draft(call_id="call_2")) == 3


FORMER = FormerMessage(
    FormerId(account_id="acct_1", call_id="call_1", endpoint_id="ep_1", told_as="call_ringing", occurrence=2), 5
)


@pytest.mark.parametrize("message", [MESSAGE, FORMER])
def test_a_message_survives_the_queue(message: AnyMessage) -> None:
    assert message_in(body_of(message)) == message


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"account_id": "a"}',
        '{"account_id": "a", "endpoint_id": "e", "sequence": "x"}',
        '{"account_id": "a", "endpoint_id": 7, "sequence": 1}',
        '{"account_id": 1, "call_id": "c", "endpoint_id": "e", "type": "call_end", "sequence": 1}',
        '{"account_id": "a", "call_id": "c", "endpoint_id": "e", "type": 7, "sequence": 1}',
        '{"account_id": "a", "call_id": "c", "endpoint_id": "e", "type": "call_end", "sequence": "x"}',
    ],
)
def test_what_is_no_message_says_so(body: str) -> None:
    with pytest.raises(ValueError):
        message_in(body)


def test_an_events_id_is_short_and_names_one_event() -> None:
    others = [
        a_draft(call_id="call_2"),
        a_draft(account_id="acct_2"),
        a_draft(event_type=EventType.CALL_ACTIVE),
        a_draft(occurrence=2),
    ]
    assert len({each.event_id for each in [a_draft(), *others]}) == 5
    assert len(a_draft().event_id) == 36
    assert a_draft(occurred_at=NOW + 1, data={}).event_id == a_draft().event_id


def test_an_event_has_the_same_bytes_behind_every_name_of_its_type() -> None:
    former, dotted = EVENT.body_as("call_end"), EVENT.body_as("call.ended")
    assert former.removeprefix(b'{"type":"call_end",') == dotted.removeprefix(b'{"type":"call.ended",')
    assert json.loads(former) == json.loads(dotted) | {"type": "call_end"}


@pytest.mark.parametrize(
    ("subscriptions", "event_type", "name"),
    [
        (["call_end"], "call.ended", "call_end"),
        (["call.ended"], "call.ended", "call.ended"),
        (["call.*"], "call.ended", "call.ended"),
        (["call.*", "call_end"], "call.ended", "call.ended"),
        (["call_end", "*"], "call.ended", "call_end"),
        (["call.*"], "recording.ready", None),
        (["*"], "recording.ready", "recording.ready"),
        (["call_end"], "call.active", None),
        (["of_tomorrow"], "call.active", None),
        (["*"], "of.tomorrow", "of.tomorrow"),
    ],
)
def test_an_endpoint_is_told_by_the_name_that_it_subscribed_to(
    subscriptions: list[str], event_type: str, name: str | None
) -> None:
    assert told_as(subscriptions, EventType.kept(event_type)) == name


def test_secrets_differ_and_stay_out_of_what_is_printed() -> None:
    secret = new_webhook_secret()
    assert secret.startswith("whsec_")
    assert secret != new_webhook_secret()
    assert secret not in repr(an_endpoint(secrets=(secret,)))


@dataclass
class CountingTogether(EventsInMemory):
    """Remembers how many were written together."""

    together: list[int] = field(default_factory=list)

    def append_all(self, drafts: Sequence[EventDraft]) -> list[Event]:
        self.together.append(len(drafts))
        return super().append_all(drafts)


def test_what_is_written_ahead_is_announced_as_if_it_had_not_been() -> None:
    drafts = [a_draft(call_id=f"call_{number}") for number in range(3)]
    drafts.append(a_draft(account_id="acct_2"))
    events = CountingTogether(Steps())
    place = Place(events=events)
    announcer = place.announcer()
    announcer.write_ahead(drafts)
    assert events.together == [3], "one alone is written when it is announced"
    steps = events.steps.taken
    for draft in drafts[:3]:
        assert announcer.announce(draft) == 2
    assert events.steps.taken == steps
    other = Place()
    for draft in drafts[:3]:
        other.announcer().announce(draft)
    assert place.queue.sent == other.queue.sent


def test_nothing_is_written_ahead_that_nobody_has_subscribed_to() -> None:
    events = CountingTogether(Steps())
    place = Place(table=TableInMemory(Steps(), {}), events=events)
    place.announcer().write_ahead([a_draft(event_type=EventType.CALL_RINGING, occurrence=each) for each in range(3)])
    assert events.log == {}
