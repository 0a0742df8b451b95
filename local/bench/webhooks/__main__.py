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
from local.bench.webhooks.burst import RELAYS, WITHIN_S, WORKERS, Burst, burst
from local.tools import processes
from local.tools.loopback import ask, free_port
from local.tools.places import TEMPLATE

CALLS = 1_000
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
            dynamodb = _table(emulator.url(port))
            tell(f"{calls} calls, five endpoints that answer")
            well = burst(dynamodb, _TABLE, receivers_url, _ALL_WELL, calls)
            tell(f"{calls} calls, one endpoint slow and one dead")
            ill = burst(dynamodb, _TABLE, receivers_url, _TWO_ARE_NOT, calls)
        finally:
            for child in reversed(children):
                processes.stop(child)
    return [
        _section("five endpoints that answer", well),
        _section("three that answer, one slow, one dead", ill),
        _ratios(well, ill),
    ]


def _listens(port: int) -> bool:
    return ask("GET", f"http://127.0.0.1:{port}/seen") == 200


def _table(emulator_url: str) -> Any:
    """A client of the emulator, which has the template's table."""
    dynamodb = botocore.session.get_session().create_client(
        "dynamodb",
        endpoint_url=emulator_url,
        region_name=emulator.REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(max_pool_connections=WORKERS + RELAYS, proxies={}),
    )
    properties = resources_of(read_template(TEMPLATE), "AWS::DynamoDB::Table")["CallsTable"]["Properties"]
    dynamodb.create_table(TableName=_TABLE, **{name: properties[name] for name in _ASKED})
    return dynamodb


def _section(what: str, seen: Burst) -> Section:
    bill, calls = seen.bill, seen.calls
    quick = _quick(seen)
    lost = sum(seen.lost_by(name) for name in seen.posted_after if name.startswith("quick"))
    others = {name: each for name, each in seen.posted_after.items() if not name.startswith("quick")}
    return Section(
        f"{calls} calls of one account end at once: {what}",
        (
            Reading("end to event written, p50", _s(seen.written_after, 50)),
            at_most("end to event written, p99", percentile(seen.written_after, 99) / 1000, _P99_BUDGET_S, " s"),
            Reading("event written to posted, p50", _s(quick, 50), "of those that answer"),
            at_most("event written to posted, p99", percentile(quick, 99) / 1000, _P99_BUDGET_S, " s"),
            *(Reading(f"posted to {name}", str(len(each)), f"p50 {_s(each, 50)}") for name, each in others.items()),
            at_most("posts that did not come", lost, 0, note=f"within {WITHIN_S:.0f} s, of those that answer"),
            Reading("posts a second", shown(seen.posts / seen.taken_s), f"in {seen.taken_s:.1f} s"),
            at_most(
                "write units of an event",
                (bill.units - bill.units_refused - _FOR_THE_COUNT) / calls,
                _UNITS_BUDGET,
                note=f"and {shown(bill.units_refused / calls)} for places that others were quicker to take",
            ),
            Reading("transactions of an event", shown((bill.written + bill.refused) / calls)),
        ),
    )


def _ratios(well: Burst, ill: Burst) -> Section:
    """What the slow and the dead one cost those that answer: independent of how fast the machine is."""
    return Section(
        "With a slow and a dead endpoint, to without (both in this run)",
        (
            Reading("event written to posted, p50", shown(_ratio(_quick(ill), _quick(well), 50), "x")),
            Reading("event written to posted, p99", shown(_ratio(_quick(ill), _quick(well), 99), "x")),
            Reading("until the last was posted", shown(ill.taken_s / well.taken_s, "x"), "to those that answer"),
        ),
    )


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
