"""A runner: a customer's program on the official SDK 0.5.0, as its control socket and the bridges of its calls see it.
When its frames are sent, and what goes wrong with them, is up to whoever plays it. `tests/contract/test_runners.py`
holds it to the SDK itself.

connects -> register -> `registered` with dial_out -> a beat at once, and then after each interval
job.assign -> job.ack -> it dials the job's bridge, three times in all where nobody lets it in, and then says no word
job.cancel -> the job's bridge is closed as if the agent had hung up
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DIAL_OUT = "dial_out"
DIAL_PAUSES_S = (0.2, 0.4)
"""Between the dials of a job."""
RECONNECTS_AFTER_S = (0.5, 1.5)
"""How long after its connection is gone a runner asks for another one: any time between."""
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

    def registers(self) -> Frame:
        """The first frame on each of its connections."""
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
