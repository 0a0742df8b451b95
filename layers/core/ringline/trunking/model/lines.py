"""What a customer brings, what LiveKit has for it, and how far that came."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from ringline.later import Carried


class TrunkType(StrEnum):
    """The SDK's words."""

    LIVEKIT = "livekit"
    """A trunk that LiveKit has already. It is used, and never changed or deleted."""
    BYO = "byo"
    """A carrier of the customer's own. LiveKit's trunk to it is made here."""


class Transport(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class MediaEncryption(StrEnum):
    """Whether the sound is encrypted (SRTP)."""

    DISABLE = "disable"
    ALLOW = "allow"
    REQUIRE = "require"


class Side(StrEnum):
    """Which way calls go through a trunk of LiveKit's: it has two kinds of trunks."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierTrunk:
    """A trunk of an account. `sealed_password` is encrypted for this account and this trunk alone.

    `provider_trunk_id` is the trunk of LiveKit's that was adopted, `provider_side` its kind; None where LiveKit's trunk
    is made by us. A trunk that is `leaving` is being deleted, and takes no numbers."""

    trunk_id: str
    name: str
    type: str
    provider: str | None = None
    sip_domain: str | None = None
    auth_username: str | None = None
    sealed_password: str | None = field(default=None, repr=False)
    transport: str | None = None
    allowed_addresses: tuple[str, ...] = ()
    media_encryption: str = MediaEncryption.DISABLE
    provider_trunk_id: str | None = None
    provider_side: str | None = None
    leaving: bool = False
    revision: int = 1
    created_at: int = 0
    modified_at: int = 0
    carried: Carried = field(default=(), compare=False, repr=False)

    @property
    def adopted_inbound(self) -> str | None:
        return self.provider_trunk_id if self.provider_side == Side.INBOUND else None

    @property
    def adopted_outbound(self) -> str | None:
        return self.provider_trunk_id if self.provider_side == Side.OUTBOUND else None


class Part(StrEnum):
    """What is made at LiveKit, each under the name of the field of the link that keeps its id."""

    OUTBOUND_TRUNK = "outbound_trunk_id"
    INBOUND_TRUNK = "inbound_trunk_id"
    DISPATCH_RULE = "dispatch_rule_id"

    @property
    def said(self) -> str:
        return self.value.removesuffix("_id").replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What we made at LiveKit for a trunk or a number (`thing`), and how far that came. An id is written before the
    next part is begun.

    `trunk_id` is the trunk of ours that a number's parts belong to, `agent_name` what its rule was made to name. While
    `busy_until` (ms) lies ahead, one request works on it; where it lies behind, that request was cut off, and LiveKit
    may have more than is written."""

    thing: str
    trunk_id: str | None = None
    outbound_trunk_id: str | None = None
    inbound_trunk_id: str | None = None
    dispatch_rule_id: str | None = None
    agent_name: str | None = None
    failed_part: str | None = None
    failed_why: str | None = None
    busy_until: int | None = None
    carried: Carried = field(default=(), compare=False, repr=False)

    @property
    def made(self) -> tuple[Part, ...]:
        return tuple(part for part in Part if self.id_of(part) is not None)

    @property
    def is_empty(self) -> bool:
        """Nothing was made, and nothing may have been, be it by a later release."""
        return self == Link(thing=self.thing) and not self.carried

    def id_of(self, part: Part) -> str | None:
        made: str | None = getattr(self, part.value)
        return made

    def having(self, part: Part, made: str | None) -> "Link":
        """The link with the part's id, or without one where it was taken down."""
        changed: dict[str, Any] = {part.value: made}
        return replace(self, **changed)


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose a trunk or a rule of LiveKit's is: of which deployment, of which account, for which trunk or number. Two
    deployments may share a project of LiveKit's: neither touches what bears the other's mark."""

    stack: str
    account_id: str
    thing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundTrunk:
    """LiveKit's way to a carrier. Its password is written, and never read."""

    id: str = ""
    name: str
    mark: Mark | None
    address: str
    transport: str | None
    auth_username: str
    numbers: tuple[str, ...]
    media_encryption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundTrunk:
    """Whose calls LiveKit takes: to these numbers (any, if none is named), from these addresses (any, if none)."""

    id: str = ""
    name: str
    mark: Mark | None
    numbers: tuple[str, ...]
    allowed_addresses: tuple[str, ...]
    media_encryption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerRule:
    """A dispatch rule: callers by these trunks to these numbers (any, if none) get a room each. What it says of itself
    comes along with each caller: `number` is whom they dialled, `agent_name` the name of its own under which the agent
    is dispatched who takes them, if it has one."""

    id: str = ""
    name: str
    mark: Mark | None
    trunk_ids: tuple[str, ...]
    numbers: tuple[str, ...]
    number: str | None
    is_individual: bool = True
    agent_name: str | None = None


type AtLivekit = OutboundTrunk | InboundTrunk | CallerRule
"""What a part is at LiveKit."""


class SipDown(Exception):
    """LiveKit gave no answer to rely on: what was asked may have been done."""


class SipRefused(Exception):
    """LiveKit refused, and nothing was done; the message is its own."""


class SipService(Protocol):
    """LiveKit's trunks and rules. Every method raises SipDown; those that make or replace raise SipRefused too. What is
    made or replaced has no id, or any: LiveKit gives it one, or keeps it. To delete what is gone is fine."""

    async def outbound_trunks(self) -> list[OutboundTrunk]: ...

    async def inbound_trunks(self) -> list[InboundTrunk]: ...

    async def rules(self) -> list[CallerRule]: ...

    async def make_outbound(self, wanted: OutboundTrunk, password: str) -> str: ...

    async def make_inbound(self, wanted: InboundTrunk) -> str: ...

    async def make_rule(self, wanted: CallerRule) -> str: ...

    async def replace_outbound(self, trunk_id: str, wanted: OutboundTrunk, password: str) -> None: ...

    async def replace_inbound(self, trunk_id: str, wanted: InboundTrunk) -> None: ...

    async def replace_rule(self, rule_id: str, wanted: CallerRule) -> None: ...

    async def delete_trunk(self, trunk_id: str) -> None: ...

    async def delete_rule(self, rule_id: str) -> None: ...


class AskSip(Protocol):
    """Does work that needs LiveKit, for code that has no event loop. Raises what the work raises, and SipDown."""

    def __call__[T](self, work: Callable[[SipService], Awaitable[T]]) -> T: ...
