"""How the API names deliveries: an id that tells where it goes and of which event, so that it can be read and made."""

from ringline.webhooks.model.delivery import DeliveryId

_PREFIX = "dlv_"
_MOST_DIGITS = 15


def name_of(delivery_id: DeliveryId) -> str:
    """`dlv_<endpoint>_<sequence>`."""
    return f"{_PREFIX}{delivery_id.endpoint_id}_{delivery_id.sequence}"


def delivery_named(account_id: str, name: str) -> DeliveryId | None:
    """The delivery of an account that has this name; None of what is no name."""
    endpoint_id, _, number = name.removeprefix(_PREFIX).rpartition("_")
    is_number = number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS and number[0] != "0"
    if not name.startswith(_PREFIX) or not endpoint_id or not is_number:
        return None
    return DeliveryId(account_id=account_id, endpoint_id=endpoint_id, sequence=int(number))
