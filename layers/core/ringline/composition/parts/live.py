"""What the API does to conversations while they go on, and how it lets browsers in."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from aws_lambda_powertools import Logger

from ringline.calls.live.recording import ControlRecording
from ringline.calls.live.telling import TellAgent
from ringline.calls.model.call import Call
from ringline.calls.model.ports import Telephony
from ringline.calls.model.timing import ROOM_DEPARTURE_S
from ringline.calls.progress.progress import Progress
from ringline.calls.tables.queues import SqsLookQueue
from ringline.calls.tables.store import CallStore
from ringline.calls.web.invite import InviteWebCaller
from ringline.calls.web.store import Tickets
from ringline.resources.live.controls import LiveControls
from ringline.routing.store import RoutingStore
from ringline.routing.web import WebRouting
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.telephony.agent_dispatch import room_metadata
from ringline.telephony.join_tokens import Pass, join_token
from ringline.telephony.livekit_settings import LivekitSettings


def live_controls(
    store: CallStore,
    progress: Progress,
    telephony: Callable[[], AbstractAsyncContextManager[Telephony]],
    livekit: LivekitSettings,
    *,
    look_queue_url: str,
    records_bucket: str,
    clock: Clock,
    log: Logger,
) -> LiveControls:
    def token_for(call: Call, identity: str, mode: str, valid_until: int) -> str:
        listens = mode == "listen"
        admitted = Pass(
            room=call.room_name or "",
            identity=identity,
            expires_at=valid_until,
            may_speak=not listens,
            is_hidden=listens,
        )
        return join_token(admitted, livekit.api_key, livekit.api_secret)

    return LiveControls(
        recording=ControlRecording(
            store=store,
            progress=progress,
            telephony=telephony,
            looks=SqsLookQueue(aws.sqs, look_queue_url),
            clock=clock,
            log=log,
        ),
        whole=store.whole,
        tell=TellAgent(store=store, progress=progress, telephony=telephony, clock=clock),
        token_for=token_for,
        livekit_url=livekit.url_for_browsers,
        records_bucket=records_bucket,
        clock=clock,
    )


def inviting(livekit: LivekitSettings, table_name: str, *, clock: Clock) -> InviteWebCaller:
    dynamodb = aws.dynamodb()

    def token_for(call: Call, valid_until: int) -> str:
        admitted = Pass(
            room=call.room_name or "",
            identity=call.leg_identity,
            expires_at=valid_until,
            closes_after_s=ROOM_DEPARTURE_S,
            room_metadata=room_metadata(call),
        )
        return join_token(admitted, livekit.api_key, livekit.api_secret)

    return InviteWebCaller(
        routing=WebRouting(RoutingStore(dynamodb, table_name)),
        tickets=Tickets(dynamodb, table_name),
        token_for=token_for,
        clock=clock,
    )
