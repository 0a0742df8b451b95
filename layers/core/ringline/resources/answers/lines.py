"""Numbers and trunks as they are shown: `ringline.trunking.views`."""

from typing import Literal

from pydantic import Field

from ringline.resources.answers.base import MAY_BE_MISSING, Listing, Moment, Shown

type ConnectionState = Literal["NOT_LINKED", "PENDING_VERIFY", "LINKED", "ERROR"]


class AtLivekit(Shown):
    """What was made at LiveKit, by LiveKit's ids, and which part failed last."""

    outbound_trunk_id: str | None
    inbound_trunk_id: str | None
    dispatch_rule_id: str | None
    failed_part: str | None
    failed_why: str | None


class ShownOverflow(Shown):
    """Who takes the callers for whom there is no line or no place: one of them."""

    pipe_id: str = MAY_BE_MISSING
    agent_id: str = MAY_BE_MISSING
    number: str = MAY_BE_MISSING


class ShownNumber(Shown):
    """A number of yours and whom its callers reach. `trunk_id` is your trunk, `provider_trunk_id` LiveKit's one that
    calls from the number go through; both are null for a number of the deployment's own trunk."""

    number_id: str
    number: str = Field(examples=["+14155550123"])
    project_id: str
    trunk_id: str | None
    provider_trunk_id: str | None
    trunk_type: str
    country: str | None
    capabilities: list[str]
    status: Literal["available", "assigned"]
    agent_id: str | None
    pipe_id: str | None
    max_calls: int | None
    calls_per_day: int | None
    overflow: ShownOverflow | None
    decision_url: str | None
    decision_default: str | None
    connection_state: ConnectionState
    livekit: AtLivekit
    revision: int
    created: Moment | None
    modified: Moment | None


class ChangedNumber(ShownNumber):
    """A number, with its decision secret where this request made one. It is not shown again."""

    decision_secret: str | None


class NumberList(Listing[ShownNumber]):
    """All numbers of the account."""


class ShownTrunk(Shown):
    """A trunk of yours. Its password is never shown. An `incomplete` one is not at LiveKit yet."""

    trunk_id: str
    project_id: str
    name: str
    type: str
    status: Literal["active", "incomplete", "deleting"]
    provider_trunk_id: str | None
    byo_config_provider: str | None
    byo_config_sip_domain: str | None
    byo_config_auth_username: str | None
    byo_config_transport: str | None
    has_password: bool
    allowed_addresses: list[str]
    media_encryption: Literal["disable", "allow", "require"]
    livekit: AtLivekit
    revision: int
    created: Moment
    modified: Moment


class TrunkList(Listing[ShownTrunk]):
    """All trunks of the account."""


class ShownDrift(Shown):
    """One thing in which LiveKit was not as it should be: `missing`, `changed`, an `orphan` of ours that nothing needs,
    or `foreign` and in the way of ours. What is not ours is told, and never touched."""

    kind: Literal["missing", "changed", "orphan", "foreign"]
    what: str
    livekit_id: str | None
    number: str | None
    trunk_id: str | None
    repaired: bool
    detail: str


class ShownSync(Shown):
    """`synced` numbers are as they should be; `new` ones were found on trunks that were adopted."""

    synced: int
    new: int
    drift: list[ShownDrift]


class PlatformNumber(Shown):
    """A number in the words of the SDK's telephony."""

    number: str
    number_id: int
    status: Literal["assigned", "not_assigned"]
    agent_id: str | None


class PlatformNumberList(Listing[PlatformNumber]):
    """All numbers of the account."""


class NumberOutcome(Shown):
    """What became of one number; `error` is the code it was refused with."""

    number_id: int
    number: str
    connection_state: ConnectionState
    agent_id: str | None
    pipe_id: str | None
    ok: bool
    error: str | None


class ManyAttached(Shown):
    """What became of each number."""

    agent_id: str | None
    numbers: list[NumberOutcome]
    message: str


class ManyDetached(Shown):
    """What became of each number."""

    numbers: list[NumberOutcome]
    message: str


class Overview(Shown):
    """Whether LiveKit takes the callers of a number."""

    number: str
    number_id: int
    bridge_slug: None
    connection_state: ConnectionState
    termination_kind: Literal["agent", "pipeline"] | None
    agent_id: str | None
    pipe_id: str | None
    provider: str | None
    sync_state: Literal["in_sync", "incomplete"]
    in_sync: bool


class OverviewList(Listing[Overview]):
    """All numbers of the account."""


class PlatformTrunk(Shown):
    """A carrier's trunk in the words of the SDK's telephony. Its password is masked."""

    id: int
    trunk_id: str
    name: str
    sip_url: str | None
    transport: str | None
    port: None
    auth_username: str | None
    auth_password: str | None
    allowed_ips: str | None
    active: bool


class PlatformTrunkList(Listing[PlatformTrunk]):
    """All trunks to carriers."""


class Origin(Shown):
    """Where the carrier sends callers. The address is LiveKit's (docs/numbers.md), and not known here."""

    ingress: str
    dids: list[str]
    accepted_source_ips: list[str]
    region: None


class NumbersMapped(Shown):
    """What became of each number."""

    trunk_id: int
    origin_endpoint: Origin
    numbers: list[NumberOutcome]
    message: str


class NumbersUnmapped(Shown):
    """What became of each number."""

    trunk_id: int
    numbers: list[NumberOutcome]
    message: str
