"""What is asked of trunks and numbers. Loaded with the first body: it needs pydantic."""

from ipaddress import ip_network
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ringline.routing.numbers import LONGEST_TEXT, is_country
from ringline.routing.written_numbers import PhoneNumber

LONGEST_NAME = 120
MOST_ADDRESSES = 50
MOST_NUMBERS = 50
"""Of one request for many numbers: each asks LiveKit three times."""

type Numbers = Annotated[
    list[Annotated[str, StringConstraints(max_length=LONGEST_TEXT)]], Field(min_length=1, max_length=MOST_NUMBERS)
]
type Transports = Literal["udp", "tcp", "tls"]
type Encryption = Literal["disable", "allow", "require"]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    def said(self, *names: str) -> dict[str, Any]:
        """What was said of these fields, a null included: it takes the field back."""
        return {name: getattr(self, name) for name in names if name in self.model_fields_set}


def _host(value: str) -> str:
    """As LiveKit wants it: a host, with its port where it is not the usual one."""
    if any(sign in value for sign in "@;/ ") or value.lower().startswith(("sip:", "sips:")):
        raise ValueError("must be a host or an IP address, with :port if need be, and no SIP URI")
    return value


def _network(value: str) -> str:
    try:
        ip_network(value, strict=False)
    except ValueError:
        raise ValueError("must be an IP address, or a network such as 54.172.60.0/30") from None
    return value


def _a_country(value: str) -> str:
    if not is_country(value):
        raise ValueError("must be a country by its two letters, such as US")
    return value


type GivenName = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
type Host = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_host)]
type CarrierWord = Annotated[str, Field(min_length=1, max_length=255)]
type NamedId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+.-]{1,80}$")]
type Addresses = Annotated[list[Annotated[str, AfterValidator(_network)]], Field(max_length=MOST_ADDRESSES)]
type CountryCode = Annotated[str, AfterValidator(_a_country)]


class CarrierAccess(Asked):
    """How the carrier is reached. The password is never shown."""

    provider: CarrierWord
    sip_domain: Host
    auth_username: CarrierWord | None = None
    auth_password: CarrierWord | None = Field(default=None, repr=False)
    transport: Transports = "tls"


class TrunkRequest(Asked):
    """A trunk: `byo` of a carrier of yours, which LiveKit is given; `livekit` one that LiveKit has already."""

    name: GivenName
    type: Literal["livekit", "byo"] = "byo"
    provider_trunk_id: Annotated[str, Field(pattern="^ST_[A-Za-z0-9_]{1,60}$")] | None = None
    byo_config: CarrierAccess | None = None
    allowed_addresses: Addresses | None = None
    media_encryption: Encryption | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.type == "byo" and self.byo_config is None:
            raise ValueError("byo_config must be given: how the carrier is reached")
        if self.type == "livekit" and self.provider_trunk_id is None:
            raise ValueError("provider_trunk_id must be given: which trunk of LiveKit's it is")
        if self.byo_config is not None and self.provider_trunk_id is not None:
            raise ValueError("byo_config makes a trunk, and provider_trunk_id names one that is there: not both")
        if self.type == "livekit" and self.byo_config is not None:
            raise ValueError("byo_config is of a trunk of the type byo")
        return self


class CarrierAccessChange(Asked):
    provider: CarrierWord | None = None
    sip_domain: Host | None = None
    auth_username: CarrierWord | None = None
    auth_password: CarrierWord | None = Field(default=None, repr=False)
    transport: Transports | None = None


class TrunkChange(Asked):
    """What is not named stays. A password is changed by saying another one, and taken back by null."""

    name: GivenName | None = None
    byo_config: CarrierAccessChange | None = None
    allowed_addresses: Addresses | None = None
    media_encryption: Encryption | None = None


type Limit = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class Overflow(Asked):
    """Who takes the callers for whom there is no line or no place: exactly one of them."""

    pipe_id: NamedId | None = None
    agent_id: NamedId | None = None
    number: PhoneNumber | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(each is not None for each in (self.pipe_id, self.agent_id, self.number)) != 1:
            raise ValueError("must name exactly one of pipe_id, agent_id and number")
        return self


type DecisionUrl = Annotated[str, Field(min_length=1, max_length=2048)]


class NumberRequest(Asked):
    """A number that you have at a carrier. Without a trunk it is one of the deployment's own. At most `max_calls` go
    out from it or ring in there at once, and `calls_per_day` go out in a day (UTC). `decision_url` is asked about each
    caller; where it does not answer, `decision_default` holds: `accept`, `reject`, or a pipe's id."""

    number: PhoneNumber
    max_calls: Limit | None = None
    calls_per_day: Limit | None = None
    overflow: Overflow | None = None
    decision_url: DecisionUrl | None = None
    decision_default: NamedId | None = None
    trunk_id: NamedId | None = None
    agent_id: NamedId | None = None
    pipe_id: NamedId | None = None
    country: CountryCode | None = None


class NumberChange(Asked):
    """What is not named stays; null takes a field back."""

    max_calls: Limit | None = None
    calls_per_day: Limit | None = None
    overflow: Overflow | None = None
    decision_url: DecisionUrl | None = None
    decision_default: NamedId | None = None
    trunk_id: NamedId | None = None
    agent_id: NamedId | None = None
    pipe_id: NamedId | None = None
    country: CountryCode | None = None


class AttachRequest(Asked):
    """Who takes the number's callers. `number` is the same number again, as the SDK says it. One that is not here yet
    is brought with it, through the account's trunk that a trunk of LiveKit's (ST_...) is of, where one is named."""

    agent_id: NamedId | None = None
    pipe_id: NamedId | None = None
    number: PhoneNumber | None = None
    inbound_trunk_id: NamedId | None = None
    outbound_trunk_id: NamedId | None = None

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if self.agent_id is None and self.pipe_id is None:
            raise ValueError("agent_id or pipe_id must be given")
        return self


class MoveRequest(Asked):
    """Which agent takes the callers from now on. The pipe that the number is attached to stays, and lends voice and
    limits. Both kinds of `attach_type` are agents here."""

    agent_id: NamedId
    number: PhoneNumber | None = None
    attach_type: Literal["agent", "pipeline"] | None = None


class _OnePlace(Asked):
    """A deployment has one LiveKit, and no bridges: what names another is refused."""

    bridge_slug: None = None
    region: None = None


class ManyAttachRequest(_OnePlace):
    """Attaches many numbers: to an agent, to a pipe, or to both. `attach_type` says which of them must be there; with
    `agent` there is no pipe."""

    numbers: Numbers
    agent_id: NamedId | None = None
    attach_type: Literal["agent", "pipeline"] | None = None
    pipe_id: NamedId | None = None

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if self.attach_type == "pipeline" and self.pipe_id is None:
            raise ValueError("pipe_id must be given where attach_type is pipeline")
        if self.attach_type == "agent" and self.agent_id is None:
            raise ValueError("agent_id must be given where attach_type is agent")
        if self.attach_type == "agent" and self.pipe_id is not None:
            raise ValueError("pipe_id cannot be given where attach_type is agent: say pipeline")
        if self.agent_id is None and self.pipe_id is None:
            raise ValueError("agent_id or pipe_id must be given")
        return self


class ManyDetachRequest(Asked):
    numbers: Numbers


class PlatformTrunkRequest(Asked):
    """A carrier's trunk in the words of the SDK's `telephony.trunks`."""

    name: GivenName
    sip_url: CarrierWord
    auth_username: CarrierWord | None = None
    auth_password: CarrierWord | None = Field(default=None, repr=False)
    transport: Transports = "tls"
    port: Annotated[str, Field(pattern="^[0-9]{1,5}$")] | None = None
    source_ips: Addresses | None = None


class NumberIdsRequest(_OnePlace):
    """Numbers by their digits, as whole numbers: +14155550123 is 14155550123."""

    number_ids: Annotated[list[int], Field(min_length=1, max_length=MOST_NUMBERS)]
