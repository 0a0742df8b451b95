"""What LiveKit tells of a room, reduced to what calls need. `telephony` reads it from LiveKit's webhooks."""

from enum import StrEnum

from ringline.calls.model.call import AttemptId, web_identity
from ringline.record import Record

MOST_LATE_MS = 90_000
"""LiveKit drops an event that waited for 30 s, and sends one five times within 15 s and as long as the answers take:
a stamp older than this is of a clock that is behind."""


class Kind(StrEnum):
    SIP = "SIP"
    AGENT = "AGENT"
    STANDARD = "STANDARD"
    """Somebody with a microphone who is neither: a colleague in a browser."""
    OTHER = "OTHER"


class What(StrEnum):
    JOINED = "participant_joined"
    LEFT = "participant_left"
    ABORTED = "participant_connection_aborted"
    ROOM_FINISHED = "room_finished"
    EGRESS_STARTED = "egress_started"
    EGRESS_UPDATED = "egress_updated"
    EGRESS_ENDED = "egress_ended"
    OTHER = "other"


class EgressReport(Record):
    """How a recording stands, in LiveKit's words. An egress names its file before there is one; `asked_key` is the file
    that it was asked for, which it names from the beginning. `backup_at` says where the file lies if the egress could
    not write to the bucket it was given and used the backup storage of its own configuration."""

    egress_id: str
    status: str
    file_key: str | None = None
    duration_s: float | None = None
    error: str | None = None
    asked_key: str | None = None
    backup_at: str | None = None


def monitor_mode(identity: str) -> str | None:
    """What the identity in a token for a listener lets them do."""
    word, _, rest = identity.partition("-")
    mode, _, _ = rest.partition("_")
    return mode if word == "monitor" and mode in {"listen", "barge"} else None


def monitor_identity(mode: str, call_id: str, listener_id: str) -> str:
    """The identity of somebody who may hear one call: a room may have the next caller while their token is good."""
    return f"monitor-{mode}_{call_id}.{listener_id}"


def monitored_call(identity: str) -> str | None:
    """The id of the call that a listener's token is for; None for a token of the release before, which names none."""
    return identity.partition("_")[2].rpartition(".")[0] or None


class LivekitEvent(Record):
    """One event, reduced to what calls need. `created_at` is milliseconds (LiveKit stamps whole seconds).

    Only a leg that rang in has a `rule_id`, its dispatch rule's. `our_number` is as the rule's own attribute says, or
    else as the trunk has it, like `their_number`; a rule that hides numbers tells neither. `account_id` is whose
    callers the rule lets in, if it says so, `stack` which deployment's. `was_there_before` is a caller in a browser who
    comes back.
    """

    what: What
    room_name: str
    created_at: int | None
    kind: Kind = Kind.OTHER
    sid: str = ""
    disconnect_reason: str | None = None
    call_status: str | None = None
    identity: str = ""
    rule_id: str | None = None
    sip_call_id: str | None = None
    our_number: str | None = None
    their_number: str | None = None
    trunk_id: str | None = None
    account_id: str | None = None
    stack: str | None = None
    was_there_before: bool = False
    egress: EgressReport | None = None

    @property
    def means_nothing(self) -> bool:
        """Whether no rule reads it, whatever the call: rooms that begin, tracks, recorders that come and go. Of the ten
        events of an answered call they are five, all of them of kinds that a server of one's own need not post."""
        comes_or_goes = self.what in {What.JOINED, What.LEFT}
        return self.what is What.OTHER or (comes_or_goes and self.kind is Kind.OTHER)

    def is_of_web_caller(self, attempt_id: AttemptId) -> bool:
        """Whether the caller in a browser whose call that is comes or goes."""
        is_theirs = self.kind is Kind.STANDARD and self.identity == web_identity(attempt_id.call_id)
        return is_theirs and self.what in {What.JOINED, What.LEFT}

    @property
    def monitor_mode(self) -> str | None:
        """How somebody takes part who was given a token to hear a conversation (`listen`) or to talk in it (`barge`);
        None for everybody else."""
        if self.kind is not Kind.STANDARD or self.what not in {What.JOINED, What.LEFT}:
            return None
        return monitor_mode(self.identity)

    @property
    def is_of_caller(self) -> bool:
        """Whether the leg of somebody who rings in comes or goes. Its going may be the first that is heard of it."""
        return self.kind is Kind.SIP and self.rule_id is not None and self.what in {What.JOINED, What.LEFT}
