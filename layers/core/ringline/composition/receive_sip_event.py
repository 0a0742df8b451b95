from functools import partial

from aws_lambda_powertools import Logger

from ringline.calls.signals.carrier import HearCarrier
from ringline.calls.tables.carrier_links import CarrierLinkTable
from ringline.calls.tables.paces import TrunkPaces
from ringline.composition.parts import CallParts, SignalSettings, look_queue, to_livekit
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import optional

LIVEKIT_WITHIN_S = 2.0
"""LiveKit answers in milliseconds, and the carrier waits."""


class Settings(SignalSettings):
    sip_trunk_id: str = optional("SIP_TRUNK_ID")
    telnyx_public_key: str = optional("TELNYX_PUBLIC_KEY")
    twilio_auth_token: str = optional("TWILIO_AUTH_TOKEN")
    sip_hook_secret: str = optional("SIP_HOOK_SECRET")
    hooks_url: str = optional("HOOKS_URL")

    @property
    def secrets(self) -> dict[str, str]:
        """What proves each carrier's events, by the name of its variable (`Provider.setting`)."""
        return {
            "TELNYX_PUBLIC_KEY": self.telnyx_public_key,
            "TWILIO_AUTH_TOKEN": self.twilio_auth_token,
            "SIP_HOOK_SECRET": self.sip_hook_secret,
        }


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
