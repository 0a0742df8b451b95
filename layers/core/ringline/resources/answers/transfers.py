"""Transfers as they are shown: `ringline.calls.views.transfer_view`."""

from typing import Any, Literal

from ringline.calls.model.reasons import EndReason
from ringline.calls.model.transfers.transfer import TransferState
from ringline.resources.answers.base import Listing, Moment, Shown


class ShownTarget(Shown):
    """To whom: a number (`sip`, with a `number`) or an agent (`agent`, with an `agent_id`)."""

    type: Literal["sip", "agent"]
    config: dict[str, Any]


class ShownTransfer(Shown):
    """A transfer of a call. `reason` is why the target did not come, in the words of calls. `follows` is the transfer
    whose fallback this one is, `followed_by` the one that is this one's."""

    transfer_id: str
    state: TransferState
    to: ShownTarget
    mode: Literal["cold", "warm"]
    asked_by: Literal["api", "agent"]
    requested_at: Moment
    ringing_at: Moment | None
    joined_at: Moment | None
    ended_at: Moment | None
    reason: EndReason | None
    sip_code: int | None
    warm_handoff_ms: int | None
    announcement: str | None
    fallback: list[ShownTarget | Literal["end"]]
    follows: str | None
    followed_by: str | None
    participant_id: str


class TransferList(Listing[ShownTransfer]):
    """The transfers of a call, the first one first, on one page."""


class SessionTransfer(Shown):
    """What the SDK reads of a transfer that was asked for, and how it stands."""

    session_id: str
    added_participant_id: str
    removed_participant_id: str | None
    mode: Literal["cold", "warm"]
    call_id: str
    transfer_id: str
    state: TransferState
