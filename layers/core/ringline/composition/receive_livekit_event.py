from collections.abc import Callable
from copy import replace
from functools import partial
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from ringline.calls.model.ports import LookQueue
from ringline.calls.signals.observe import Observe
from ringline.calls.tables.store import CallStore
from ringline.composition.parts import CallParts, SignalSettings, look_queue, sends_agents
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.logging import masked_within
from ringline.runtime.settings import flag, group, optional
from ringline.telephony.livekit_settings import DispatchSettings, stack_mark

if TYPE_CHECKING:
    from ringline.calls.signals.arrive import Arrive
    from ringline.calls.web.receive import ReceiveWebCaller

CLOSE_WITHIN_S = 1.0
"""LiveKit waits for our answer before it sends the room's next event; the sweep closes a room that resists."""


class Settings(SignalSettings):
    livekit: DispatchSettings = group(DispatchSettings)
    default_country: str = optional("DEFAULT_COUNTRY")
    allow_private_webhooks: bool = flag("ALLOW_PRIVATE_WEBHOOKS")
    asked_apart: bool = flag("ASKED_APART")
    stack: str = optional("STACK_ID")
    shares_livekit: bool = flag("SHARED_LIVEKIT")


def compose(settings: Settings, *, clock: Clock, log: Logger) -> Callable[[str], Observe]:
    """Makes the observer of an event from the name of the host that LiveKit sent it to."""
    parts = CallParts(settings, clock=clock, log=log)
    looks = look_queue(settings)

    def observer(host: str) -> Observe:
        return Observe(
            progress=parts.progress,
            close_room=partial(_close_room, settings, log),
            looks=looks,
            log=log,
            remove_later=partial(_remove_later, settings),
            remove=partial(_remove, settings),
            reception=partial(_reception, settings, parts.store, looks, host, clock=clock, log=log),
            web_reception=partial(_web_reception, settings, parts.store, looks, host, clock=clock, log=log),
        )

    return observer


def _close_room(settings: Settings, log: Logger, room: str) -> None:
    # LiveKit's client doubles this function's import time, and hardly any event needs it.
    from ringline.telephony.livekit import close_rooms

    if close_rooms(settings.livekit, [room], CLOSE_WITHIN_S):
        log.warning("room not closed", extra={"room": masked_within(room)})


def _remove_later(settings: Settings, room: str, kept_sid: str | None, identity: str) -> bool:
    # Nor do many events need this.
    from ringline.telephony.front_desk import FrontDesk

    return FrontDesk(settings.livekit).remove_later(room, kept_sid, identity)


def _remove(settings: Settings, room: str, identity: str) -> None:
    from ringline.telephony.front_desk import FrontDesk

    FrontDesk(settings.livekit).remove(room, identity)


def _reception(
    settings: Settings, store: CallStore, looks: LookQueue, host: str, *, clock: Clock, log: Logger
) -> "Arrive":
    """Who receives callers. Their agents report to the API under the name that LiveKit called it by, where it has no
    other: told in the template, it would need the API to be made before this function, and the function before it."""
    from ringline.accounts.store import AccountStore
    from ringline.agents.tables.registry import Registry
    from ringline.calls.signals.arrive import Arrive
    from ringline.calls.signals.decisions import Decide
    from ringline.calls.signals.seats import Seats
    from ringline.calls.tables.inbound_rooms import InboundRooms
    from ringline.calls.tables.limits.counters import Counters
    from ringline.routing.resolve import InboundRouting
    from ringline.routing.store import RoutingStore
    from ringline.runtime.vault.kept import sealer
    from ringline.runtime.vault.row_secrets import NUMBER, RowSecrets
    from ringline.telephony.front_desk import FrontDesk
    from ringline.webhooks.sending.decision import AskServer

    dynamodb, table = aws.dynamodb(), settings.table_name
    routing = RoutingStore(dynamodb, table)
    rooms = InboundRooms(dynamodb, table, asked_apart=settings.asked_apart, in_shards=settings.in_shards)
    inbound = InboundRouting(routing)
    return Arrive(
        rooms=rooms,
        numbers=routing,
        routing=inbound,
        decide=Decide(
            rooms=rooms,
            routing=inbound,
            ask=AskServer(allow_private=settings.allow_private_webhooks, clock=clock).ask,
            open_secret=RowSecrets(sealer, NUMBER).open,
        ),
        seats=Seats(
            rooms=rooms,
            routing=inbound,
            store=store,
            counters=Counters(dynamodb, table, clock),
            places=Registry(dynamodb, table, clock),
        ),
        desk=FrontDesk(_with_public_url(settings, host)),
        looks=looks,
        accounts=AccountStore(dynamodb, table),
        default_country=settings.default_country or None,
        stack=stack_mark(settings.stack),
        shares_livekit=settings.shares_livekit,
        clock=clock,
        log=log,
    )


def _web_reception(
    settings: Settings, store: CallStore, looks: LookQueue, host: str, *, clock: Clock, log: Logger
) -> "ReceiveWebCaller":
    """Who receives callers from browsers."""
    from ringline.agents.tables.registry import Registry
    from ringline.calls.progress.capacity import Capacity
    from ringline.calls.tables.limits.counters import Counters
    from ringline.calls.web.receive import ReceiveWebCaller
    from ringline.calls.web.store import Tickets
    from ringline.routing.store import RoutingStore
    from ringline.telephony.front_desk import FrontDesk

    dynamodb, table = aws.dynamodb(), settings.table_name
    return ReceiveWebCaller(
        tickets=Tickets(dynamodb, table, asked_apart=settings.asked_apart, in_shards=settings.in_shards),
        store=store,
        capacity=Capacity(Counters(dynamodb, table, clock), RoutingStore(dynamodb, table), clock),
        places=Registry(dynamodb, table, clock),
        desk=FrontDesk(_with_public_url(settings, host)),
        looks=looks,
        log=log,
    )


def _with_public_url(settings: Settings, host: str) -> DispatchSettings:
    url = settings.livekit.public_url or f"https://{host}"
    return replace(settings.livekit, public_url=url, **sends_agents(settings.table_name))
