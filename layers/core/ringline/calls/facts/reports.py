"""What an agent told of its attempt, and what else is kept of it: its recording, and lines of its timeline."""

from dataclasses import field

from ringline.later import Carried
from ringline.record import stored


@stored
class AgentReports:
    """What the agent of the present attempt told. `can_report` is what it will tell if it happens: an agent that can
    report speech and does not has heard none. `silent_since` is None while the caller speaks; that silence was first
    told at `silence_told_at`, and `silence_is_dated` where the agent had said by its own clock when it was. One that
    `said_all` has told its final transcript."""

    ready_at: int | None = None
    can_report: tuple[str, ...] = ()
    user_spoke_at: int | None = None
    silent_since: int | None = None
    voicemail_at: int | None = None
    voicemail_why: str | None = None
    hung_up_for: str | None = None
    transferred_at: int | None = None
    transferred_to: str | None = None
    transfer_only_started: bool = False
    """It has begun to hand the call over, and has not said since that this is done."""
    said_all: bool = False
    worker_id: str | None = None
    dispatch: int | None = None
    """The speech worker whose job is ready, and which dispatch brought it. None once that job was lost."""
    silence_told_at: int | None = None
    silence_is_dated: bool = False
    carried: Carried = field(default=(), compare=False, repr=False)

    @property
    def hears_speech(self) -> bool:
        return self.ready_at is not None and "user_spoke" in self.can_report

    @property
    def silence_counts_from(self) -> int | None:
        """Since when surely nobody has been heard of whom it was not told: before a silence is told of, somebody may
        have spoken, by whatever clock it is dated. None while the caller speaks. The release before kept its beginning
        alone."""
        return None if self.silent_since is None else max(self.silent_since, self.silence_told_at or 0)

    @property
    def has_promised_transcript(self) -> bool:
        """Whether the agent will tell, when the call is over, all that was said in it."""
        return "transcript" in self.can_report


@stored
class Recording:
    """A recording of the present attempt: all of it, or the `segment`-th between two pauses. `key` is the final file's
    in the bucket. It was seen to begin at `began_at` and to end at `over_at`, which
    makes it no other recording."""

    egress_id: str
    status: str
    key: str | None = None
    duration_s: float | None = None
    error: str | None = None
    segment: int = 1
    began_at: int | None = field(default=None, compare=False)
    over_at: int | None = field(default=None, compare=False)
    carried: Carried = field(default=(), compare=False, repr=False)


@stored
class Listener:
    """Somebody who came to hear a conversation (`listen`), or to talk in it (`barge`). `left_at` is None while they are
    there."""

    identity: str
    mode: str
    joined_at: int
    left_at: int | None = None
    carried: Carried = field(default=(), compare=False, repr=False)


@stored
class Note:
    """One line of the timeline that the moments of the call do not tell by themselves."""

    at: int
    what: str
