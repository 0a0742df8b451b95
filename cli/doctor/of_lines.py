"""The account's own trunks and numbers: whether LiveKit still has what was made, or is used, for each of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cli.doctor.check import Check, Finding, Result
from cli.reach.api import Api, Document

_SYNC = "`ringline number sync` makes it anew, or says what is in the way."


@dataclass(frozen=True, slots=True)
class AtLivekit:
    """Trunks and rules that LiveKit has, by their ids."""

    outbound: dict[str, Any]
    inbound: dict[str, Any]
    rules: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LineChecks:
    """`api` is asked for what there is here, `at_livekit` for what LiveKit has. Nothing is changed: `number sync` is
    what mends."""

    api: Callable[[], Api]
    at_livekit: Callable[[], AtLivekit]

    def all(self) -> list[Check]:
        return [Check("trunks", self._trunks), Check("lines", self._lines)]

    def _trunks(self) -> Finding:
        trunks = list(self.api().rows("/v1/trunks"))
        if not trunks:
            return Finding("trunks", Result.OK, "there are none of the account's own")
        there = self.at_livekit()
        gone = [f"{each['name']} ({each['provider_trunk_id']})" for each in trunks if _is_gone(each, there)]
        if gone:
            says = f"LiveKit has no longer the trunk of {_told(gone)}: calls through it fail"
            return Finding("trunks", Result.FAIL, says, _SYNC)
        unfinished = [each["name"] for each in trunks if each.get("status") != "active"]
        if unfinished:
            says = f"{_told(unfinished)}: not at LiveKit yet, or about to be deleted"
            return Finding("trunks", Result.WARN, says, "Ask for the same again: `ringline trunk set`, `trunk delete`.")
        return Finding("trunks", Result.OK, f"{len(trunks)}, each is at LiveKit")

    def _lines(self) -> Finding:
        """What lets the callers of each number in."""
        numbers = [
            each for each in self.api().rows("/v1/numbers") if (each.get("livekit") or {}).get("dispatch_rule_id")
        ]
        if not numbers:
            return Finding("lines", Result.OK, "no number of the account's own is led through LiveKit")
        there = self.at_livekit()
        drifted = [f"{each['number']} ({why})" for each in numbers if (why := _drift(each, there))]
        if drifted:
            return Finding("lines", Result.FAIL, f"callers are not let in as they should be: {_told(drifted)}", _SYNC)
        return Finding("lines", Result.OK, f"{len(numbers)} numbers, each has its trunk and rule at LiveKit")


def _is_gone(trunk: Document, there: AtLivekit) -> bool:
    used = trunk.get("provider_trunk_id")
    return used is not None and used not in there.outbound and used not in there.inbound


def _drift(number: Document, there: AtLivekit) -> str | None:
    """What of a number's is not at LiveKit as it should be."""
    link = number["livekit"]
    trunk, rule = there.inbound.get(link.get("inbound_trunk_id")), there.rules.get(link["dispatch_rule_id"])
    if link.get("inbound_trunk_id") is not None and trunk is None:
        return "its inbound trunk is gone"
    if rule is None:
        return "its dispatch rule is gone"
    if trunk is not None and number["number"] not in trunk.numbers:
        return "its inbound trunk has another number"
    if trunk is not None and link["inbound_trunk_id"] not in rule.trunk_ids:
        return "its dispatch rule is tied to another trunk"
    return None


def _told(things: Iterable[str]) -> str:
    return ", ".join(sorted(things))
