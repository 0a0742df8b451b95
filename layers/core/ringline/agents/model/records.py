"""A runner, its connection, and which runner was given which call."""

from ringline.later import Carried, StoredWord
from ringline.record import Record

DEPLOYMENT = "*"
"""Who the speech workers belong to: the deployment itself. No account can have this name."""


class Connection(Record):
    """A control socket of an account, or of the deployment's. Which runner, or speech worker, speaks on it is known
    once it has registered, and with how many places. `key_id` is the API key that it came with, and `source_ip` from
    where; a speech worker has neither, nor has a connection that the release before took on."""

    connection_id: str
    account_id: str
    connected_at: int
    agent_id: str | None = None
    worker_id: str | None = None
    ttl_at_s: int = 0
    places: int = 0
    key_id: str | None = None
    source_ip: str | None = None

    @property
    def is_speech_workers(self) -> bool:
        return self.account_id == DEPLOYMENT


class LastBeat(Record):
    """What the beat before said. `at` is 0 where there was none on this connection."""

    at: int
    active_jobs: int


class HeldRow(Record):
    """A row of so many places of a speech worker, by its sort key, with the names of those who hold one."""

    row: str
    places: int
    holders: tuple[str, ...] = ()


class Runner(Record):
    """A runner as it registered last, and when it was heard last.

    `connection_id` is where it registered, `heard_on` where its last beat came from: None once that connection was
    closed. `in_use` counts the calls that hold a place of its, which is kept with those calls; `active_jobs` is what it
    says itself, up to a beat late.

    A speech worker is kept the same way, as one of the deployment's: its `agent_id` is the name under which LiveKit
    dispatches it. LiveKit chooses whom it gives a call, so that `in_use`, the places that are held in its `rows`, is a
    part of those of all workers together, and only `active_jobs` tells of its own load.
    """

    agent_id: str
    worker_id: str
    pool: str
    connection_id: str
    registered_at: int
    max_concurrent: int
    in_use: int = 0
    hostname: str | None = None
    region: str | None = None
    deployment: str | None = None
    bridge_base: str | None = None
    heard_on: str | None = None
    seen_at: int | None = None
    active_jobs: int = 0
    rows: tuple[HeldRow, ...] = ()

    @property
    def takes_calls(self) -> bool:
        """A runner in development mode registers for `<agent>@dev`, and is shown, and takes none."""
        return self.pool == self.agent_id

    @property
    def has_free_place(self) -> bool:
        return self.in_use < self.max_concurrent


class AssignmentState(StoredWord):
    SENT = "sent"
    ACCEPTED = "accepted"
    NOBODY = "nobody"
    """No runner is left to be asked in this round."""


class Assignment(Record):
    """Which runner an attempt of a call was given last. The row is written before the frame is sent, on condition that
    nobody has changed it since it was read (`version`): of two who decide the same, one sends.

    `dispatch` and `request` number the last request for a brain that was answered: the speech worker's own number, and
    its dispatch, because a second worker counts anew. `sends` counts the assignments of the attempt; those before
    `first_send` were for the bridges of other speech workers in the room. `tried` are the runners that were asked in
    this round, the last one included; `lost` is the one whose bridge broke before it. `changed_at` is when it was sent,
    or when nobody was found.
    """

    account_id: str
    call_id: str
    attempt: int
    dispatch: int
    request: int
    bridge_url: str
    state: AssignmentState
    changed_at: int
    version: int = 1
    sends: int = 0
    tried: tuple[str, ...] = ()
    lost: str | None = None
    assign_id: str | None = None
    job_id: str | None = None
    worker_id: str | None = None
    connection_id: str | None = None
    accepted_at: int | None = None
    why: str | None = None
    first_send: int = 1
    carried: Carried = ()

    def is_of_another_bridge(self, job_id: str) -> bool:
        """Whether that job, one of this attempt's, was for another bridge than the one that was asked for last."""
        return int(job_id.rpartition(".")[2]) < self.first_send


def job_id_of(call_id: str, attempt: int, sends: int) -> str:
    """The name of one assignment: never used twice, because SDK 0.5.0 takes one job twice."""
    return f"{call_id}.{attempt}.{sends}"


def attempt_in(job_id: str) -> tuple[str, int] | None:
    """The call and the attempt of a job; None for a name that is none of ours."""
    parts = job_id.rsplit(".", 2)
    if len(parts) != 3 or not (parts[1].isdecimal() and parts[2].isdecimal()):
        return None
    return parts[0], int(parts[1])
