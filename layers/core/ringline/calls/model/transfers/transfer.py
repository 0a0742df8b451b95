"""A transfer: to whom a call is handed over, by which way, and how far that has come.

    requested --> ringing --> joined --> completed
        |            |          |
        +------------+----------+------> failed, and the next target of its fallback begins as a transfer of its own

One is under way at a time. A cold transfer to a number is a REFER and never `joined`: the phone leaves for good. A warm
one calls the number into the room, and is `completed` once the agent has left it. One to an agent is `joined` with that
agent, and `completed` once the one before is out.
"""

from collections.abc import Iterable
from copy import replace
from typing import Any

from ringline.calls.facts.evidence import MAY_COME_BACK
from ringline.later import Carried, StoredWord, carried_from
from ringline.record import Record, names_of

MOST_TRANSFERS = 20
"""So many a call can have, tries of a fallback included: a call must stay a small item."""


class TransferState(StoredWord):
    REQUESTED = "requested"
    RINGING = "ringing"
    JOINED = "joined"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_under_way(self) -> bool:
        return self not in {TransferState.COMPLETED, TransferState.FAILED}

    @property
    def awaits_target(self) -> bool:
        """Whether nobody has come yet."""
        return self in {TransferState.REQUESTED, TransferState.RINGING}


class TargetKind(StoredWord):
    NUMBER = "sip"
    AGENT = "agent"


class TransferMode(StoredWord):
    COLD = "cold"
    WARM = "warm"


class AskedBy(StoredWord):
    API = "api"
    AGENT = "agent"
    PIPE = "pipe"
    """The fallback of a caller whose agent did not come."""


class Target(Record):
    """To whom: a number (E.164) or an agent of the account. `brain` is what our speech worker speaks for where the
    agent does not speak itself, `voice_profile_id` and `voice` how it sounds."""

    kind: TargetKind
    name: str
    brain: str | None = None
    voice_profile_id: str | None = None
    voice: dict[str, Any] | None = None
    carried: Carried = ()


class Former(Record):
    """The agent that a call had when another one was asked for: it has the call again if that one does not come, or is
    gone before it has let this one go. `sid` and `identity` are who it was in the room when the other one came, if it
    was there. `ready_at` and `can_report` are what it had told of itself. Its speech worker was lost at `lost_at`. A
    call that a number had by then was `transferred_at` that moment to `transferred_to`, where `only_started` is not
    set."""

    agent_id: str | None = None
    brain: str | None = None
    worker_id: str | None = None
    dispatch: int | None = None
    sid: str | None = None
    identity: str | None = None
    lost_at: int | None = None
    transferred_at: int | None = None
    transferred_to: str | None = None
    only_started: bool = False
    ready_at: int | None = None
    can_report: tuple[str, ...] = ()
    voice_profile_id: str | None = None
    voice: dict[str, Any] | None = None
    carried: Carried = ()


class TargetLeft(Record):
    """What the leg of a number said when it left before whoever called it told how that went, or lost its connection
    in the conversation."""

    at: int
    disconnect_reason: str | None = None
    call_status: str | None = None
    sid: str | None = None
    carried: Carried = ()

    @property
    def may_come_back(self) -> bool:
        """Whether it lost its connection to the room, which does not mean that the phone call is over."""
        return self.disconnect_reason in MAY_COME_BACK


class Referred(Record):
    """The phone was sent away, and has arrived."""


class Transfer(Record):
    """Moments (`_at`) are milliseconds since 1970. `dial` is the number of the call's dial in which it was asked for.

    `begun_at` is when somebody took it on, written before LiveKit is asked: nobody else begins it again. The agent is
    released `warm_handoff_ms` after the target has joined; None leaves that to the agent, who says so or goes.
    `dropped` is who is put out instead of the agent, by identity. `fallback` are the targets that follow if this one
    does not come, and with `ends_call` the call ends after the last. `follows` is the transfer whose fallback this is.
    `reason` is an `EndReason`, the target's as if it had been a call.

    `trunk_id` is the trunk through which a caller's number calls: a second phone goes out there, and not through the
    one that the caller came in by. None is the usual one; a call that was dialled has its own.

    `key_hash` and `body_hash` tell whether a request is a repeat. `dispatch` is the number with which an agent was
    dispatched, `former` whom it is to replace; `ready_at` is when it said that it is ready. Agents of the dispatches
    before have no part in the call any more: so a pipe's transfer to a number has a `dispatch`, too.
    """

    transfer_id: str
    dial: int
    target: Target
    mode: TransferMode
    asked_by: AskedBy
    requested_at: int
    state: TransferState = TransferState.REQUESTED
    begun_at: int | None = None
    ringing_at: int | None = None
    joined_at: int | None = None
    ended_at: int | None = None
    reason: str | None = None
    sip_code: int | None = None
    warm_handoff_ms: int | None = None
    dropped: str | None = None
    announcement: str | None = None
    fallback: tuple[Target, ...] = ()
    ends_call: bool = False
    follows: str | None = None
    participant_sid: str | None = None
    left: TargetLeft | None = None
    trunk_id: str | None = None
    dispatch: int | None = None
    former: Former | None = None
    ready_at: int | None = None
    key_hash: str | None = None
    body_hash: str | None = None
    carried: Carried = ()

    @property
    def is_understood(self) -> bool:
        """Whether this release knows what it is. Another one is left alone, and nobody else is asked for meanwhile."""
        return self.state.is_known and self.mode.is_known and self.target.kind.is_known

    @property
    def is_under_way(self) -> bool:
        return self.state.is_under_way

    @property
    def makes_silence_mean_nothing(self) -> bool:
        """Whether somebody waits for its target, which has not come yet or has lost the connection again; or talks with
        it already, and the agent that need not hear them goes without having a say in that."""
        agent_has_a_say = self.is_to_number and self.warm_handoff_ms is None
        return self.is_under_way and (self.state.awaits_target or self.left is not None or not agent_has_a_say)

    @property
    def is_to_number(self) -> bool:
        return self.target.kind is TargetKind.NUMBER

    @property
    def is_refer(self) -> bool:
        """Whether the call's own phone is sent away."""
        return self.is_to_number and self.mode is TransferMode.COLD

    @property
    def is_to_agent(self) -> bool:
        return self.target.kind is TargetKind.AGENT


def under_way(transfers: Iterable[Transfer]) -> Transfer | None:
    """The one transfer that is not over, if any."""
    return next((each for each in transfers if each.is_under_way), None)


def transfer_named(transfers: Iterable[Transfer], transfer_id: str) -> Transfer | None:
    return next((each for each in transfers if each.transfer_id == transfer_id), None)


def of_dial(transfers: Iterable[Transfer], dial: int) -> tuple[Transfer, ...]:
    """The transfers of one dial of a call: those of the dials before say nothing of who talks in this one."""
    return tuple(each for each in transfers if each.dial == dial)


def asked_for_by(transfers: Iterable[Transfer], dispatch: int) -> Transfer | None:
    """The transfer by which the agent of that dispatch was asked for, if one was."""
    return next((each for each in transfers if each.is_to_agent and each.dispatch == dispatch), None)


def with_transfer(transfers: tuple[Transfer, ...], changed: Transfer) -> tuple[Transfer, ...]:
    """The transfers with this one in the place of its former self."""
    return tuple(changed if each.transfer_id == changed.transfer_id else each for each in transfers)


def next_of(failed: Transfer, at: int) -> Transfer | None:
    """The transfer to the next target of a fallback. It is named after the first, so that nobody has to make a name."""
    if not failed.fallback:
        return None
    first, _, number = failed.transfer_id.partition(".")
    return Transfer(
        transfer_id=f"{first}.{int(number or 1) + 1}",
        dial=failed.dial,
        target=failed.fallback[0],
        # Two agents never talk at once, and only a number can be called into the room.
        mode=failed.mode if failed.fallback[0].kind is TargetKind.NUMBER else TransferMode.COLD,
        asked_by=failed.asked_by,
        requested_at=at,
        warm_handoff_ms=failed.warm_handoff_ms,
        # Who gives way to an agent is the agent before.
        dropped=failed.dropped if failed.fallback[0].kind is TargetKind.NUMBER else None,
        announcement=failed.announcement,
        trunk_id=failed.trunk_id,
        fallback=failed.fallback[1:],
        ends_call=failed.ends_call,
        follows=failed.transfer_id,
    )


def leg_identity(call_id: str, dial: int, transfer_id: str) -> str:
    """The identity of the leg of a number that is called into the call's room: no other leg has the same."""
    return f"sip-{call_id}-{dial}-{transfer_id}"


# --- as it is kept ---------------------------------------------------------------------------------------------------


def transfer_to_record(transfer: Transfer) -> dict[str, Any]:
    """What is kept of a transfer: only what is known."""
    kept = _known(transfer)
    nested = {
        "target": _known(transfer.target),
        "fallback": [_known(target) for target in transfer.fallback] or None,
        "former": transfer.former and _known(transfer.former),
        "left": transfer.left and _known(transfer.left),
    }
    return {name: value for name, value in (kept | nested).items() if value is not None}


def transfer_from_record(record: dict[str, Any]) -> Transfer:
    """What a later release keeps besides is carried along."""
    known = _of(Transfer, record)
    former, left = known.get("former"), known.get("left")
    return Transfer(
        **known
        | {
            "target": _target(record["target"]),
            "mode": TransferMode.kept(record["mode"]),
            "asked_by": AskedBy.kept(record["asked_by"]),
            "state": TransferState.kept(record.get("state", TransferState.REQUESTED)),
            "fallback": tuple(_target(each) for each in record.get("fallback", ())),
            "former": None if former is None else _former(former),
            "left": None if left is None else TargetLeft(**_of(TargetLeft, left)),
        }
    )


def _former(record: dict[str, Any]) -> Former:
    return Former(**_of(Former, record) | {"can_report": tuple(record.get("can_report", ()))})


def _target(record: dict[str, Any]) -> Target:
    return replace(Target(**_of(Target, record)), kind=TargetKind.kept(record["kind"]))


def _known(kept: Record) -> dict[str, Any]:
    fields = {name: getattr(kept, name) for name in names_of(type(kept))}
    more = dict(fields.pop("carried"))
    known = {name: value for name, value in fields.items() if value is not None and value is not False and value != ()}
    return more | known


def _of(kind: type[Record], record: dict[str, Any]) -> dict[str, Any]:
    names = names_of(kind)
    return {name: record[name] for name in names if name in record} | {"carried": carried_from(record, names)}
