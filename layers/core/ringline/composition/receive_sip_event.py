from functools import partial

from aws_lambda_powertools import Logger

from ringline.calls.signals.carrier import HearCarrier
from ringline.calls.tables.carrier_links import CarrierLinkTable
from ringline.calls.tables.paces import TrunkPaces
from ringline.composition.parts import CallParts, SignalSettings, look_queue, to_livekit
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import optional, secret
from ringline.runtime.vault.kept import SIP_HOOK, TWILIO, VARIABLE, kept
from ringline.telephony.carriers.providers import Proof
from ringline.telephony.carriers.request import secrets_of

LIVEKIT_WITHIN_S = 2.0
"""LiveKit answers in milliseconds, and the carrier waits."""


class Settings(SignalSettings):
    sip_trunk_id: str = optional("SIP_TRUNK_ID")
    telnyx_public_key: str = optional("TELNYX_PUBLIC_KEY")
    twilio_auth_tokens: tuple[str, ...] = secret(VARIABLE, lambda: kept().values(TWILIO))
    sip_hook_secrets: tuple[str, ...] = secret(VARIABLE, lambda: kept().values(SIP_HOOK))
    hooks_url: str = optional("HOOKS_URL")

    def proofs(self, proof: Proof) -> tuple[str, ...]:
        """What a carrier's events may be proven with; none where the deployment believes no such carrier."""
        match proof:
            case Proof.TELNYX_PUBLIC_KEY:
                return secrets_of(self.telnyx_public_key)
            case Proof.TWILIO:
                return self.twilio_auth_tokens
            case Proof.SIP_HOOK:
                return self.sip_hook_secrets


def compose(settings: Settings, *, clock: Clock, log: Logger) -> HearCarrier:
    dynamodb, table = aws.dynamodb(), settings.table_name
    parts = CallParts(settings, clock=clock, log=log)
    return HearCarrier(
        progress=parts.progress,
        store=parts.store,
        telephony=partial(to_livekit, settings.livekit, LIVEKIT_WITHIN_S),
        looks=look_queue(settings),
        links=CarrierLinkTable(dynamodb, table, clock),
        clock=clock,
        log=log,
        paces=TrunkPaces(dynamodb, table, settings.sip_trunk_id),
    )
