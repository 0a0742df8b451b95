"""The providers of the hook's path, and how what each sends is verified and read."""

from collections.abc import Callable
from dataclasses import dataclass

from ringline.calls.model.carrier_event import CarrierEvent
from ringline.telephony.carriers import standard, telnyx, twilio
from ringline.telephony.carriers.request import HookRequest


@dataclass(frozen=True, slots=True)
class Provider:
    """`verify(request, secrets, now_s)` raises HookRefused, `read(request)` HookUnreadable. `setting` is the variable
    that holds the secret, or the public key."""

    setting: str
    verify: Callable[[HookRequest, tuple[str, ...], float], None]
    read: Callable[[HookRequest], tuple[CarrierEvent, ...]]


PROVIDERS = {
    standard.GENERIC: Provider("SIP_HOOK_SECRET", standard.verify, standard.read),
    telnyx.TELNYX: Provider("TELNYX_PUBLIC_KEY", telnyx.verify, telnyx.read),
    twilio.TWILIO: Provider("TWILIO_AUTH_TOKEN", twilio.verify, twilio.read),
}
