"""Claims a second, of one account and of many, by one to eight dialers at once, each a process of its own.

Neither stand-in is DynamoDB: both answer in less than a millisecond and take one transaction at a time, on the
processors that the dialers need too. What can be compared is one account with many, where all else is the same: how
much a gate that all claims of an account go through costs.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.aws import dynamodb_local, emulator
from local.aws.deploy import client, credentials
from local.aws.template import read_template
from local.bench.claims.worker import CLAIMS_FOR_S
from local.bench.report import Reading, Section, shown
from local.bench.rig import Noise
from local.bench.run import Tell
from local.tools import processes
from local.tools.loopback import free_port
from local.tools.places import LOCAL, TEMPLATE
from local.tools.processes import StackError
from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import Call, State
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import now_ms
from ringline.runtime.ids import new_id

_DIALERS = (1, 2, 4, 8)
_MANY = 32
_CALLS = 160
_LINES = 10_000
_TABLE = "claims"
_MADE_OF = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
_FOLDER = LOCAL / "bench" / "claims"
_DONE_WITHIN_S = 60


def measure(tell: Tell) -> list[Section]:
    """One section for each stand-in that is there. Raises StackError if a dialer fails."""
    sections = []
    for name, running in (("DynamoDB Local", _dynamodb_local), ("the emulator", _emulator)):
        try:
            with running() as url:
                tell(f"claiming against {name}")
                sections.append(_measured(name, url))
        except dynamodb_local.NotInstalled as missing:
            sections.append(Section(f"claims a second, {name}", (Reading("left out", "", str(missing)),)))
    return sections


@contextmanager
def _dynamodb_local() -> Iterator[str]:
    with dynamodb_local.running(_FOLDER) as url:
        yield url


@contextmanager
def _emulator() -> Iterator[str]:
    port = free_port()
    child = emulator.start(port, _FOLDER, _FOLDER)
    try:
        emulator.await_ready(child, port)
        yield emulator.url(port)
    finally:
        processes.stop(child)
        shutil.rmtree(_FOLDER / "emulator", ignore_errors=True)


def _measured(name: str, url: str) -> Section:
    properties = read_template(TEMPLATE)["Resources"]["CallsTable"]["Properties"]
    dynamodb = client("dynamodb", url)
    dynamodb.create_table(TableName=_TABLE, **{part: properties[part] for part in _MADE_OF})
    noise, readings = Noise(), []
    for accounts in (1, _MANY):
        for dialers in _DIALERS:
            readings.append(_reading(dynamodb, url, accounts, dialers))
    readings.append(Reading("noise meanwhile", "", noise.words()))
    return Section(f"claims a second, {name}: {_CALLS} calls wait, for {CLAIMS_FOR_S:.0f} s", tuple(readings))


def _reading(dynamodb: Any, url: str, accounts: int, dialers: int) -> Reading:
    made = [_account_with_calls(dynamodb, _CALLS // accounts) for _ in range(accounts)]
    done = _claimed_by(url, made, dialers)
    claimed = sum(each["claimed"] for each in done)
    if not 0 < claimed <= _CALLS:
        raise StackError(f"{claimed} of {_CALLS} calls were claimed")
    rate = claimed / max(each["seconds"] for each in done)
    lost = sum(each["contended"] for each in done)
    whose = "one account" if accounts == 1 else f"{accounts} accounts"
    return Reading(f"{whose}, {dialers} dialers", f"{shown(rate)}/s", f"given up after lost races: {shown(lost)}")


def _account_with_calls(dynamodb: Any, calls: int) -> str:
    account_id, store, now = new_id("acct"), CallStore(dynamodb, _TABLE), now_ms()
    AccountStore(dynamodb, _TABLE).create_account(Account(account_id, "Claims", account_id, _LINES))
    for _ in range(calls):
        store.create(
            Call(
                account_id=account_id,
                call_id=new_id("call"),
                state=State.QUEUED,
                pipe_id="pipe_1",
                agent_id="front-desk",
                from_number="+15550100000",
                to_number="+15550100200",
                ring_timeout_s=30,
                max_call_duration_s=600,
                created_at=now,
                eligible_at=now,
            )
        )
    return account_id


def _claimed_by(url: str, accounts: list[str], dialers: int) -> list[dict[str, float]]:
    """What each of so many dialers did that began at the same moment. Raises StackError."""
    environment = processes.clean_environment({**credentials(url), "LOG_LEVEL": "CRITICAL"})
    command = [sys.executable, "-m", "local.bench.claims.worker", _TABLE]
    # Each begins with another account, as doorbells come.
    turns = [accounts[place * len(accounts) // dialers :] for place in range(dialers)]
    started = [
        subprocess.Popen(
            [*command, *turn, *accounts[: len(accounts) - len(turn)]],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for turn in turns
    ]
    try:
        for each in started:
            assert each.stdout is not None
            if each.stdout.readline().strip() != "ready":
                raise StackError("a dialer that claims does not start")
        began = time.monotonic()
        answers = []
        for each in started:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        for each in started:
            output, _ = each.communicate(timeout=max(1.0, _DONE_WITHIN_S - (time.monotonic() - began)))
            answers.append(json.loads(output))
        return answers
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise StackError(f"the dialers that claim do not come to an end: {error}") from None
    finally:
        for each in started:
            each.kill()
            each.wait()
