"""What the doctor finds of the account's own trunks and numbers, beside what LiveKit has."""

from threading import Event
from threading import enumerate as threads
from typing import Any

import httpx
import pytest
from livekit.protocol import sip

from cli.doctor.check import Check, Finding, Result, run_all
from cli.doctor.of_lines import AtLivekit, LineChecks
from cli.model.failures import NotReachable
from cli.reach.api import Api, open_api

NUMBER = "+15550100777"
TRUNK = {"name": "lab", "status": "active", "provider_trunk_id": "ST_out"}
LINK = {"inbound_trunk_id": "ST_in", "dispatch_rule_id": "SDR_1"}


def an_api(trunks: list[Any], numbers: list[Any]) -> Api:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": trunks if request.url.path == "/v1/trunks" else numbers})

    return open_api("https://api.example.com", "sk_1", httpx.MockTransport(answer), lambda _seconds: None)


def at_livekit(*, numbers: tuple[str, ...] = (NUMBER,), tied_to: str = "ST_in", gone: str = "") -> AtLivekit:
    trunk = sip.SIPInboundTrunkInfo(sip_trunk_id="ST_in", numbers=numbers)
    rule = sip.SIPDispatchRuleInfo(sip_dispatch_rule_id="SDR_1", trunk_ids=[tied_to])
    outbound = sip.SIPOutboundTrunkInfo(sip_trunk_id="ST_out")
    there = ({"ST_out": outbound}, {"ST_in": trunk}, {"SDR_1": rule})
    return AtLivekit(*({key: each for key, each in some.items() if key != gone} for some in there))


def findings(there: AtLivekit, trunk: dict[str, Any] = TRUNK) -> dict[str, Finding]:
    api = an_api([trunk], [{"number": NUMBER, "livekit": LINK}, {"number": "+15550100778", "livekit": {}}])
    return {each.name: each for each in run_all(LineChecks(lambda: api, lambda: there).all())}


def test_lines_that_are_as_they_were_made_have_nothing_to_mend() -> None:
    assert {each.result for each in findings(at_livekit()).values()} == {Result.OK}


@pytest.mark.parametrize(
    ("there", "name", "says"),
    [
        (at_livekit(gone="ST_out"), "trunks", "lab (ST_out)"),
        (at_livekit(gone="ST_in"), "lines", f"{NUMBER} (its inbound trunk is gone)"),
        (at_livekit(gone="SDR_1"), "lines", "its dispatch rule is gone"),
        (at_livekit(numbers=("+15550100779",)), "lines", "has another number"),
        (at_livekit(tied_to="ST_other"), "lines", "tied to another trunk"),
    ],
)
def test_what_is_gone_or_changed_at_livekit_is_told_with_its_remedy(there: AtLivekit, name: str, says: str) -> None:
    found = findings(there)
    assert found[name].result is Result.FAIL
    assert says in found[name].says and "number sync" in found[name].remedy
    assert {each.result for each in found.values() if each.name != name} == {Result.OK}


def test_a_trunk_that_is_not_whole_is_worth_a_look() -> None:
    unfinished = TRUNK | {"status": "incomplete", "provider_trunk_id": None}
    assert findings(at_livekit(), unfinished)["trunks"].result is Result.WARN


def test_a_livekit_that_tells_nothing_is_a_finding_that_names_the_check_with_the_remedy() -> None:
    def away() -> AtLivekit:
        raise NotReachable("LiveKit's list", "refused", "See the check `livekit`.")

    checks = LineChecks(lambda: an_api([TRUNK], []), away).all()
    assert [(each.result, each.remedy) for each in run_all(checks)] == [
        (Result.FAIL, "See the check `livekit`."), (Result.OK, ""),
    ]  # fmt: skip


def test_a_check_that_hangs_keeps_no_process_from_ending() -> None:
    released = Event()

    def hangs() -> Finding:
        released.wait()
        return Finding("slow", Result.OK, "at last")

    run_all([Check("slow", hangs)], within_s=0.05)
    (left,) = (each for each in threads() if each.name == "doctor-slow")
    assert left.daemon
    released.set()
    left.join()
