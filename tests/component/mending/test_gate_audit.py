"""The audit of the gates that the sweep makes by itself: what it finds, what it leaves, how much it reads."""

from copy import replace
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.mending import gate_audit
from ringline.calls.mending.gate_audit import Audited, Difference, GateAudit, NotAudited
from ringline.calls.model.call import State
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import Watchlist
from ringline.runtime.items import to_item
from ringline.runtime.table import GATE_SK, calls_pk, gate_pk
from tests.builders import NOW, a_call
from tests.component.one_table import LocalAws

ACCOUNTS = ("acme", "other", "third")


@dataclass
class Lines:
    """Accounts with a line or two in use, and their audit."""

    local: LocalAws
    now_ms: int = NOW
    slept: list[float] = field(default_factory=list)
    while_waiting: Any = lambda: None

    @property
    def store(self) -> CallStore:
        return CallStore(self.local.dynamodb, self.local.table_name)

    @property
    def watchlist(self) -> Watchlist:
        return Watchlist(self.local.dynamodb, self.local.table_name)

    def dials(self, account_id: str, call_id: str) -> None:
        queued = a_call(account_id=account_id, call_id=call_id, created_at=NOW, eligible_at=NOW)
        self.store.create(queued)
        dialed = replace(queued, state=State.DIALING, attempt=1, dialed_at=NOW, due_at=NOW + 20_000, version=2)
        self.store.commit(queued, dialed)

    def gate_says(self, account_id: str, in_use: int, line_ends: int = 0) -> None:
        self.local.dynamodb.update_item(
            TableName=self.local.table_name,
            Key=to_item({"pk": gate_pk(account_id), "sk": GATE_SK}),
            UpdateExpression="SET in_use = :in_use, line_ends = :line_ends",
            ExpressionAttributeValues=to_item({":in_use": in_use, ":line_ends": line_ends}),
        )

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_ms += round(seconds * 1000)
        self.while_waiting()

    def audited(self, until: int | None = None, **most: int) -> Audited | NotAudited:
        return GateAudit(self.store, self.watchlist, lambda: self.now_ms, self._sleep, **most).run(until)


@pytest.fixture
def lines(local: LocalAws) -> Lines:
    accounts = AccountStore(local.dynamodb, local.table_name)
    for account_id in ACCOUNTS:
        accounts.create_account(Account(account_id, account_id.title(), account_id, 5))
    lines = Lines(local)
    lines.dials("acme", "call_01JD5Z0000000000000000000A")
    lines.dials("acme", "call_01JD5Z0000000000000000000B")
    lines.dials("other", "call_01JD5Z0000000000000000000C")
    return lines


def test_gates_that_count_their_calls_are_right_at_the_first_look(lines: Lines) -> None:
    assert lines.audited() == Audited(3, ())
    assert lines.slept == []


def test_a_line_that_nobody_gave_back_and_one_that_nobody_took_are_found(lines: Lines) -> None:
    lines.gate_says("acme", 4)
    lines.gate_says("other", 0)
    assert lines.audited() == Audited(3, (Difference("acme", 4, 2), Difference("other", 0, 1)))
    assert lines.slept == list(gate_audit.LOOK_AGAIN_S[: gate_audit.PROOFS])


def test_a_lost_line_is_found_while_other_calls_of_the_account_come_and_go(lines: Lines) -> None:
    lines.gate_says("acme", 3)
    ids = iter(("call_01JD5Z0000000000000000000D", "call_01JD5Z0000000000000000000E"))

    def one_more() -> None:
        if call_id := next(ids, None):
            lines.dials("acme", call_id)

    lines.while_waiting = one_more
    assert lines.audited() == Audited(3, (Difference("acme", 5, 4),))


def test_a_gate_that_moves_at_each_look_is_not_judged_however_equal_the_difference_is(lines: Lines) -> None:
    """By chance: each time one more call has taken its line that the index does not name yet."""
    lines.gate_says("acme", 3)
    moves = iter(range(100))

    def one_ends_and_one_begins() -> None:
        lines.gate_says("acme", 3, line_ends=next(moves) + 1)

    lines.while_waiting = one_ends_and_one_begins
    assert lines.audited() == Audited(3, ())
    assert lines.slept == list(gate_audit.LOOK_AGAIN_S)


def test_calls_that_were_claimed_between_the_reads_are_no_difference(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls are read first, and before the gate is read one more takes a line: at each look again."""
    ids = iter(f"call_01JD5Z00000000000000000{n:03}" for n in range(100))
    read = CallStore.get_many

    def then_one_more(store: CallStore, *args: Any) -> Any:
        found = read(store, *args)
        lines.dials("acme", next(ids))
        return found

    monkeypatch.setattr(CallStore, "get_many", then_one_more)
    audited = lines.audited()
    assert isinstance(audited, Audited)
    assert audited.differences == ()


def test_an_audit_ends_at_its_moment_and_keeps_what_is_proven(lines: Lines) -> None:
    assert lines.audited(until=NOW) == NotAudited("it would have taken too long")
    assert lines.audited(until=NOW + 1) == Audited(3, ()), "nothing differs"
    lines.gate_says("acme", 3)
    assert lines.audited(until=lines.now_ms + 1000) == NotAudited("it would have taken too long")
    lines.while_waiting = lambda: lines.gate_says("other", 2, line_ends=lines.now_ms)
    lines.gate_says("other", 2)
    assert lines.audited(until=lines.now_ms + 5000) == Audited(3, (Difference("acme", 3, 2),))


def test_a_difference_that_is_gone_at_the_next_look_is_none(lines: Lines) -> None:
    lines.gate_says("acme", 3)
    lines.while_waiting = lambda: lines.gate_says("acme", 2)
    assert lines.audited() == Audited(3, ())


def test_a_lost_line_of_an_account_that_only_waits_is_found(lines: Lines) -> None:
    lines.gate_says("third", 1)
    assert lines.audited() == Audited(3, ()), "nobody keeps a list of all accounts"
    lines.watchlist.mark_waiting("third", NOW)
    assert lines.audited() == Audited(3, (Difference("third", 1, 0),))


def test_an_account_with_a_row_that_cannot_be_read_is_not_judged(lines: Lines) -> None:
    lines.local.dynamodb.update_item(
        TableName=lines.local.table_name,
        Key=to_item({"pk": calls_pk("acme"), "sk": "call_01JD5Z0000000000000000000A"}),
        UpdateExpression="REMOVE created_at",
    )
    lines.gate_says("other", 2)
    audited = lines.audited()
    assert isinstance(audited, Audited)
    assert audited.differences == (Difference("other", 2, 1),)


def test_too_many_calls_are_not_counted_in_part(lines: Lines) -> None:
    assert lines.audited(most_calls=3) == NotAudited("too many calls are on a line to be counted one by one")


def test_more_accounts_than_one_look_reads_have_their_turn(lines: Lines) -> None:
    lines.gate_says("acme", 3)
    lines.gate_says("other", 2)
    found = set()
    for _ in range(2):
        audited = lines.audited(most_accounts=1)
        assert isinstance(audited, Audited)
        assert len(audited.differences) == 1
        found |= {each.account_id for each in audited.differences}
        lines.now_ms += gate_audit.EVERY_MIN * 60_000
    assert found == {"acme", "other"}


def test_one_run_of_the_sweep_in_ten_looks() -> None:
    due = [minute for minute in range(30) if gate_audit.is_due(NOW // 600_000 * 600_000 + minute * 60_000 + 31_000)]
    assert due == [0, 10, 20]
