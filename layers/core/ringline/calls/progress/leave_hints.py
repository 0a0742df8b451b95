"""How hints are left. One that cannot be is logged and forgotten: what it hints at is written, and the sweep looks
within its minute."""

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Call
from ringline.calls.model.hints import CarrierLinks, LookQueue
from ringline.calls.model.timing import SHORT_LIMIT_S


def ask_for_look(looks: LookQueue, log: Logger, call: Call, after_s: int) -> None:
    try:
        looks.look_again(call.account_id, call.call_id, after_s)
    except Exception:
        log.exception("look not asked for", extra={"call_id": call.call_id})


def link_carrier_calls(
    links: CarrierLinks, log: Logger, call: Call, carrier_call_ids: tuple[tuple[str, str], ...]
) -> None:
    """Whom the carrier will speak of in events that name nothing but its own ids."""
    try:
        for provider, carrier_call_id in carrier_call_ids:
            links.link(provider, carrier_call_id, call.room_name or "")
    except Exception:
        log.exception("carrier's call not linked", extra={"call_id": call.call_id})


def ask_for_look_at_limit(looks: LookQueue, log: Logger, call: Call) -> None:
    """After an answer: a limit that may fall before the sweep's first look at the call."""
    if call.max_call_duration_s <= SHORT_LIMIT_S:
        ask_for_look(looks, log, call, call.max_call_duration_s)
