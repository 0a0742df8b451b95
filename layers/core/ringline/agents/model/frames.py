"""The frames of the control socket, as SDK 0.5.0 sends and reads them: JSON objects with a `type`.

Its runner drops the connection at a `type` that it does not know, and ignores keys that it does not know: no frame is
ever added to those below, and what else there is to say is an extra key. What a runner sends is read leniently: keys
that are new are passed over, and what cannot be read has no effect.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from ringline.agents.model.timing import ACK_WITHIN_S
from ringline.calls.model.timing import MS_PER_S, RUNNER_BEAT_S
from ringline.json_text import read_json
from ringline.record import Record

LONGEST_FRAME = 128 * 1024
"""What API Gateway takes, in bytes; every frame of the SDK is a hundredth of it."""

DIAL_OUT = "dial_out"
"""The transport that is served: the runner dials the bridge of each call. The SDK's older one, in which the runner
listens, is not."""

_MOST_PLACES = 100_000
_LONGEST_URL = 2048
_LONGEST_TOKEN = 4096
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


MEDIA = "media"
"""The kind of a speech worker. Runners are of the kind `brain`."""


class Register(Record):
    """Who a runner, or a speech worker, says it is. `max_concurrent` is how many calls it takes at once, 0 or more. A
    speech worker's `agent_id` is its pool, and runners dial it at `bridge_base`."""

    worker_id: str
    agent_id: str
    pool: str
    transport: str | None
    max_concurrent: int
    hostname: str | None = None
    region: str | None = None
    deployment: str | None = None
    kind: str | None = None
    bridge_base: str | None = None


class Heartbeat(Record):
    active_jobs: int


class JobAck(Record):
    job_id: str
    assign_id: str
    accepted: bool
    reason: str | None = None


class JobLost(Record):
    """A speech worker says that one of its jobs died in its call. The token that the job was dispatched with proves
    which attempt of which call that was; `dispatch` tells which of its dispatches."""

    call_id: str
    dispatch: int
    token: str


class Unread(Record):
    """A frame that means nothing here, and why."""

    why: str


type Received = Register | Heartbeat | JobAck | JobLost | Unread


def read_frame(text: str) -> Received:
    """What a runner sent. Never raises."""
    if len(text) > LONGEST_FRAME:
        return Unread("too_long")
    try:
        frame = read_json(text)
    except ValueError:
        return Unread("not_json")
    if not isinstance(frame, dict):
        return Unread("not_an_object")
    match frame.get("type"):
        case "register":
            return _register(frame)
        case "heartbeat":
            return Heartbeat(_count(frame.get("active_jobs")))
        case "job.ack":
            return _job_ack(frame)
        case "job_lost":
            return _job_lost(frame)
    return Unread("unknown_type")


def _register(frame: Mapping[str, Any]) -> Register | Unread:
    capabilities = frame.get("capabilities")
    if not isinstance(capabilities, Mapping):
        return Unread("no_capabilities")
    worker_id, pool, kind = _name(frame.get("worker_id")), _name(frame.get("pool")), _name(capabilities.get("kind"))
    agent_id = pool if kind == MEDIA else _name(capabilities.get("agent_id"))
    if worker_id is None or pool is None or agent_id is None:
        return Unread("no_name")
    return Register(
        worker_id=worker_id,
        agent_id=agent_id,
        pool=pool,
        transport=_name(capabilities.get("transport")),
        max_concurrent=_count(capabilities.get("max_concurrent")),
        hostname=_name(capabilities.get("hostname")),
        region=_name(capabilities.get("region")),
        deployment=_name(capabilities.get("deployment")),
        kind=kind,
        bridge_base=_text(capabilities.get("bridge_base"), _LONGEST_URL),
    )


def _job_ack(frame: Mapping[str, Any]) -> JobAck | Unread:
    job_id, accepted = _name(frame.get("job_id")), frame.get("accepted")
    if job_id is None or not isinstance(accepted, bool):
        return Unread("no_job")
    return JobAck(job_id, _name(frame.get("assign_id")) or "", accepted, _name(frame.get("reason")))


def _job_lost(frame: Mapping[str, Any]) -> JobLost | Unread:
    call_id, token = _name(frame.get("call")), _text(frame.get("token"), _LONGEST_TOKEN)
    if call_id is None or token is None:
        return Unread("no_job")
    return JobLost(call_id, max(_count(frame.get("dispatch", 1)), 1), token)


def _text(value: Any, longest: int) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= longest else None


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None


def _count(value: Any) -> int:
    return min(max(value, 0), _MOST_PLACES) if isinstance(value, int) else 0


def registered() -> str:
    """The first frame that a runner gets. It takes calls only if it reads `dial_out` here."""
    return _frame("registered", heartbeat_interval_s=RUNNER_BEAT_S, transport_ack=DIAL_OUT)


def not_registered(detail: str) -> str:
    """Ends a runner for good, with an error that is its transport's: no other answer to `register` does. Closed, it
    would be here again within a second, for ever."""
    return _frame("registered", heartbeat_interval_s=RUNNER_BEAT_S, transport_ack="refused", detail=detail)


def job_assign(*, job_id: str, assign_id: str, call_id: str, agent_id: str, bridge_url: str, call_token: str) -> str:
    """Has the runner dial `bridge_url`, to whose query it adds the token. What the runner is to know of the call comes
    there: the SDK passes over what is told here."""
    return _frame(
        "job.assign",
        job_id=job_id,
        call_id=call_id,
        agent_id=agent_id,
        bridge_url=bridge_url,
        call_token=call_token,
        assign_id=assign_id,
        deadline_ms=ACK_WITHIN_S * MS_PER_S,
        metadata={},
    )


def job_cancel(job_id: str) -> str:
    """Ends a job, dialling or in its call. It has no answer."""
    return _frame("job.cancel", job_id=job_id)


def _frame(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, separators=(",", ":"))
