"""The account as it is shown: `ringline.resources.overview.account`."""

from pydantic import Field

from ringline.calls.views.queue_place import BlockedBy
from ringline.resources.answers.base import Moment, Shown


class ShownLines(Shown):
    """How many of the account's own calls may be on a line at once, and are."""

    cap: int
    in_use: int
    free: int
    mean_line_s: float | None = Field(description="How long a call held its line so far, on average")


class ShownCallers(Shown):
    """How many people are on a line who called themselves."""

    on_a_line: int
    counts_all: bool


class ShownWaiting(Shown):
    """The calls that wait, be it for later."""

    calls: int
    counts_all: bool
    due: int = Field(description="Those whose moment has come")
    first_call_id: str | None
    longest_wait_s: float | None = Field(description="How long the first of those that are due has waited")
    next_start_at: Moment | None = Field(
        description="When the next call may be dialled. With no line free it supposes that calls last as long as so far"
    )


class ShownBlock(Shown):
    """What stops some of the first waiting calls, until when, and which trunks or agents that is about."""

    what: BlockedBy
    calls: int
    until: Moment | None
    names: list[str]


class ShownTrunkPace(Shown):
    """A trunk that the first calls wait for, or the usual one. One with a pace takes its calls one by one."""

    trunk_id: str
    takes_calls: bool
    next_turn_at: Moment | None
    calls_per_second: float | None
    is_slowed_until: Moment | None = Field(description="Its carrier was full, and it goes slower for a while")


class ShownPlaces(Shown):
    """The runners of an agent that are there, and their places."""

    there: int
    places: int
    in_use: int


class ShownAgentState(Shown):
    """An agent that calls wait for, that was missed within a day, or that has runners."""

    agent_id: str
    rests_until: Moment | None = Field(description="Calls waited for it in vain, and one tries it from then on")
    missing_since: Moment | None
    runners: ShownPlaces | None


class ShownLivekit(Shown):
    """Whether LiveKit itself can be reached, as the last dials found."""

    is_away: bool
    tried_again_at: Moment | None
    last_failed_at: Moment | None


class ShownLimits(Shown):
    """What an account may, at most."""

    lines: int
    attempts_of_a_call: int
    call_duration_s: int
    ring_timeout_s: int
    agent_join_timeout_s: int
    webhook_endpoints: int
    rows_of_a_page: int
    body_bytes: int


class ShownAccount(Shown):
    """The account on one page. `blocked_by` says why nothing rings, and `not_known` what this page leaves open."""

    account_id: str
    name: str
    org_handle: str
    country: str | None
    lines: ShownLines
    callers: ShownCallers | None
    waiting: ShownWaiting
    blocked_by: list[ShownBlock]
    trunks: list[ShownTrunkPace]
    agents: list[ShownAgentState]
    livekit: ShownLivekit
    limits: ShownLimits
    not_known: list[str]
