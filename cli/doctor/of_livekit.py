"""LiveKit as the deployment uses it: its URL and key, trunks and rules, and the webhook by which it tells of calls."""

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from cli.doctor.check import Check, Finding, Result
from cli.doctor.of_api import skew
from cli.doctor.of_lines import AtLivekit
from cli.model.failures import NotReachable
from cli.reach.livekit import LivekitKeys
from ringline.runtime.clock import Clock

WITHIN_S = 8.0

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_MEANS_NOTHING = b'{"event":"room_started","room":{"name":"ringline-doctor"}}'
"""As LiveKit tells of each room: the hook proves it, and passes it over without a request to the table."""

_TOKEN_TTL_S = 300

_INBOUND = "docs/inbound.md tells how; `ringline number sync` makes what numbers of trunks of yours need."


@dataclass(frozen=True, slots=True)
class LivekitChecks:
    """`keys` finds out by what the deployment reaches LiveKit."""

    keys: Callable[[], LivekitKeys]
    clock: Clock

    def all(self) -> list[Check]:
        return [
            Check("livekit", self._key),
            Check("livekit_clock", self._time),
            Check("outbound_trunk", self._outbound_trunk),
            Check("inbound_trunks", self._inbound_trunks),
            Check("dispatch_rules", self._dispatch_rules),
            Check("livekit_webhook", self._webhook),
        ]

    def trunks_and_rules(self) -> AtLivekit:
        """All that LiveKit has. Raises NotReachable."""
        keys = self.keys()
        return AtLivekit(
            {each.sip_trunk_id: each for each in _listed(keys, _outbound_trunks)},
            {each.sip_trunk_id: each for each in _listed(keys, _inbound_trunks)},
            {each.sip_dispatch_rule_id: each for each in _listed(keys, _rules)},
        )

    def _key(self) -> Finding:
        keys = self.keys()
        try:
            _ask(keys, _rooms)
        except Exception as error:
            return _livekit_said("livekit", keys, error)
        return Finding("livekit", Result.OK, f"answers at {keys.url} and takes the deployment's key")

    def _time(self) -> Finding:
        url = self.keys().http_url
        try:
            headers = httpx.get(url, timeout=WITHIN_S).headers
        except httpx.HTTPError as error:
            return Finding("livekit_clock", Result.SKIPPED, f"LiveKit is not reached: {error}")
        return skew("livekit_clock", headers, self.clock(), "LiveKit")

    def _outbound_trunk(self) -> Finding:
        keys, name = self.keys(), "outbound_trunk"
        trunks = {each.sip_trunk_id: each for each in _listed(keys, _outbound_trunks)}
        if not keys.sip_trunk_id:
            told = "the deployment names none: each number needs a trunk of its own"
            return Finding(name, Result.WARN if not trunks else Result.OK, told, "The template's SipTrunkId names one.")
        if keys.sip_trunk_id not in trunks:
            says = f"LiveKit has no outbound trunk {keys.sip_trunk_id}, which calls go through"
            remedy = f"Deploy with SipTrunkId of one that is there: {', '.join(sorted(trunks)) or 'none is'}."
            return Finding(name, Result.FAIL, says, remedy)
        trunk = trunks[keys.sip_trunk_id]
        return Finding(name, Result.OK, f"{keys.sip_trunk_id} leads to {trunk.address}; {len(trunks)} at LiveKit")

    def _inbound_trunks(self) -> Finding:
        trunks = _listed(self.keys(), _inbound_trunks)
        if not trunks:
            return Finding("inbound_trunks", Result.WARN, "LiveKit has none: nobody can ring in", _INBOUND)
        return Finding("inbound_trunks", Result.OK, f"{len(trunks)} at LiveKit")

    def _dispatch_rules(self) -> Finding:
        keys, name = self.keys(), "dispatch_rules"
        trunks = {each.sip_trunk_id for each in _listed(keys, _inbound_trunks)}
        rules = _listed(keys, _rules)
        if not trunks:
            return Finding(name, Result.SKIPPED, "there is no inbound trunk that needs one")
        lost = sorted({trunk for rule in rules for trunk in rule.trunk_ids} - trunks)
        if lost:
            says = f"rules name trunks that are gone: {', '.join(lost)}"
            return Finding(name, Result.WARN, says, "Delete those rules at LiveKit.")
        covered = (
            trunks if any(not rule.trunk_ids for rule in rules) else {each for rule in rules for each in rule.trunk_ids}
        )
        if trunks - covered:
            says = f"callers of {', '.join(sorted(trunks - covered))} are let in by no rule"
            return Finding(name, Result.FAIL, says, _INBOUND)
        return Finding(name, Result.OK, f"{len(rules)}, each inbound trunk has one")

    def _webhook(self) -> Finding:
        """An event that no rule reads, signed as LiveKit signs, must be taken: then the address is ours, and its
        function holds this key. Whether LiveKit posts there, only it knows. What is not signed would be
        refused and counted, and the alarm for refused hooks would ring of our own looking."""
        keys, name = self.keys(), "livekit_webhook"
        if _is_loopback(keys.hooks_url) and not _is_loopback(keys.url):
            says = f"LiveKit cannot reach {keys.hooks_url}: that leads every machine to itself"
            return Finding(name, Result.FAIL, says, "Set PUBLIC_URL or BIND_ADDRESS (docs/stack.md).")
        try:
            answer = httpx.post(
                keys.hooks_url, content=_MEANS_NOTHING, headers=_signed(keys, self.clock()), timeout=WITHIN_S
            )
        except httpx.HTTPError as error:
            return Finding(name, Result.FAIL, f"{keys.hooks_url} is not reached: {error}", "Is the stack up?")
        if answer.status_code in {401, 403}:
            says = f"{keys.hooks_url} refuses what the key {keys.api_key} signs"
            remedy = "Has the secret just been changed, or is this machine's clock wrong? Ask again in five minutes."
            return Finding(name, Result.FAIL, says, remedy)
        if answer.status_code != httpx.codes.OK or "outcome" not in answer.text:
            says = f"{keys.hooks_url} answers {answer.status_code} to an event of LiveKit's"
            return Finding(name, Result.FAIL, says, "Is it the stack's output LivekitHooksUrl?")
        told = f"{keys.hooks_url} takes what the key {keys.api_key} signs; LiveKit must have it as a webhook URL"
        return Finding(name, Result.OK, told)


def _signed(keys: LivekitKeys, now_ms: int) -> dict[str, str]:
    import jwt

    now_s = now_ms // 1000
    body_hash = base64.b64encode(hashlib.sha256(_MEANS_NOTHING).digest()).decode()
    claims = {"iss": keys.api_key, "nbf": now_s, "exp": now_s + _TOKEN_TTL_S, "sha256": body_hash}
    return {
        "authorization": jwt.encode(claims, keys.api_secret, "HS256"),
        "content-type": "application/webhook+json",
    }


def _livekit_said(name: str, keys: LivekitKeys, error: Exception) -> Finding:
    status = getattr(error, "status", None)
    if status in {401, 403}:
        says = f"LiveKit at {keys.url} does not take the key {keys.api_key}"
        return Finding(name, Result.FAIL, says, "`ringline secrets set livekit` takes that server's key and secret.")
    says = f"LiveKit at {keys.url} is not reached: {error or type(error).__name__}"
    return Finding(name, Result.FAIL, says, "Is the URL right (LivekitUrl), and the server up?")


def _listed(keys: LivekitKeys, asking: Callable[[Any], Awaitable[list[Any]]]) -> list[Any]:
    """What LiveKit has. Raises NotReachable where it does not tell, which the check `livekit` has the remedy for."""
    try:
        return _ask(keys, asking)
    except Exception as error:
        told = _livekit_said("livekit", keys, error)
        raise NotReachable("LiveKit's list", told.says, "See the check `livekit`.") from None


def _ask[Answer](keys: LivekitKeys, asking: Callable[[Any], Awaitable[Answer]]) -> Answer:
    """One request to LiveKit. Raises what its client raises."""

    async def once() -> Answer:
        import aiohttp
        from livekit import api

        timeout = aiohttp.ClientTimeout(total=WITHIN_S)
        async with api.LiveKitAPI(keys.http_url, keys.api_key, keys.api_secret, timeout=timeout) as livekit:
            return await asking(livekit)

    return asyncio.run(once())


async def _rooms(livekit: Any) -> Any:
    from livekit import api

    return await livekit.room.list_rooms(api.ListRoomsRequest(names=["ringline-doctor"]))


async def _outbound_trunks(livekit: Any) -> list[Any]:
    from livekit import api

    return list((await livekit.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())).items)


async def _inbound_trunks(livekit: Any) -> list[Any]:
    from livekit import api

    return list((await livekit.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items)


async def _rules(livekit: Any) -> list[Any]:
    from livekit import api

    return list((await livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items)


def _is_loopback(url: str) -> bool:
    return (urlsplit(url).hostname or "") in _LOOPBACK
