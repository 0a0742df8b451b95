"""The providers of the hook's path, and how what each sends is verified and read."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ringline.calls.model.carrier_event import CarrierEvent
from ringline.telephony.carriers import standard, telnyx, twilio
from ringline.telephony.carriers.request import HookRequest


class Proof(StrEnum):
    """What a deployment may have to prove a carrier's events with, as it is called where it is set."""

    SIP_HOOK = "the secret sip-hook"
    TELNYX_PUBLIC_KEY = "TelnyxPublicKey"
    TWILIO = "the secret twilio-auth-token"


@dataclass(frozen=True, slots=True)
class Provider:
    """`verify(request, secrets, now_s)` raises HookRefused, `read(request)` HookUnreadable. `proof` is where its
    secrets are, or its public keys."""

    proof: Proof
    verify: Callable[[HookRequest, tuple[str, ...], float], None]
    read: Callable[[HookRequest], tuple[CarrierEvent, ...]]


PROVIDERS = {
    standard.GENERIC: Provider(Proof.SIP_HOOK, standard.verify, standard.read),
    telnyx.TELNYX: Provider(Proof.TELNYX_PUBLIC_KEY, telnyx.verify, telnyx.read),
    twilio.TWILIO: Provider(Proof.TWILIO, twilio.verify, twilio.read),
}
