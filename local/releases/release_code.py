"""The release whose code is on the path: its modules by what they are for, samples of its records, an empty table."""

import base64
import importlib
from contextlib import suppress
from dataclasses import MISSING, fields
from enum import StrEnum
from typing import Any

ACCOUNT, TABLE = "acct_demo", "ringline"
NOW = 1_795_224_871_000
NUMBER, CALLEE = "+15550100000", "+15550100200"

_MODULES = {
    "call": ("calls.model.call", "calls.call"),
    "reasons": ("calls.model.reasons", "calls.reasons"),
    "retries": ("calls.model.retries", "calls.retries"),
    "records": ("calls.tables.records", "calls.records"),
    "calls": ("calls.tables.store", "calls.store"),
    "results": ("calls.tables.writes.results", "calls.store"),
    "watchlist": ("calls.tables.watchlist", "calls.watchlist"),
    "paces": ("calls.tables.paces", "calls.trunk_paces"),
    "rooms": ("calls.tables.inbound_rooms", "calls.rooms"),
    "links": ("calls.tables.carrier_links", "calls.carrier_links"),
    "transcripts": ("calls.tables.transcripts", "calls.transcripts"),
    "doorbells": ("calls.tables.queues", "calls.doorbell"),
    "looks": ("calls.tables.queues", "calls.look_queue"),
    "delivery": ("webhooks.model.delivery", "webhooks.delivery"),
    "endpoint": ("webhooks.model.endpoint", "webhooks.endpoint"),
    "event_type": ("webhooks.model.event_type", "webhooks.endpoint"),
    "webhook_queue": ("webhooks.sending.queue", "webhooks.queue"),
    "endpoints": ("webhooks.tables.endpoints", "webhooks.store"),
    "deliveries": ("webhooks.tables.deliveries", "webhooks.store"),
    "account": ("accounts.account",),
    "accounts": ("accounts.store",),
    "routing": ("routing.store",),
    "set_up": ("routing.records",),
    "transfer": ("calls.model.transfers.transfer",),
    "counters": ("calls.tables.limits.counters",),
    "capacity": ("calls.capacity.counters",),
    "outcomes": ("calls.outcomes.store",),
    "outcome": ("calls.outcomes.outcome",),
    "tickets": ("calls.web.store",),
    "ticket": ("calls.web.ticket",),
    "lines": ("trunking.model.lines",),
    "trunks": ("trunking.tables.trunks",),
    "trunk_links": ("trunking.tables.links",),
    "voices": ("voices.store",),
    "profiles": ("voices.profiles",),
    "runner_records": ("agents.model.records",),
    "assignments": ("agents.tables.assignments",),
    "consent": ("calls.facts.consent",),
    "registry": ("agents.tables.registry",),
    "frames": ("agents.model.frames",),
    "asked": ("calls.tables.asked.rows",),
    "limits": ("calls.capacity.limits",),
    "reached": ("calls.tables.limits.reached",),
    "livekit_rest": ("calls.tables.livekit_rest",),
    "budget": ("calls.tables.limits.livekit_budget",),
    "agent_rests": ("calls.tables.agent_rests",),
    "ports": ("calls.model.ports",),
    "call_events": ("calls.model.events",),
    "progress": ("calls.progress.progress",),
    "payload": ("calls.views.payload",),
    "event": ("webhooks.model.event",),
    "events": ("webhooks.tables.events",),
    "event_turns": ("webhooks.tables.event_turns",),
    "replays": ("webhooks.replays",),
    "replay_rows": ("webhooks.tables.replays",),
    "pace": ("webhooks.model.pace",),
    "turns": ("webhooks.tables.turns",),
    "allowances": ("accounts.tables.allowances",),
    "last_use": ("accounts.last_use",),
    "key_uses": ("accounts.tables.key_uses",),
    "audit": ("audit.log",),
    "audit_entry": ("audit.entry",),
    "setup": ("setup.store",),
    "number_rows": ("trunking.tables.numbers",),
    "upgrading": ("upgrading.store",),
}
"""Where a module is, and where it was before."""


class Release:
    """The release on the path: its modules by what they are for, None for what it does not have."""

    def __getattr__(self, name: str) -> Any:
        for place in _MODULES[name]:
            with suppress(ModuleNotFoundError):
                return importlib.import_module(f"ringline.{place}")
        return None


RELEASE = Release()


def has(*names: str) -> bool:
    """Whether the release has all of these modules."""
    return all(getattr(RELEASE, name) is not None for name in names)


def clock() -> int:
    return NOW


def known(kind: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Those of the values that are fields of this kind in this release."""
    names = getattr(kind, "_names", None) or [each.name for each in fields(kind)]
    return {name: value for name, value in values.items() if name in names}


def made(kind: Any, /, **values: Any) -> Any:
    return kind(**known(kind, values))


def samples_of(kind: Any, **given: Any) -> Any:
    """One of a kind with every field filled that nothing else is said of."""
    values = {}
    for each in fields(kind):
        is_optional = each.default is not MISSING
        sample = _sample(str(each.type), each.name)
        values[each.name] = given.get(each.name, sample if sample is not None or not is_optional else each.default)
    return kind(**{name: value for name, value in values.items() if name != "carried"})


def filled(kind: Any, besides: frozenset[str]) -> dict[str, Any]:
    """Samples of its plain fields, besides those."""
    samples = {each.name: _sample(str(each.type), each.name) for each in fields(kind) if each.name not in besides}
    return {name: sample for name, sample in samples.items() if sample is not None and name != "carried"}


def _sample(type_name: str, name: str) -> Any:
    match type_name.replace("<class '", "").replace("'>", "").split(" | ")[0]:
        case "str":
            return f"a {name}"
        case "int":
            return NOW + 7000 if name.endswith(("_at", "_since")) else 3
        case "float":
            return 2.5
        case "bool":
            return True
        case "tuple[str, ...]":
            return (f"a {name}",)
    return None


def as_json(value: Any) -> str:
    """What JSON does not know of an item: bytes, in base64."""
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value)} is none of an item's")
    return base64.b64encode(value).decode()


def from_json(found: dict[str, Any]) -> dict[str, Any]:
    """The same back, for each object of a document of rows."""
    return {"B": base64.b64decode(found["B"])} if found.keys() == {"B"} else found


class _Key(StrEnum):
    PK = "pk"
    SK = "sk"
    DUE_SHARD = "due_shard"
    DUE_AT = "due_at"


def make_table(db: Any) -> None:
    db.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "N" if name is _Key.DUE_AT else "S"} for name in _Key
        ],
        KeySchema=[
            {"AttributeName": _Key.PK, "KeyType": "HASH"},
            {"AttributeName": _Key.SK, "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "DueIndex",
                "KeySchema": [
                    {"AttributeName": _Key.DUE_SHARD, "KeyType": "HASH"},
                    {"AttributeName": _Key.DUE_AT, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
