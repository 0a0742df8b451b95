"""What an account's set-up and keys leave beside themselves: uses, names and owners; the log of changes, what keys used
up; and a migration that was cut off."""

import importlib
from inspect import signature
from typing import Any

release_code = importlib.import_module("release_code")
"""Beside this script, which runs where nothing of `local` is on the path."""
ACCOUNT, TABLE, NOW, clock = release_code.ACCOUNT, release_code.TABLE, release_code.NOW, release_code.clock
NUMBER, RELEASE, made = release_code.NUMBER, release_code.RELEASE, release_code.made

SECOND_NUMBER, LIVEKIT_TRUNK = "+15550100001", "ST_2"


def write_around_accounts(db: Any) -> None:
    write_uses(db)
    write_caps(db)
    write_audit(db)
    write_keys_use(db)
    write_key_apart(db)
    progress = RELEASE.upgrading.Progress(RELEASE.upgrading.SCHEMA, (f"A#{ACCOUNT}", "ACCOUNT"), 7, 3)
    RELEASE.upgrading.WholeTable(db, TABLE).note(progress)


def write_uses(db: Any) -> None:
    """An agent under a name of its own with an adopted trunk, a pipe that it takes, and a number of that pipe."""
    setup, records = RELEASE.setup.SetupStore(db, TABLE), RELEASE.set_up
    RELEASE.trunks.TrunkStore(db, TABLE).adopt(ACCOUNT, LIVEKIT_TRUNK)
    agent = made(
        records.Agent,
        agent_id="agent_named",
        name="Named",
        brain=records.Brain.LIVEKIT.value,
        dispatch_name="acme",
        trunk_id=LIVEKIT_TRUNK,
    )
    seen = setup.seen_trunk(ACCOUNT, LIVEKIT_TRUNK)
    setup.save(ACCOUNT, [RELEASE.setup.Change(agent)], RELEASE.setup.line_of(agent), seen)
    pipe = made(records.Pipe, pipe_id="pipe_named", name="Named", agent_id="agent_named", number=NUMBER)
    uses = {RELEASE.setup.reference_to(agent), *RELEASE.setup.line_of(pipe)}
    setup.save(ACCOUNT, [RELEASE.setup.Change(pipe)], uses)
    number = made(records.Number, number=SECOND_NUMBER, number_id="num_2", pipe_id="pipe_named")
    RELEASE.number_rows.NumberRows(db, TABLE).write(ACCOUNT, None, number)
    RELEASE.trunk_links.Links(db, TABLE, clock).take(ACCOUNT, SECOND_NUMBER)


def write_caps(db: Any) -> None:
    counters, kind = RELEASE.counters.Counters(db, TABLE, clock), RELEASE.capacity.Kind
    for each, of in ((kind.PIPE, "pipe_named"), (kind.NUMBER, SECOND_NUMBER)):
        counters.set_cap(ACCOUNT, each, of, 5, None)


def write_audit(db: Any) -> None:
    """A change that was cut off, and one with each outcome that there is."""
    log, entries = RELEASE.audit.AuditLog(db, TABLE), RELEASE.audit_entry
    for number, outcome in enumerate(entries.Outcome):
        begun = made(
            entries.Entry,
            audit_id=f"audit_{number}",
            account_id=ACCOUNT,
            at=NOW + number,
            action="pipes.change",
            resource="pipes/pipe_1",
            who="key_1",
            name="first",
            source_ip="203.0.113.7",
            request_id="request_1",
        )
        changes = entries.changes_between({"name": "Pipe", "secret": "old"}, {"name": "Renamed", "secret": "new"})
        is_cut_off = outcome is entries.Outcome.BEGUN
        log.write(begun if is_cut_off else begun.ended(outcome, changes=changes, status=200))


def write_keys_use(db: Any) -> None:
    (key,) = RELEASE.accounts.AccountStore(db, TABLE, clock).keys(ACCOUNT)
    RELEASE.allowances.KeyRateRows(db, TABLE).add(key.key_id, NOW // 60_000, 3)
    use = RELEASE.last_use.LastUse(NOW, "203.0.113.7")
    RELEASE.key_uses.KeyUses(db, TABLE).note(ACCOUNT, key.key_id, use, NOW - 3_600_000)


def write_key_apart(db: Any) -> None:
    """Where the release may keep rows of keys in a partition of their own."""
    store = RELEASE.accounts.AccountStore
    if "keys_apart" in signature(store).parameters:
        store(db, TABLE, clock, keys_apart=True).add_key(ACCOUNT, "apart")
