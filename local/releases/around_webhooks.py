"""The log of events, what is sent again and by which turns, and the messages of all that."""

import importlib
from collections.abc import Callable
from dataclasses import fields
from typing import Any

release_code = importlib.import_module("release_code")
"""Beside this script, which runs where nothing of `local` is on the path."""
ACCOUNT, TABLE, NOW, clock = release_code.ACCOUNT, release_code.TABLE, release_code.NOW, release_code.clock
RELEASE, made = release_code.RELEASE, release_code.made

ENDPOINT = "ep_1"


class Heard:
    """A queue that keeps the bodies of what is sent."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send_message(self, **message: Any) -> None:
        self.bodies.append(message["MessageBody"])

    def send_message_batch(self, **messages: Any) -> dict[str, Any]:
        self.bodies += [each["MessageBody"] for each in messages["Entries"]]
        return {}


def write_events(db: Any, ended: Any) -> list[Any]:
    """An event of each type, those of calls of the one that has ended; in their order."""
    drafts = [_draft(event_type, ended) for event_type in RELEASE.event_type.EventType]
    written: list[Any] = RELEASE.events.EventStore(db, TABLE, clock).append_all(drafts)
    return written


def _draft(event_type: Any, ended: Any) -> Any:
    if event_type.startswith(("call.", "recording.", "transcript.")):
        return RELEASE.payload.draft_of(event_type, ended, 1)
    told = {"endpoint_id": ENDPOINT}
    return RELEASE.event.EventDraft(account_id=ACCOUNT, event_type=event_type, occurred_at=NOW, data=told)


def write_replays(db: Any) -> None:
    """One that was stopped, and one that runs; and the turns of an endpoint that takes two at once."""
    events, wanted = RELEASE.events.EventStore(db, TABLE, clock), RELEASE.replays.Wanted(from_sequence=1)
    replays = RELEASE.replays.Replays(RELEASE.replay_rows.ReplayStore(db, TABLE), events, lambda replay: None, clock)
    stopped = replays.start(ACCOUNT, ENDPOINT, wanted)
    replays.stop(ACCOUNT, ENDPOINT, stopped.replay_id)
    replays.start(ACCOUNT, ENDPOINT, wanted)
    limits = RELEASE.pace.Limits(per_second=2, parallel=2)
    RELEASE.turns.TurnStore(db, TABLE).take(ACCOUNT, ENDPOINT, limits, NOW, has_waited=False)


def webhook_messages() -> dict[str, list[str]]:
    """Deliveries one by one and, where the release sends them so, several at once; and a step of a replay."""
    queue, message = RELEASE.webhook_queue, RELEASE.webhook_queue.DeliveryMessage
    told = {"delivery": [queue.body_of(each) for each in _deliveries(message)]}
    if hasattr(queue, "Outbox"):
        heard = Heard()
        outbox = queue.Outbox(queue.SqsDeliveryQueue(lambda: heard, ""))
        for named in _named():
            outbox.send(message(named))
        outbox.flush()
        told["deliveries"] = [body for body in heard.bodies if queue.deliveries_in(body)]
    if hasattr(queue, "ReplayMessage"):
        heard = Heard()
        step = queue.ReplayMessage(ACCOUNT, ENDPOINT, "replay_1", 3)
        queue.SqsDeliveryQueue(lambda: heard, "").send_in_background(step)
        told["replay"] = heard.bodies
    return told


def _deliveries(message: Callable[..., Any]) -> list[Any]:
    known = [each.name for each in fields(message)]  # type: ignore[arg-type]
    if "turn_at" in known:
        return [*map(message, _named()), message(next(iter(_named())), NOW)]
    # The release before events were rows counted the changes of a call beside the name.
    return [message(*(named, place)[: len(known)]) for place, named in enumerate(_named(), start=4)]


def _named() -> list[Any]:
    about = ({"call_id": "call_1", "event_type": each} for each in RELEASE.event_type.EventType)
    return [
        made(RELEASE.delivery.DeliveryId, account_id=ACCOUNT, endpoint_id=ENDPOINT, sequence=place, **each)
        for place, each in enumerate(about, start=4)
    ]
