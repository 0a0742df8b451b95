"""How often a key's last use is written."""

from dataclasses import dataclass, field

from ringline.accounts.last_use import PRECISION_MS, LastUse, LastUses
from ringline.runtime.logging import make_logger
from tests.fakes import HandClock


@dataclass
class Rows:
    kept: dict[str, LastUse] = field(default_factory=dict)
    reads: int = 0
    writes: int = 0

    def last_use(self, _account_id: str, key_id: str) -> LastUse | None:
        self.reads += 1
        return self.kept.get(key_id)

    def note(self, _account_id: str, key_id: str, use: LastUse, before: int) -> None:
        self.writes += 1
        assert key_id not in self.kept or self.kept[key_id].at < before
        self.kept[key_id] = use


def test_a_use_is_written_once_an_hour_whatever_the_containers() -> None:
    rows, clock = Rows(), HandClock()
    containers = [LastUses(rows, clock, make_logger("test")) for _ in range(3)]
    began = clock.now = 7 * PRECISION_MS
    for minute in range(60):
        clock.now = began + minute * 60_000
        for each in containers:
            each.saw("acct_1", "key_1", "192.0.2.1")
    assert (rows.writes, rows.reads) == (1, 3)
    assert rows.kept["key_1"] == LastUse(began, "192.0.2.1")


def test_what_is_told_is_at_most_an_hour_behind() -> None:
    rows, clock = Rows(), HandClock()
    uses = LastUses(rows, clock, make_logger("test"))
    clock.now = 7 * PRECISION_MS
    for _ in range(200):
        clock.now += 217_000
        uses.saw("acct_1", "key_1", None)
        assert 0 <= clock.now - rows.kept["key_1"].at < PRECISION_MS


def test_each_key_has_a_use_of_its_own() -> None:
    rows, clock = Rows(), HandClock()
    uses = LastUses(rows, clock, make_logger("test"))
    uses.saw("acct_1", "key_1", "192.0.2.1")
    uses.saw("acct_1", "key_2", "192.0.2.2")
    assert {key: use.source_ip for key, use in rows.kept.items()} == {"key_1": "192.0.2.1", "key_2": "192.0.2.2"}
