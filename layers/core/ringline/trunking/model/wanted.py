"""What LiveKit is to have for a trunk and for a number. Pure: the same trunk and number are wanted the same each time,
so that what differs at LiveKit was changed there."""

from dataclasses import fields

from ringline.trunking.model.lines import AtLivekit, CallerRule, CarrierTrunk, InboundTrunk, Mark, OutboundTrunk

ANY_NUMBER = ("*",)
"""LiveKit wants an outbound trunk to have a number; each of our calls names the one it comes from."""


def outbound_of(mark: Mark, trunk: CarrierTrunk) -> OutboundTrunk:
    return OutboundTrunk(
        name=_name(mark),
        mark=mark,
        address=trunk.sip_domain or "",
        transport=trunk.transport,
        auth_username=trunk.auth_username or "",
        numbers=ANY_NUMBER,
        media_encryption=trunk.media_encryption,
    )


def inbound_of(mark: Mark, number: str, trunk: CarrierTrunk) -> InboundTrunk:
    """One for each number: a number comes and goes without touching the others of its trunk."""
    return InboundTrunk(
        name=_name(mark),
        mark=mark,
        numbers=(number,),
        allowed_addresses=trunk.allowed_addresses,
        media_encryption=trunk.media_encryption,
    )


def rule_of(mark: Mark, number: str, inbound_trunk_id: str, trunk: CarrierTrunk, agent_name: str | None) -> CallerRule:
    """By an adopted trunk other numbers come in as well: the rule then takes callers of this number alone."""
    return CallerRule(
        name=_name(mark),
        mark=mark,
        trunk_ids=(inbound_trunk_id,),
        numbers=(number,) if trunk.adopted_inbound else (),
        number=number,
        agent_name=agent_name,
    )


def differences(wanted: AtLivekit, found: AtLivekit) -> tuple[str, ...]:
    """The fields in which what LiveKit has is not what is wanted."""
    names = [each.name for each in fields(wanted) if each.name != "id"]
    return tuple(name for name in names if getattr(wanted, name) != getattr(found, name))


def _name(mark: Mark) -> str:
    return f"ringline {mark.stack} {mark.account_id} {mark.thing}"
