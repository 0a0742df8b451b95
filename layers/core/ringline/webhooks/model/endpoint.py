"""A customer's endpoint: where deliveries go, for which events, signed with which secrets."""

import base64
import secrets
from collections.abc import Mapping
from copy import replace
from dataclasses import field
from itertools import zip_longest

from ringline.later import Carried, StoredWord
from ringline.record import stored
from ringline.webhooks.model.event import Told
from ringline.webhooks.model.event_type import DEFAULT_SUBSCRIPTION, EventType, told_as
from ringline.webhooks.model.filters import Filters
from ringline.webhooks.model.target import TargetType, type_of

_SECRET_BYTES = 24
"""The least that Standard Webhooks asks of a secret."""


DISABLED_AFTER_MS = 5 * 24 * 3_600_000
"""An endpoint that has taken nothing for so long, and refuses still, is disabled: longer than the ladder of a delivery,
so that a server which comes back within a long weekend never finds itself cut off."""


MOST_AT_ONCE = 100
"""The highest limit that an endpoint may set, of posts in a second and of posts at once: as many as messages are taken
at once for all endpoints together. Each names up to ten deliveries: an endpoint without limits may get 1,000 posts."""


class Signature(StoredWord):
    """How deliveries are signed, as Standard Webhooks names it."""

    V1 = "v1"
    """HMAC-SHA256 with a secret that both sides have."""
    V1A = "v1a"
    """ed25519: the receiver has the public key alone, by which nobody can sign."""


@stored
class SecretMark:
    """What is known of a secret beside itself. It signs until `ends_at`; the newest one has no end. What it signs is
    verified by the `public_key` where it has one."""

    made_at: int
    ends_at: int | None = None
    public_key: str | None = None
    carried: Carried = field(default=(), compare=False, repr=False)


@stored(kw_only=True)
class Endpoint:
    """`url` is its address: a URL, the ARN of a queue or of a bus, or that each call names its own (`model.target`).

    `secrets` holds every one that signs, the newest first, sealed as the table has them: during a rotation a
    delivery is signed with all of them. `secret_marks` are in the same order; secrets of before there were marks have
    none.

    `paused_at` is when it was last disabled, and stays when it is enabled: what it has missed is sent from there.

    `failing_since` is the first failure after the last success, whichever deliveries they were of.

    `failures` counts those in a row, until the circuit opens: then `probe_at` is when the next probe may be made, after
    so many `probes`. `noticed_percent` is the last share of the five days that was told. It counts as slow until
    `slow_until`. `max_per_second` and `max_parallel` are the customer's limits, None where there are none.

    `event_types` are subscriptions: names of events, former ones among them, `call.*` or `*`.

    `revision` grows by one with each change, so that none is lost to another one made on the same reading. `headers`
    go with each delivery; their values are sealed, too, since they may be secrets of the receiver's.
    """

    endpoint_id: str
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    created_at: int
    event_types: tuple[str, ...] = DEFAULT_SUBSCRIPTION
    description: str | None = None
    disabled_at: int | None = None
    disabled_reason: str | None = None
    paused_at: int | None = None
    failing_since: int | None = None
    failures: int = 0
    probe_at: int | None = None
    probes: int = 0
    noticed_percent: int = 0
    slow_until: int | None = None
    max_per_second: int | None = None
    max_parallel: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    filters: Filters = field(default_factory=Filters)
    signature: Signature = Signature.V1
    secret_marks: tuple[SecretMark, ...] = ()
    revision: int = 1
    carried: Carried = field(default=(), compare=False, repr=False)

    @property
    def target_type(self) -> TargetType:
        return type_of(self.url)

    @property
    def is_enabled(self) -> bool:
        return self.disabled_at is None

    def has_failed_for_too_long(self, now: int) -> bool:
        return self.failing_since is not None and now - self.failing_since >= DISABLED_AFTER_MS

    def is_slow(self, now: int) -> bool:
        return self.slow_until is not None and now < self.slow_until

    def mended(self) -> "Endpoint":
        """As one that never failed: whoever enables it, or moves it, has seen to it, and it has five days again."""
        return replace(self, failing_since=None, failures=0, probe_at=None, probes=0, noticed_percent=0)

    def subscribes(self, event: Told) -> bool:
        """Whether it asks for such events, of such calls, be it enabled or not. One whose URL each call names asks for
        those of calls that name one."""
        has_address = self.address_for(event) is not None
        return (
            has_address and told_as(self.event_types, event.event_type) is not None and self.filters.let_through(event)
        )

    def address_for(self, event: Told) -> str | None:
        """Where its delivery of this event goes; None if nobody has said."""
        return event.webhook_url if self.target_type is TargetType.CALL else self.url

    def wants(self, event: Told) -> bool:
        """Whether a delivery of this event is to be made."""
        return self.is_enabled and self.subscribes(event)

    def name_of(self, event_type: EventType) -> str:
        """The name by which it is told of such events: the one it has subscribed by."""
        return told_as(self.event_types, event_type) or event_type

    def signing(self, now: int) -> tuple[tuple[str, SecretMark], ...]:
        """The secrets that sign at this moment with their marks, the newest first."""
        usual = SecretMark(self.created_at)
        marked = zip_longest(self.secrets, self.secret_marks[: len(self.secrets)], fillvalue=None)
        pairs = ((str(secret), mark or usual) for secret, mark in marked)
        return tuple((secret, mark) for secret, mark in pairs if mark.ends_at is None or now < mark.ends_at)

    def rotated(self, secret: str, mark: SecretMark, signature: Signature, former_end_at: int) -> "Endpoint":
        """With a new secret, beside which the newest of before signs until `former_end_at`. Those that were rotated
        earlier end as they were to."""
        (newest, known), *earlier = self.signing(mark.made_at)
        former = [(newest, replace(known, ends_at=former_end_at))] if former_end_at > mark.made_at else []
        all_of_them = [(secret, mark), *former, *earlier]
        return replace(
            self,
            secrets=tuple(each for each, _ in all_of_them),
            secret_marks=tuple(each for _, each in all_of_them),
            signature=signature,
        )


def new_webhook_secret() -> str:
    """A signing secret `whsec_` + base64, as the Standard Webhooks libraries take it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
