"""What functions share that ask for transfers, or look after them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.tables.queues import SqsTransferQueue
from ringline.calls.tables.store import CallStore
from ringline.composition.parts import CallParts
from ringline.runtime import aws
from ringline.runtime.clock import Clock

if TYPE_CHECKING:
    from ringline.calls.transfers.ask import AskTransfer


def transfer_queue(queue_url: str) -> SqsTransferQueue:
    return SqsTransferQueue(aws.sqs, queue_url)


def destinations(store: CallStore, table_name: str) -> Callable[[Call, str], bool]:
    """Whether the account of a call may call a number."""

    def may_call(call: Call, number: str) -> bool:
        from ringline.routing.resolve import OutboundRouting
        from ringline.routing.store import RoutingStore

        own_number = call.to_number if call.comes_in else call.from_number
        allowed = store.gate(call.account_id).allowed_prefixes
        return OutboundRouting(RoutingStore(aws.dynamodb(), table_name)).may_call(
            call.account_id, number, allowed, own_number
        )

    return may_call


def asking_for_transfers(
    parts: CallParts,
    table_name: str,
    queue_url: str,
    read_number: Callable[[str, str], str],
    *,
    clock: Clock,
    log: Logger,
) -> "AskTransfer":
    """What asks for transfers. Its checks take long to load, and few requests are about one."""
    from functools import partial

    from ringline.calls.transfers.ask import AskTransfer
    from ringline.calls.transfers.targets import Targets
    from ringline.routing.store import RoutingStore
    from ringline.runtime.ids import new_id

    routing = RoutingStore(aws.dynamodb(), table_name)
    return AskTransfer(
        store=parts.store,
        progress=parts.progress,
        targets=Targets(
            routing.agent, routing.number, routing.transfer_fallback, destinations(parts.store, table_name), read_number
        ),
        queue=transfer_queue(queue_url),
        new_transfer_id=partial(new_id, "transfer"),
        clock=clock,
        log=log,
    )
