"""`ringline migrate`: rows of earlier releases are brought to today's schema, however often it is cut off."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ringline.accounts.store import AccountStore
from ringline.calls.model.call import State
from ringline.calls.tables.asked.rows import AskedRows
from ringline.calls.tables.store import CallStore
from ringline.routing.records import Agent, Number
from ringline.routing.store import RoutingStore
from ringline.runtime.items import from_item
from ringline.runtime.rows import SCHEMA, SCHEMA_NAME, schema_of
from ringline.runtime.table import ACCOUNTS_PK
from ringline.runtime.vault.row_secrets import AGENT, NUMBER, WEBHOOK_ENDPOINT, RowSecrets
from ringline.runtime.vault.sealed import Sealer, is_sealed
from ringline.upgrading.migrate import Migrated, migrate
from ringline.upgrading.steps import LEFT_OVER, bears_number
from ringline.upgrading.store import WholeTable
from ringline.webhooks.model.endpoint import Endpoint
from ringline.webhooks.tables.endpoints import EndpointStore
from tests.builders import NOW, a_call, at
from tests.component.one_table import LocalAws

ACCOUNT = "acct_demo"
FIRST_LAYOUT = Path(__file__).parents[2] / "fixtures" / "releases" / "1f7c2e8.json"
ROWS: list[dict[str, Any]] = [
    # Of calls only those in each state: their reasons are all one to a migration.
    row
    for row in json.loads(FIRST_LAYOUT.read_text())["rows"]
    if "reason_" not in row["sk"]["S"]
]
BEHIND = sum(bears_number(from_item(row)) for row in ROWS)
_PAGE = 7
_PAGES = -(-len(ROWS) // _PAGE)


def secrets_of(kind: str) -> RowSecrets:
    return RowSecrets(lambda: Sealer(lambda: ("k" * 40,)), kind)


class CutOff(Exception):
    """Whoever migrates dies."""


class Interrupted(WholeTable):
    """Dies with its `dies_at`-th write of a row, before or after it."""

    def __init__(self, local: LocalAws, dies_at: int, *, after_it: bool) -> None:
        super().__init__(local.dynamodb, local.table_name)
        self.writes, self.dies_at, self.after_it = 0, dies_at, after_it

    def bring(self, row: Mapping[str, Any], lacking: Mapping[str, Any], replaced: Mapping[str, Any]) -> bool:
        self.writes += 1
        if self.writes == self.dies_at and not self.after_it:
            raise CutOff
        brought = super().bring(row, lacking, replaced)
        if self.writes == self.dies_at:
            raise CutOff
        return brought


@pytest.fixture
def table(local: LocalAws) -> WholeTable:
    fill(local)
    return WholeTable(local.dynamodb, local.table_name)


def fill(local: LocalAws) -> None:
    for row in ROWS:
        local.dynamodb.put_item(TableName=local.table_name, Item=row)


def run(table: WholeTable, *, is_dry: bool = False) -> Migrated:
    *_, done = migrate(table, secrets_of, is_dry=is_dry, page=_PAGE, now=NOW)
    return done


def lies_in(local: LocalAws) -> list[dict[str, Any]]:
    rows = (row for row in local.items() if row["pk"] != ACCOUNTS_PK)
    return sorted(rows, key=lambda row: (row["pk"], row["sk"]))


def assert_all_is_migrated(local: LocalAws) -> None:
    rows = lies_in(local)
    assert len(rows) == len(ROWS), "nothing is lost, and the cursor is gone"
    for row in rows:
        assert (schema_of(row) == SCHEMA) is bears_number(row), row
    before = {(row["pk"]["S"], row["sk"]["S"]): from_item(row) for row in ROWS}
    for row in rows:
        was = before[row["pk"], row["sk"]]
        assert row.keys() >= was.keys(), "nothing of it is taken away"
        changed = {name for name in was if row[name] != was[name]}
        assert changed <= {"secrets"} and all(map(is_sealed, row.get("secrets", ()))), "nothing but what is sealed"


def test_every_row_gets_its_number_and_a_queue_entry_what_it_lacks(table: WholeTable, local: LocalAws) -> None:
    done = run(table)
    assert (done.looked_at, done.changed, done.went_on) == (len(ROWS), BEHIND, False)
    assert done.by_kind["queue_entry"] == 1 and done.by_kind.total() == BEHIND
    assert_all_is_migrated(local)
    (entry,) = CallStore(local.dynamodb, local.table_name).first_queued(ACCOUNT, 10)
    assert (entry.agent_id, entry.trunk_id) == ("agent_1", "ST_1")
    assert entry.counters == ("AGENT#agent_1", "PIPE#pipe_1", "NUMBER#+15550100000")


def test_an_account_of_before_there_was_a_list_of_all_is_listed_once(table: WholeTable, local: LocalAws) -> None:
    accounts = AccountStore(local.dynamodb, local.table_name)
    assert accounts.ids(10) == []
    assert run(table, is_dry=True).listed == 1 and accounts.ids(10) == []
    assert run(table).listed == 1
    assert run(table).listed == 0
    assert accounts.ids(10) == [ACCOUNT]


def test_run_again_it_finds_nothing_left_to_do(table: WholeTable, local: LocalAws) -> None:
    run(table)
    rows = lies_in(local)
    again = run(table)
    assert (again.looked_at, again.changed) == (len(ROWS), 0)
    assert lies_in(local) == rows


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(table: WholeTable, local: LocalAws) -> None:
    before = lies_in(local)
    done = run(table, is_dry=True)
    assert (done.looked_at, done.changed) == (len(ROWS), BEHIND)
    assert lies_in(local) == before


def test_cut_off_after_any_page_it_goes_on_there(local: LocalAws) -> None:
    for pages in range(1, _PAGES):
        fill(local)
        table = WholeTable(local.dynamodb, local.table_name)
        running = migrate(table, secrets_of, page=_PAGE, now=NOW)
        for _ in range(pages):
            next(running)
        running.close()
        done = run(table)
        assert (done.went_on, done.looked_at, done.changed) == (True, len(ROWS), BEHIND), pages
        assert_all_is_migrated(local)


@pytest.mark.parametrize("after_it", [False, True])
def test_cut_off_in_the_middle_of_any_page_it_loses_and_doubles_nothing(local: LocalAws, after_it: bool) -> None:
    for dies_at in range(1, BEHIND, _PAGE - 1):
        fill(local)
        with suppress(CutOff):
            run(Interrupted(local, dies_at, after_it=after_it))
            pytest.fail("it was to be cut off")
        done = run(WholeTable(local.dynamodb, local.table_name))
        assert done.looked_at == len(ROWS)
        assert_all_is_migrated(local)


def test_what_is_written_or_gone_meanwhile_is_left_as_it_is(table: WholeTable, local: LocalAws) -> None:
    written, gone = [from_item(row) for row in ROWS if row["pk"]["S"].endswith("#CALLS")][-2:]
    key = {"pk": {"S": written["pk"]}, "sk": {"S": written["sk"]}}
    later = {**key, SCHEMA_NAME: {"N": str(SCHEMA + 1)}, "version": {"N": "9"}}
    local.dynamodb.put_item(TableName=local.table_name, Item=later)
    local.dynamodb.delete_item(TableName=local.table_name, Key={"pk": {"S": gone["pk"]}, "sk": {"S": gone["sk"]}})
    assert not table.bring(written, {}, {})
    assert not table.bring(gone, {}, {})
    assert local.dynamodb.get_item(TableName=local.table_name, Key=key)["Item"] == later
    assert "Item" not in local.dynamodb.get_item(
        TableName=local.table_name, Key={"pk": {"S": gone["pk"]}, "sk": {"S": gone["sk"]}}
    )
    done = run(table)
    assert (done.of_a_later_release, done.changed) == (1, BEHIND - 2)


def test_a_cursor_of_a_migration_to_another_schema_is_begun_anew(table: WholeTable, local: LocalAws) -> None:
    running = migrate(table, secrets_of, page=_PAGE, now=NOW)
    next(running)
    running.close()
    cursor = {"pk": {"S": "MIGRATION"}, "sk": {"S": "PROGRESS"}}
    local.dynamodb.update_item(
        TableName=local.table_name,
        Key=cursor,
        UpdateExpression="SET to_schema = :other",
        ExpressionAttributeValues={":other": {"N": str(SCHEMA - 1)}},
    )
    assert not run(table).went_on
    assert_all_is_migrated(local)


def test_secrets_that_were_kept_as_they_were_are_sealed_and_what_is_sealed_stays(local: LocalAws) -> None:
    routing, at = RoutingStore(local.dynamodb, local.table_name), (local.dynamodb, local.table_name)
    again = secrets_of(AGENT).seal(ACCOUNT, "sealed", "sk-sealed")
    for agent_id, key in (("plain", "sk-plain"), ("sealed", again), ("keyless", None)):
        routing.put_agent(ACCOUNT, Agent(agent_id=agent_id, name=agent_id, brain="endpoint", endpoint_key=key))
    routing.put_number(ACCOUNT, Number(number="+15550100001", number_id="num_1", decision_secret="whsec_plain"))
    plain_endpoint = Endpoint(
        endpoint_id="ep_1", url="https://hooks.example", secrets=("whsec_one", "whsec_two"), created_at=1
    )
    EndpointStore(*at).add(ACCOUNT, plain_endpoint)
    done = run(WholeTable(*at))
    assert (done.changed, dict(done.by_kind)) == (3, {"agent": 1, "number": 1, "endpoint": 1})
    assert not any(secret in str(local.items()) for secret in ("sk-plain", "whsec_"))
    plain, sealed = routing.agent(ACCOUNT, "plain"), routing.agent(ACCOUNT, "sealed")
    number, endpoint = routing.number(ACCOUNT, "+15550100001"), EndpointStore(*at).endpoint(ACCOUNT, "ep_1")
    assert plain and number and endpoint and sealed and sealed.endpoint_key == again
    assert secrets_of(AGENT).open(ACCOUNT, "plain", plain.endpoint_key or "") == "sk-plain"
    assert secrets_of(NUMBER).open(ACCOUNT, number.number, number.decision_secret or "") == "whsec_plain"
    opened = [secrets_of(WEBHOOK_ENDPOINT).open(ACCOUNT, "ep_1", each) for each in endpoint.secrets]
    assert (opened, endpoint.revision) == (["whsec_one", "whsec_two"], 1)
    assert run(WholeTable(*at)).changed == 0


def test_a_secret_that_is_changed_meanwhile_is_left_as_it_is(local: LocalAws) -> None:
    routing = RoutingStore(local.dynamodb, local.table_name)
    routing.put_agent(ACCOUNT, Agent(agent_id="a", name="a", brain="endpoint", endpoint_key="sk-old"))
    (read,) = local.items()
    routing.put_agent(ACCOUNT, Agent(agent_id="a", name="a", brain="endpoint", endpoint_key="sk-new"))
    table = WholeTable(local.dynamodb, local.table_name)
    assert not table.bring(read, {}, {"endpoint_key": secrets_of(AGENT).seal(ACCOUNT, "a", "sk-old")})
    (kept,) = local.items()
    assert kept["endpoint_key"] == "sk-new"


def test_an_account_may_be_named_as_a_key_of_ours() -> None:
    assert bears_number({"pk": "A#SWEEP", "sk": "PIPE#p"})
    assert bears_number({"pk": "A#x-LIVEKIT", "sk": "ACCOUNT"})
    assert not bears_number({"pk": "A#x#CAPS", "sk": "AGENT#a"})
    assert not bears_number({"pk": "A#x", "sk": "LIST#KEYS"})


def test_what_was_asked_of_a_call_that_never_came_about_is_removed_after_a_day(local: LocalAws) -> None:
    asked = {"account_id": ACCOUNT, "instructions": "Be kind." * 100, "created_at": NOW}
    call = a_call(State.QUEUED, call_id="call_1", **asked)
    CallStore(local.dynamodb, local.table_name, asked_apart=True).create(call)
    rows = AskedRows(local.dynamodb, local.table_name)
    rows.put_apart(a_call(State.QUEUED, call_id="call_1", **asked | {"instructions": "Be quick." * 100}))
    rows.put_apart(a_call(State.QUEUED, call_id="call_2", **asked))

    def apart() -> list[str]:
        return sorted(row["sk"].partition("#")[0] for row in local.items() if row["pk"].endswith("#ASKED"))

    def migrated(now: int, *, is_dry: bool = False) -> int:
        *_, done = migrate(WholeTable(local.dynamodb, local.table_name), secrets_of, now=now, is_dry=is_dry)
        return done.by_kind[LEFT_OVER]

    assert (migrated(at(3600)), apart()) == (0, ["call_1", "call_1", "call_2"])
    day_after = at(25 * 3600)
    assert (migrated(day_after, is_dry=True), len(apart())) == (2, 3)
    assert (migrated(day_after), apart()) == (2, ["call_1"])
    assert migrated(day_after) == 0
    read = CallStore(local.dynamodb, local.table_name)
    kept = read.get(ACCOUNT, "call_1")
    assert kept is not None
    assert read.whole(kept).instructions == call.instructions
