"""What a row of an earlier schema lacks, by its kind. Pure.

| schema | what came with it
|--------|-----------------------------------------------------------------------------------------
| 1      | rows without a number, of the releases before there was one
| 2      | the number; a queue entry names its agent, its brain and its counters, which the first layout did not

A migration adds, and takes nothing away that anybody reads: the release before reads what it leaves, and whoever is
interrupted can begin anew. Secrets alone are another matter: what a release kept as it was is sealed, whatever the
row's number, and who goes back to a release that opens none of that kind gives those anew. And rows by which accounts
list their keys are moved, whatever their number, to where the deployment says that they stand (`KeysApart`): by a
setting, because the release before reads them in one place alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ringline.accounts.key_rows import where_keys_stand
from ringline.calls.model.call import Call
from ringline.calls.tables.asked.rows import ITEM_KIND as ASKED
from ringline.calls.tables.writes.companions import entry_attributes
from ringline.runtime.rows import SCHEMA, schema_of
from ringline.runtime.table import (
    ACCOUNT_SK,
    FAILING_PK,
    KEY_PREFIX,
    LIST_PREFIX,
    LIVEKIT_PK,
    MIGRATION_PK,
    PACE_SK,
    PACED_RING_SK,
    SWEEP_PK,
    USES_PREFIX,
    WAITING_PK,
    WAITING_PKS,
    account_pk,
    keys_pk,
)
from ringline.runtime.vault.row_secrets import AGENT, NUMBER, WEBHOOK_ENDPOINT, RowSecrets
from ringline.runtime.vault.sealed import is_sealed

QUEUE_ENTRY = "queue_entry"
KEY_OF_AN_ACCOUNT = "key of an account"
LEFT_OVER = "left over of a request"
LEFT_OVER_AFTER_MS = 24 * 3600 * 1000
"""So long after a call was to be created nobody is about to write it any more."""

_NUMBERLESS = frozenset({FAILING_PK, LIVEKIT_PK, WAITING_PK, *WAITING_PKS, SWEEP_PK, MIGRATION_PK})
_NUMBERLESS_OF_AN_ACCOUNT = ("#CAPS", "#RUNNERS", "#TURNS")
_NUMBERLESS_BY_SK = (PACED_RING_SK, "AGENT_REST#", USES_PREFIX, LIST_PREFIX, PACE_SK)
"""Items that are only added up, and hints: they bear no number (`runtime.rows`)."""


@dataclass(frozen=True, slots=True)
class _Secrets:
    """In which attribute of a row its secrets are, one or a list of them, and what kind of row they are sealed for."""

    attribute: str
    kind: str


_SECRETS = {
    "agent": _Secrets("endpoint_key", AGENT),
    "number": _Secrets("decision_secret", NUMBER),
    "endpoint": _Secrets("secrets", WEBHOOK_ENDPOINT),
}

_KINDS = {
    "#QUEUE": QUEUE_ENTRY,
    "#ONCE": "idempotency_key",
    "#UNIQUE": "call_of_a_number",
    "#ASSIGNMENTS": "assignment",
}


def kind_of(row: Mapping[str, Any]) -> str:
    """What a row is, in a word for the operator."""
    if _is_key_of_an_account(row):
        return KEY_OF_AN_ACCOUNT
    by_key = next((kind for end, kind in _KINDS.items() if row["pk"].endswith(end)), None)
    return str(row.get("item_kind") or by_key or row["pk"].partition("#")[0].lower())


def _texts(value: Any) -> list[str]:
    return list(value) if isinstance(value, list | tuple) else [value]


def is_plain(row: Mapping[str, Any]) -> bool:
    """Whether it has a secret as it is, which rows of today have sealed."""
    found = _SECRETS.get(row.get("item_kind", ""))
    value = None if found is None else row.get(found.attribute)
    return value is not None and not all(map(is_sealed, _texts(value)))


def sealed(row: Mapping[str, Any], secrets_of: Callable[[str], RowSecrets]) -> dict[str, Any]:
    """The attribute of a row's secrets with each of them sealed; nothing for a row that has none as it is.
    `secrets_of` seals those of a kind."""
    if not is_plain(row):
        return {}
    found = _SECRETS[row["item_kind"]]
    account_id, thing_id = row["pk"].partition("#")[2], row["sk"].partition("#")[2]
    seal, value = partial(secrets_of(found.kind).sealed, account_id, thing_id), row[found.attribute]
    return {found.attribute: seal(value) if isinstance(value, str) else [seal(each) for each in value]}


def bears_number(row: Mapping[str, Any]) -> bool:
    pk, sk = row["pk"], row["sk"]
    return not (pk in _NUMBERLESS or pk.endswith(_NUMBERLESS_OF_AN_ACCOUNT) or sk.startswith(_NUMBERLESS_BY_SK))


def is_account(row: Mapping[str, Any]) -> bool:
    return bool(row["sk"] == ACCOUNT_SK and row["pk"].startswith(account_pk("")))


def _is_key_of_an_account(row: Mapping[str, Any]) -> bool:
    account_id = row["pk"].partition("#")[2].partition("#")[0]
    return row["sk"].startswith(KEY_PREFIX) and row["pk"] in {account_pk(account_id), keys_pk(account_id)}


def moves_to(row: Mapping[str, Any], *, keys_apart: bool) -> str | None:
    """The partition where the row by which an account lists a key is to stand; None for one that stands there, for one
    that a later release wrote, and for any other row."""
    if not _is_key_of_an_account(row) or schema_of(row) > SCHEMA:
        return None
    pk = where_keys_stand(row["pk"].split("#")[1], apart=keys_apart)
    return None if pk == row["pk"] else pk


def is_behind(row: Mapping[str, Any]) -> bool:
    """Whether a migration has something to do about it."""
    return bears_number(row) and (schema_of(row) < SCHEMA or (schema_of(row) == SCHEMA and is_plain(row)))


def is_left_over(row: Mapping[str, Any], now: int, call_of: Callable[[str, str], Call | None]) -> bool:
    """Whether it is what was asked of a call that names no such row: whoever wrote it died before the call was
    accepted, or while what was asked of it was erased."""
    if kind_of(row) != ASKED or row["created_at"] > now - LEFT_OVER_AFTER_MS:
        return False
    call_id, _, key = row["sk"].partition("#")
    call = call_of(row["pk"].split("#")[1], call_id)
    return call is None or call.asked_key != key


def lacks(row: Mapping[str, Any], call_of: Callable[[str, str], Call | None]) -> dict[str, Any]:
    """The attributes that the row has not, and a row of today's would have, beside its number. `call_of` reads a call
    by account and id."""
    if kind_of(row) != QUEUE_ENTRY:
        return {}
    account_id, call_id = row["pk"].split("#")[1], row["sk"].partition("#")[2]
    call = call_of(account_id, call_id)
    if call is None:
        return {}
    return {name: value for name, value in entry_attributes(call).items() if value and name not in row}
