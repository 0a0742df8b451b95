"""What the product tells an agent that speaks words, in data messages: messages, and tones to be sent."""

import json
import logging

from local.phones.agents.presence import Presence
from speech.bridge.driver import Driver
from speech.bridge.model.events import MessageCame, TonesSent

MESSAGE_TOPIC = "ringline.message"
DTMF_TOPIC = "ringline.dtmf"

_log = logging.getLogger("phones.told")


def hear(presence: Presence, driver: Driver, topic: str, told: bytes) -> None:
    """Passes a message on to the brain. The tones are written down with the phone that they are for."""
    try:
        message = json.loads(told)
    except ValueError:
        _log.warning("a message could not be read")
        return
    if topic == MESSAGE_TOPIC:
        driver.tell(MessageCame(message))
    elif topic == DTMF_TOPIC:
        leg = presence.leg
        if leg is None or leg.phone is None or not leg.is_leg:
            driver.tell(TonesSent(message["dtmf_id"], "no_leg"))
            return
        leg.phone.call.got(f"DTMF {message['digits']}")
        driver.tell(TonesSent(message["dtmf_id"]))
