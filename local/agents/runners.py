"""A runner: a customer's program on the official SDK 0.5.0, as its control socket and the bridges of its calls see it.
When its frames are sent, and what goes wrong with them, is up to whoever plays it. `tests/contract/test_runners.py`
holds it to the SDK itself.

connects -> register -> `registered` with dial_out -> a beat at once, and then after each interval
refused at the upgrade -> tries again, after twice as long each time; as soon as it is let in, that begins anew
job.assign -> job.ack -> it dials the job's bridge, three times in all where nobody lets it in, and then says no word
job.cancel -> the job's bridge is closed as if the agent had hung up
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DIAL_OUT = "dial_out"
DIAL_PAUSES_S = (0.2, 0.4)
"""Between the dials of a job."""
COMES_BACK_AFTER_S, COMES_BACK_WITHIN_S = 1, 30
"""How long after its connection is gone a runner asks for another one, half as much more or less; and the longest that
it waits where it is refused again and again."""
DRAINS_FOR_S = 60
"""How long one that was told to shut down lets its calls go on, unless it hears another frame."""

HUNG_UP, DIED = 1000, 1006
"""How a bridge closes where the agent's program returned, or was cancelled; and where the runner died."""

type Frame = dict[str, Any]


@dataclass(slots=True)
class Job:
    """A call that it has accepted."""

    url: str
    dials: int = 0
    in_call: bool = False


@dataclass
class Program:
    agent_id: str
    worker_id: str
    places: int
    jobs: dict[str, Job] = field(default_factory=dict)
    tries: int = 0
    """For a connection, since it had one."""

    def starts(self, worker_id: str) -> None:
        """Its process does: what it was called before, and how often it was refused then, is forgotten."""
        self.worker_id, self.tries = worker_id, 0

    def comes_back_after_s(self, drawn: float) -> float:
        """It has no connection, or got none. `drawn` is by chance, between 0 and 1."""
        self.tries += 1
        pause_s: float = min(COMES_BACK_AFTER_S * 2 ** (self.tries - 1), COMES_BACK_WITHIN_S)
        return min(pause_s * (0.5 + drawn), COMES_BACK_WITHIN_S)

    def registers(self) -> Frame:
        """The first frame on each of its connections."""
        self.tries = 0
        capabilities = {
            "voice_profiles": [], "max_concurrent": self.places, "agent_id": self.agent_id, "transport": DIAL_OUT,
            "kind": "brain",
        }  # fmt: skip
        return {
            "type": "register", "worker_id": self.worker_id, "pool": self.agent_id, "capabilities": capabilities,
        }  # fmt: skip

    def beats(self) -> Frame:
        """It counts the calls that it is in, and not those whose bridges it still dials."""
        active = sum(job.in_call for job in self.jobs.values())
        return {"type": "heartbeat", "active_jobs": active, "worker_id": self.worker_id}

    def is_assigned(self, told: Mapping[str, Any], *, has_room: bool = True) -> Frame:
        """Its answer. A job that it accepts is in hand from now on; `has_room` is false where it takes none whatever
        its places say."""
        reason = None
        if told["agent_id"] != self.agent_id:
            reason = "agent_id_mismatch"
        elif not has_room or len(self.jobs) >= self.places:
            reason = "at_capacity"
        else:
            self.jobs[told["job_id"]] = Job(told["bridge_url"])
        answer = {"type": "job.ack", "job_id": told["job_id"], "assign_id": told["assign_id"]}
        return answer | {"accepted": reason is None, "reason": reason}

    def is_cancelled(self, job_id: str) -> Job | None:
        """The job that it had in hand, whose bridge closes with `HUNG_UP` if it was in the call."""
        return self.jobs.pop(job_id, None)

    def dials_again_after_s(self, job_id: str) -> float | None:
        """Its bridge did not let it in: how long it waits until it dials again; None where it has given the job up."""
        job = self.jobs[job_id]
        job.dials += 1
        if job.dials <= len(DIAL_PAUSES_S):
            return DIAL_PAUSES_S[job.dials - 1]
        del self.jobs[job_id]
        return None

    def ends(self) -> list[tuple[str, str]]:
        """All that it had in hand is over: the jobs that it was in the call of, with their bridges."""
        in_call = [(job_id, job.url) for job_id, job in self.jobs.items() if job.in_call]
        self.jobs.clear()
        return in_call


def is_welcome(told: Mapping[str, Any]) -> bool:
    """Whether the first frame that it hears lets it work. Anything else ends its connection."""
    return (told["type"], told.get("transport_ack")) == ("registered", DIAL_OUT)
