"""Claims a second, of one account and of many, by one to eight dialers at once, each a process of its own: one call a
transaction, and up to ten.

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
from dataclasses import dataclass
from typing import Any

from local.aws import dynamodb_local, emulator
from local.aws.deploy import client, credentials
from local.aws.template import read_template
from local.bench.claims.steady import LASTS_S, SteadyAccount
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
from ringline.calls.model.timing import DIAL_BATCH
from ringline.calls.tables.store import CallStore
from ringline.runtime.clock import now_ms
from ringline.runtime.ids import new_id

_DIALERS = (1, 2, 4, 8)
_MANY = 32
_CALLS = 160
_BUSY_LINES = (100, 200, 350, 500)
_TRANSACTION_MS = (8, 15)
_SEED = 7
_LINES = 10_000
_TABLE = "claims"
_MADE_OF = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
_FOLDER = LOCAL / "bench" / "claims"
_DONE_WITHIN_S = 60


def measure(tell: Tell) -> list[Section]:
    """One section for each stand-in that is there. Raises StackError if a dialer fails."""
    tell("one account whose lines are all busy, in virtual time")
    sections = [steady()]
    for name, running in (("DynamoDB Local", _dynamodb_local), ("the emulator", _emulator)):
        try:
            with running() as url:
                tell(f"claiming against {name}")
                sections.append(_measured(name, url))
        except dynamodb_local.NotInstalled as missing:
            sections.append(Section(f"claims a second, {name}", (Reading("left out", "", str(missing)),)))
    return sections


def steady() -> Section:
    """One account whose lines are all busy, by the model of `steady.py`."""
    readings = []
    for transaction_ms in _TRANSACTION_MS:
        for lines in _BUSY_LINES:
            one, several, again = (
                SteadyAccount(
                    lines=lines, transaction_s=transaction_ms / 1000, most=most, seed=_SEED, writes_again=writes_again
                ).run(15, 30)
                for most, writes_again in ((1, False), (DIAL_BATCH, False), (DIAL_BATCH, True))
            )
            what = f"{lines} lines, {transaction_ms} ms a transaction: {lines / LASTS_S:.0f}/s at most"
            value = f"{shown(several.calls_per_s)}/s, {several.calls_per_s / one.calls_per_s:.1f}x"
            refused = f"{several.refused:.1f}, {one.refused:.1f} and {again.refused:.1f} refused a call"
            others = f"one by one {shown(one.calls_per_s)}/s, writing the same again {shown(again.calls_per_s)}/s"
            readings.append(Reading(what, value, f"{others}; {refused}"))
    return Section(f"calls of {LASTS_S:.0f} s of one account, in virtual time (a model of the table)", tuple(readings))


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
    one, several = (_claiming(dynamodb, url, accounts, dialers, most) for most in (1, DIAL_BATCH))
    whose = "one account" if accounts == 1 else f"{accounts} accounts"
    times = several.a_second / one.a_second
    note = f"one by one {shown(one.a_second)}/s; {several.words()}; one by one {one.words()}"
    return Reading(f"{whose}, {dialers} dialers", f"{shown(several.a_second)}/s, {times:.1f}x", note)


@dataclass(frozen=True, slots=True)
class _Claiming:
    """What dialers did together."""

    claimed: float
    seconds: float
    sent: float
    refused: float
    contended: float

    @property
    def a_second(self) -> float:
        return self.claimed / self.seconds

    def words(self) -> str:
        each = f"{self.sent / self.claimed:.2f} transactions a call, {self.refused / self.claimed:.2f} refused"
        return f"{each}, {shown(self.contended)} given up"


def _claiming(dynamodb: Any, url: str, accounts: int, dialers: int, most: int) -> _Claiming:
    made = [_account_with_calls(dynamodb, _CALLS // accounts) for _ in range(accounts)]
    done = _claimed_by(url, made, dialers, most)
    counted = {name: sum(each[name] for each in done) for name in ("claimed", "sent", "refused", "contended")}
    if not 0 < counted["claimed"] <= _CALLS:
        raise StackError(f"{counted['claimed']} of {_CALLS} calls were claimed")
    return _Claiming(seconds=max(each["seconds"] for each in done), **counted)


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


def _claimed_by(url: str, accounts: list[str], dialers: int, most: int) -> list[dict[str, float]]:
    """What each of so many dialers did that began at the same moment. Raises StackError."""
    environment = processes.clean_environment({**credentials(url), "LOG_LEVEL": "CRITICAL"})
    command = [sys.executable, "-m", "local.bench.claims.worker", _TABLE, str(most)]
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
