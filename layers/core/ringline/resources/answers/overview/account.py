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


class ShownFailingEndpoint(Shown):
    """A webhook endpoint that has taken nothing since, and is disabled with the first failure after `disabled_at`."""

    endpoint_id: str
    url: str
    failing_since: Moment
    disabled_at: Moment
    probe_at: Moment | None = Field(description="When one delivery tries it again; None where each still does")


class ShownLimits(Shown):
    """What an account may, at most."""

    lines: int
    attempts_of_a_call: int
    call_duration_s: int
    ring_timeout_s: int
    agent_join_timeout_s: int
    transfers_of_a_call: int = Field(description="One more is refused as `too_many_transfers`")
    recording_pauses_of_a_call: int = Field(description="One more is refused as `too_many_segments`")
    reported_changes_of_a_dial: int = Field(
        description="By `user_spoke`, `silence` and `dtmf`; one more is answered `too_many_reports`"
    )
    outcomes_of_a_dial: int = Field(description="One more is answered `too_many_outcomes`")
    api_keys: int = Field(description="That are valid; one more is refused as `too_many_keys`")
    ip_ranges_of_a_key: int
    voices_of_an_agent: int = Field(description="One more is refused as `too_many_voices`")
    webhook_endpoints: int = Field(description="One more is refused as `too_many_endpoints`")
    secrets_of_an_endpoint: int = Field(
        description="That sign at once, during rotations; one more is refused as `too_many_secrets`"
    )
    rows_of_a_page: int
    body_bytes: int
    requests_per_minute: int = Field(description="Of each API key; one more is refused as `rate_limited`")
    waiting_calls: int = Field(description="One more is refused as `queue_full`")


class ShownDayUse(Shown):
    """What was used up since midnight (UTC), and what may be; None where there is no cap."""

    used: float
    cap: float | None = Field(description="The lower one of the operator's and the account's own")
    own_cap: float | None = Field(description="What the account set itself, by `PATCH /v1/account`")


class ShownDaily(Shown):
    """What the account may use up on one day: dials, minutes of talk, and numbers that it never called before, which
    are counted where there is a cap on them. Beyond it calls are refused as `daily_cap_reached`, and those that wait
    wait for the next day."""

    resets_at: Moment
    calls: ShownDayUse
    minutes: ShownDayUse
    new_numbers: ShownDayUse


class ShownAccount(Shown):
    """The account on one page. `blocked_by` says why nothing rings, and `not_known` what this page leaves open."""

    account_id: str
    name: str
    org_handle: str
    country: str | None
    allowed_prefixes: list[str] | None = Field(
        description="What the numbers it may call begin with. None: it may call the countries of its own numbers"
    )
    lines: ShownLines
    daily: ShownDaily
    callers: ShownCallers | None
    waiting: ShownWaiting
    blocked_by: list[ShownBlock]
    trunks: list[ShownTrunkPace]
    agents: list[ShownAgentState]
    livekit: ShownLivekit
    failing_endpoints: list[ShownFailingEndpoint]
    limits: ShownLimits
    not_known: list[str]
