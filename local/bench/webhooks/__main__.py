"""Measures webhooks and prints one table.

python -m local.bench.webhooks [calls]
"""

import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

from local.aws import emulator
from local.aws.template import read_template, resources_of
from local.bench.report import Reading, Section, at_most, percentile, shown
from local.bench.run import Tell, run
from local.bench.webhooks.bounds import invocations_a_second, reads_a_second
from local.bench.webhooks.burst import COPIES, RELAYS, WITHIN_S, Burst, burst
from local.bench.webhooks.memory_table import MemoryTable
from local.tools import processes
from local.tools.loopback import ask, free_port
from local.tools.places import TEMPLATE
from ringline.webhooks.sending.queue import MOST_IN_A_MESSAGE

CALLS = 1_000
_SHARE = 10
"""Of the calls, for what is measured to be compared with alone."""
_ALL_WELL = ("quick",) * 5
_TWO_ARE_NOT = ("quick", "quick", "quick", "slow", "dead")
_P99_BUDGET_S = 1.0
_UNITS_BUDGET = 4.0
"""An event's row and its place, in a transaction."""
_TABLE = "bench-webhooks"
_ASKED = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
_FOR_THE_COUNT = 2
"""Once for the whole log."""
_READY_WITHIN_S = 20.0


def _measure(calls: int, tell: Tell) -> list[Section]:
    with tempfile.TemporaryDirectory() as folder:
        scratch, port, receivers_port = Path(folder), free_port(), free_port()
        tell("bringing up table and receivers")
        children = [emulator.start(port, scratch, scratch)]
        try:
            emulator.await_ready(children[0], port)
            command = [sys.executable, "-m", "local.bench.webhooks.receivers", str(receivers_port)]
            children.append(processes.start("receivers", command, scratch, processes.clean_environment()))
            receivers_url = f"http://127.0.0.1:{receivers_port}"
            processes.wait_until(children[1], partial(_listens, receivers_port), _READY_WITHIN_S)
            clients = partial(_client, emulator.url(port))
            dynamodb = _table(clients("dynamodb"))
            tell("what the emulator does at most")
            most = (invocations_a_second(clients("lambda"), clients("iam")), reads_a_second(dynamodb, _TABLE))
            tell(f"{calls // _SHARE} calls, each delivery by itself")
            alone = burst(dynamodb, _TABLE, receivers_url, _ALL_WELL, calls // _SHARE, together=False)
            tell(f"{calls} calls, five endpoints that answer")
            well = burst(dynamodb, _TABLE, receivers_url, _ALL_WELL, calls, together=True)
            tell(f"{calls} calls, one endpoint slow and one dead")
            ill = burst(dynamodb, _TABLE, receivers_url, _TWO_ARE_NOT, calls, together=True)
            tell(f"{calls} calls on a table in this process")
            well_inside = burst(MemoryTable(), _TABLE, receivers_url, _ALL_WELL, calls, together=True)
            ill_inside = burst(MemoryTable(), _TABLE, receivers_url, _TWO_ARE_NOT, calls, together=True)
        finally:
            for child in reversed(children):
                processes.stop(child)
    return [
        _bounds(*most),
        _section("five endpoints that answer, each delivery by itself", alone),
        _section("five endpoints that answer", well),
        _section("three that answer, one slow, one dead", ill),
        _section("five endpoints that answer, without the emulator", well_inside),
        _section("three that answer, one slow, one dead, without the emulator", ill_inside),
        _ratios(alone, well, ill, well_inside, ill_inside),
    ]


def _bounds(invocations: float, reads: float) -> Section:
    return Section(
        "What the emulator does at most",
        (
            Reading("invocations of a function that does nothing", shown(invocations, " /s"), "four at once, warm"),
            Reading(
                "reads of one row", shown(reads, " /s"), "eight at once; a delivery is one write, and a tenth read"
            ),
        ),
    )


def _listens(port: int) -> bool:
    return ask("GET", f"http://127.0.0.1:{port}/seen") == 200


def _client(emulator_url: str, service: str) -> Any:
    return botocore.session.get_session().create_client(
        service,
        endpoint_url=emulator_url,
        region_name=emulator.REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(max_pool_connections=COPIES * MOST_IN_A_MESSAGE + RELAYS, proxies={}),
    )


def _table(dynamodb: Any) -> Any:
    """The client of the emulator, which has the template's table then."""
    properties = resources_of(read_template(TEMPLATE), "AWS::DynamoDB::Table")["CallsTable"]["Properties"]
    dynamodb.create_table(TableName=_TABLE, **{name: properties[name] for name in _ASKED})
    return dynamodb


def _section(what: str, seen: Burst) -> Section:
    quick = _quick(seen)
    lost = sum(seen.lost_by(name) for name in seen.posted_after if name.startswith("quick"))
    others = {name: each for name, each in seen.posted_after.items() if not name.startswith("quick")}
    return Section(
        f"{seen.calls} calls of one account end at once: {what}",
        (
            Reading("end to event written, p50", _s(seen.written_after, 50)),
            at_most("end to event written, p99", percentile(seen.written_after, 99) / 1000, _P99_BUDGET_S, " s"),
            Reading("event written to posted, p50", _s(quick, 50), "of those that answer"),
            at_most("event written to posted, p99", percentile(quick, 99) / 1000, _P99_BUDGET_S, " s"),
            *(Reading(f"posted to {name}", str(len(each)), f"p50 {_s(each, 50)}") for name, each in others.items()),
            at_most("posts that did not come", lost, 0, note=f"within {WITHIN_S:.0f} s, of those that answer"),
            Reading("posts a second", shown(seen.posts / seen.taken_s), f"in {seen.taken_s:.1f} s"),
            *_billed(seen),
        ),
    )


def _billed(seen: Burst) -> tuple[Reading, ...]:
    bill, calls = seen.bill, seen.calls
    if not bill.written:
        return ()
    others = f"{shown(bill.units_refused / calls)} for places that others were quicker to take"
    return (
        at_most("write units of an event", (bill.units - bill.units_refused - _FOR_THE_COUNT) / calls, _UNITS_BUDGET),
        Reading("and beside them", shown((bill.units_refused + bill.turns) / calls), f"{others}; the rest for turns"),
        Reading("transactions of an event", shown((bill.written + bill.refused) / calls)),
    )


def _ratios(alone: Burst, well: Burst, ill: Burst, well_inside: Burst, ill_inside: Burst) -> Section:
    """Independent of how fast the machine is."""
    return Section(
        "Ratios (all in this run)",
        (
            Reading("posts a second, together to by itself", shown(_posts_s(well) / _posts_s(alone), "x")),
            Reading(
                "posts a second, without the emulator to with it", shown(_posts_s(well_inside) / _posts_s(well), "x")
            ),
            *_cost("with it", well, ill),
            *_cost("without it", well_inside, ill_inside),
        ),
    )


def _cost(where: str, well: Burst, ill: Burst) -> tuple[Reading, ...]:
    """What the slow and the dead one cost those that answer."""
    p99 = shown(_ratio(_quick(ill), _quick(well), 99), "x")
    return (Reading(f"written to posted p99, a slow and a dead one to none, {where}", p99, "of those that answer"),)


def _posts_s(seen: Burst) -> float:
    return seen.posts / seen.taken_s


def _quick(seen: Burst) -> list[int]:
    return sorted(ms for name, each in seen.posted_after.items() if name.startswith("quick") for ms in each)


def _ratio(of: Sequence[int], to: Sequence[int], percent: int) -> float:
    return percentile(of, percent) / max(1, percentile(to, percent))


def _s(sorted_ms: Sequence[int], percent: int) -> str:
    return shown(percentile(sorted_ms, percent) / 1000, " s") if sorted_ms else "-"


def main() -> int:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    return run("Webhooks, measured", partial(_measure, calls))


if __name__ == "__main__":
    sys.exit(main())
