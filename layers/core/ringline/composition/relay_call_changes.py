from collections.abc import Sequence

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.model.recorder import RecordsBucket
from ringline.calls.progress.hints import NextRing
from ringline.calls.stream.batch import Batch, Record, relay_each
from ringline.calls.stream.parked import ParkedRecords
from ringline.calls.tables.queues import SqsDoorbell
from ringline.calls.tables.store import CallStore
from ringline.calls.views.payload import event_ids_of
from ringline.calls.views.relay import EndsToldTogether, Relay
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import SettingsModel, flag, group, number, optional, required, secret
from ringline.runtime.vault.kept import RECORDING, VARIABLE, kept
from ringline.telephony.livekit_settings import LivekitSettings
from ringline.webhooks.event_settings import EventSettings
from ringline.webhooks.sending.announce import Announcer
from ringline.webhooks.sending.queue import Outbox, SqsDeliveryQueue
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore


class Settings(SettingsModel):
    # Not those of `parts`, which loads the rules of a call: the relay seldom needs them.
    table_name: str = required("TABLE_NAME")
    doorbell_url: str = required("DOORBELL_QUEUE_URL")
    in_shards: bool = flag("DUE_IN_SHARDS")
    delivery_queue_url: str = required("DELIVERY_QUEUE_URL")
    parked_bucket: str = required("PARKED_BUCKET")
    events: EventSettings = group(EventSettings)
    relay_dlq_url: str = required("RELAY_DLQ_URL")
    livekit: LivekitSettings = group(LivekitSettings)
    records_bucket: str = optional("RECORDS_BUCKET")
    calls_kept_days: float = number("CALLS_KEPT_DAYS")
    recording_access_key_id: str = optional("RECORDING_ACCESS_KEY_ID")
    recording_secret_access_key: str = secret(VARIABLE, lambda: kept().current(RECORDING))
    region: str = optional("AWS_REGION")
    # Where AWS is a stand-in, LiveKit's egress must write to the same.
    aws_endpoint_url: str = optional("AWS_ENDPOINT_URL")

    @property
    def bucket(self) -> RecordsBucket:
        return RecordsBucket(
            name=self.records_bucket,
            region=self.region,
            endpoint=self.aws_endpoint_url,
            access_key=self.recording_access_key_id,
            secret=self.recording_secret_access_key if self.recording_access_key_id else "",
        )


class ChangesOfCalls:
    """What is done about changes of calls."""

    def __init__(self, settings: Settings, *, clock: Clock, log: Logger) -> None:
        self._settings = settings
        self._clock = clock
        self._log = log
        self._store = CallStore(
            aws.dynamodb(),
            settings.table_name,
            kept_days=settings.calls_kept_days,
            in_shards=settings.in_shards,
        )
        self._doorbell = SqsDoorbell(aws.sqs, settings.doorbell_url)
        self._endpoints = EndpointStore(aws.dynamodb(), settings.table_name)
        self._deliveries = SqsDeliveryQueue(aws.sqs, settings.delivery_queue_url)
        self._parked = ParkedRecords(aws.s3, settings.parked_bucket, aws.sqs, settings.relay_dlq_url)

    def relay_each(self, records: Sequence[Record]) -> tuple[Relay, Batch]:
        """Announces what a batch of the stream tells of; the relay and what became of the batch."""
        relay = self.relay()
        return relay, relay_each(records, relay, self._parked, self._clock(), self._log)

    def relay(self) -> Relay:
        """For one batch of changes: it remembers the endpoints that it read, and where the logs of events end."""
        settings = self._settings
        events = EventStore(
            aws.dynamodb(),
            settings.table_name,
            self._clock,
            kept_s=settings.events.kept_s,
            in_shards=settings.in_shards,
        )
        outbox, ends, erased = Outbox(self._deliveries), EndsToldTogether(self._store), list[Call]()

        def settle() -> None:
            outbox.flush()
            ends.remove_marks()
            for call in erased:
                self._erase_events(call, events)

        announcer = Announcer(self._endpoints, events, outbox)
        return Relay(announcer, ends, NextRing(self._store, self._doorbell, self._clock), settle, erased.append)

    def _erase_events(self, call: Call, events: EventStore) -> None:
        from ringline.webhooks.tables.erasing import Erasures

        found = Erasures(aws.dynamodb(), self._settings.table_name)
        for event in found.events_of(call.account_id, event_ids_of(call)):
            events.erase(event)

    def has_its_room(self, call: Call) -> bool:
        """Whether a caller's room may be closed when their call is over. Where that cannot be found out it is left to
        the sweep, which looks who is in it."""
        return self._has_its_room(call, where_unknown=False)

    def may_be_recorded(self, call: Call) -> bool:
        """Whether a caller is still in the room that they came into, as far as can be found out: nobody else would
        begin the recording."""
        return self._has_its_room(call, where_unknown=True)

    def _has_its_room(self, call: Call, *, where_unknown: bool) -> bool:
        from ringline.calls.tables.inbound_rooms import InboundRooms

        try:
            return InboundRooms(aws.dynamodb(), self._settings.table_name).is_of(call)
        except Exception:
            self._log.exception("room not looked up", extra={"call_id": call.call_id})
            return where_unknown

    def close_rooms(self, rooms: Sequence[str]) -> list[str]:
        """Closes rooms of calls that ended; returns those that resisted, which are left to the sweep."""
        # LiveKit's client takes as long to load as the rest of this function; only ended calls need it.
        from ringline.telephony.livekit import close_rooms

        return close_rooms(self._settings.livekit, rooms)

    async def stop_recordings(self, calls: Sequence[Call]) -> None:
        """Ends the recordings of calls that are over. Raises TelephonyDown, and TimeoutError."""
        from asyncio import timeout

        from ringline.calls.model.timing import LIVEKIT_REQUEST_S
        from ringline.calls.progress.rest_recordings import stop_recordings
        from ringline.telephony.livekit import connected

        async with timeout(LIVEKIT_REQUEST_S), connected(self._settings.livekit) as telephony:
            for call in calls:
                await stop_recordings(telephony, call)

    async def start_recordings(self, calls: Sequence[Call]) -> int:
        """Has calls recorded; how many are."""
        # The rules of a call and LiveKit's client: as much again as the rest, and few calls are recorded.
        from ringline.calls.progress.progress import Progress
        from ringline.calls.progress.start_recordings import StartRecordings
        from ringline.telephony.livekit import connected

        async with connected(self._settings.livekit) as recorder:
            start = StartRecordings(
                recorder=recorder,
                bucket=self._settings.bucket,
                progress=Progress(self._store, self._doorbell, self._clock, self._log),
                clock=self._clock,
                log=self._log,
            )
            return await start.run(calls)


def compose(settings: Settings, *, clock: Clock, log: Logger) -> ChangesOfCalls:
    return ChangesOfCalls(settings, clock=clock, log=log)
