"""What functions share that ask for transfers, or look after them."""

from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from ringline.calls.tables.queues import SqsTransferQueue
from ringline.composition.parts import CallParts
from ringline.runtime import aws
from ringline.runtime.clock import Clock

if TYPE_CHECKING:
    from ringline.calls.transfers.ask import AskTransfer


def transfer_queue(queue_url: str) -> SqsTransferQueue:
    return SqsTransferQueue(aws.sqs, queue_url)


def asking_for_transfers(
    parts: CallParts, table_name: str, queue_url: str, *, clock: Clock, log: Logger
) -> "AskTransfer":
    """What asks for transfers. Its checks take long to load, and few requests are about one."""
    from functools import partial

    from ringline.calls.transfers.ask import AskTransfer
    from ringline.calls.transfers.targets import Targets
    from ringline.routing.store import RoutingStore
    from ringline.runtime.ids import new_id

    return AskTransfer(
        store=parts.store,
        progress=parts.progress,
        targets=Targets(RoutingStore(aws.dynamodb(), table_name).agent),
        queue=transfer_queue(queue_url),
        new_transfer_id=partial(new_id, "transfer"),
        clock=clock,
        log=log,
    )
