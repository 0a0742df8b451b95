"""What LiveKit makes sure of before it keeps a trunk or a rule, and which of them a caller comes by. Its protocol's
`livekit/sip.go` and `sip/sip.go` are the source of both."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from livekit.protocol import sip

from local.phones.kernel.twirp import TwirpError

_LAST = 2**31 - 1
_IN_NO_ADDRESS = frozenset("()+*;, \t\n\r")


def check_inbound(trunk: sip.SIPInboundTrunkInfo) -> None:
    """Raises TwirpError invalid_argument."""
    has_auth = trunk.auth_username or trunk.auth_password
    if not has_auth and not trunk.allowed_addresses and not trunk.numbers:
        raise _invalid(
            "for security, one of the fields must be set: AuthUsername+AuthPassword, AllowedAddresses or Numbers"
        )


def check_outbound(trunk: sip.SIPOutboundTrunkInfo) -> None:
    """Raises TwirpError invalid_argument."""
    if not trunk.numbers:
        raise _invalid("no trunk numbers specified")
    if not trunk.address:
        raise _invalid("no outbound address specified")
    if "transport=" in trunk.address:
        raise _invalid("trunk address should not contain transport parameter")
    if any(sign in trunk.address for sign in "@;") or trunk.address.startswith(("sip:", "sips:")):
        raise _invalid("trunk address should be a hostname or IP, not SIP URI")


def check_rule(rule: sip.SIPDispatchRuleInfo) -> None:
    """Raises TwirpError invalid_argument."""
    if not rule.HasField("rule") or rule.rule.WhichOneof("rule") is None:
        raise _invalid("missing rule")


def check_inbound_conflicts(trunks: Iterable[sip.SIPInboundTrunkInfo]) -> None:
    """Two trunks for one number and one caller: which of them took a call would be chance. A trunk for any number does
    not conflict with those for some."""
    taken: dict[tuple[str, str], sip.SIPInboundTrunkInfo] = {}
    for trunk in trunks:
        for number in trunk.numbers or [""]:
            for caller in trunk.allowed_numbers or [""]:
                key = (normal(number), normal(caller))
                if key in taken:
                    says = f'and AllowedNumber "{caller}"' if caller else "without AllowedNumbers set"
                    raise _invalid(
                        f"Conflicting inbound SIP Trunks: {_named(trunk.sip_trunk_id)} and "
                        f"{_named(taken[key].sip_trunk_id)}, using the same number(s) {list(trunk.numbers)} {says}"
                    )
                taken[key] = trunk


def check_rule_conflicts(rules: Iterable[sip.SIPDispatchRuleInfo]) -> None:
    """Two rules for one trunk, number and PIN. One for any trunk does not conflict with those for some."""
    taken: dict[tuple[str, str, str, str], sip.SIPDispatchRuleInfo] = {}
    for rule in rules:
        for trunk in rule.trunk_ids or [""]:
            for caller in rule.inbound_numbers or [""]:
                for number in rule.numbers or [""]:
                    key = (pin_of(rule), trunk, normal(caller), normal(number))
                    if key in taken:
                        raise _invalid(
                            "Conflicting SIP Dispatch Rules: same Trunk+Number+PIN combination for for "
                            f"{_named(rule.sip_dispatch_rule_id)} and {_named(taken[key].sip_dispatch_rule_id)}"
                        )
                    taken[key] = rule


def trunk_for(
    trunks: Iterable[sip.SIPInboundTrunkInfo], from_number: str, to_number: str, address: str
) -> sip.SIPInboundTrunkInfo | None:
    """The trunk of that number that lets callers in from that IP address, or else such a one of any number. None also
    where there are several: LiveKit takes no such call."""
    mine, any_number = [], []
    for trunk in trunks:
        if not _fits(trunk.allowed_numbers, from_number) or not _lets_in(trunk.allowed_addresses, address):
            continue
        if not trunk.numbers:
            any_number.append(trunk)
        elif _fits(trunk.numbers, to_number):
            mine.append(trunk)
    for found in (mine, any_number):
        if found:
            return found[0] if len(found) == 1 else None
    return None


def rule_for(
    rules: Iterable[sip.SIPDispatchRuleInfo], trunk_id: str, from_number: str, to_number: str
) -> sip.SIPDispatchRuleInfo | None:
    """The rule a caller by that trunk follows: those tied to the trunk go before those for any."""
    fitting = [rule for rule in rules if _fits(rule.inbound_numbers, from_number) and _fits(rule.numbers, to_number)]
    tied = [rule for rule in fitting if trunk_id in rule.trunk_ids]
    return _first(tied) or _first([rule for rule in fitting if not rule.trunk_ids])


def pin_of(rule: sip.SIPDispatchRuleInfo) -> str:
    kind = rule.rule.WhichOneof("rule")
    return "" if kind is None else str(getattr(rule.rule, kind).pin)


def normal(number: str) -> str:
    return number if not number or number.startswith("+") else f"+{number}"


def _first(rules: Sequence[sip.SIPDispatchRuleInfo]) -> sip.SIPDispatchRuleInfo | None:
    return min(rules, key=_priority, default=None)


def _priority(rule: sip.SIPDispatchRuleInfo) -> int:
    """With a PIN before those without, direct before individual before callee, for some before for any."""
    kinds = ("dispatch_rule_direct", "dispatch_rule_individual", "dispatch_rule_callee")
    kind = rule.rule.WhichOneof("rule")
    if kind not in kinds:
        return _LAST
    open_to_all = 0 if pin_of(rule) else 100
    return kinds.index(kind) + open_to_all + 1000 * (not rule.inbound_numbers) + 1000 * (not rule.numbers)


def _fits(wanted: Iterable[str], number: str) -> bool:
    """Whether a list of allowed numbers allows it; an empty list allows any."""
    allowed = [normal(each) for each in wanted]
    return not allowed or normal(number) in allowed


def _lets_in(allowed: Iterable[str], address: str) -> bool:
    """Whether a list of addresses and networks has the address; an empty list has any. What can be neither, nor
    the name of a host, is passed over, so that a list of nothing else has any, too."""
    said = [each for each in allowed if not set(each) & _IN_NO_ADDRESS and "://" not in each]
    return not said or any(_has(each, ip_address(address)) for each in said)


def _has(mask: str, address: IPv4Address | IPv6Address) -> bool:
    try:
        return address in ip_network(mask, strict=False)
    except ValueError:
        return False


def _named(some_id: str) -> str:
    return f'"{some_id or "<new>"}"'


def _invalid(message: str) -> TwirpError:
    return TwirpError("invalid_argument", message)
