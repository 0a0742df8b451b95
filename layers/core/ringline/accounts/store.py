"""Accounts and keys in the one table.

| item    | pk                  | sk           | attributes
|---------|---------------------|--------------|------------------------------------------------------------
| account | A#<account>         | ACCOUNT      | account_id, name, org_handle, created_at, country,
|         |                     |              | default_number
| its place | ACCOUNTS          | <account>    | nothing: for whoever lists all accounts
| gate    | A#<account>#GATE    | GATE         | in_use (written by calls.tables.store), cap, inbound_reserve,
|         |                     |              | allowed_prefixes
| api key | KEY#<sha256 of key> | KEY          | key_id, account_id, org_handle, name, created_at, revoked_at,
|         |                     |              | expires_at, scopes, rotated_to,
|         |                     |              | allowed_ip_ranges
| its row | A#<account>#KEYS    | KEY#<key id> | key_hash, and the same: how an account lists and revokes its keys
| or      | A#<account>         | the same     | the same

Keys' rows have a partition of their own where the deployment says so (`keys_apart`), because IAM tells partitions apart
and not the rows of one: whoever changes an account's endpoints could change its keys' rows beside them. The release
before looks for them beside the endpoints alone, so that other deployments write them there still. Whoever reads needs
not know (`accounts.key_rows`). No row leads to another account's key, whatever it says of its account and its
hash: a change asks of the key itself whose it is, and of the account's row that it stands where it stood.
"""

import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from ringline.accounts.account import Account, ApiKey, KeyChanged, hash_of
from ringline.accounts.key_rows import KeyRows, where_keys_stand
from ringline.runtime.clock import Clock, now_ms
from ringline.runtime.ids import new_id, new_secret
from ringline.runtime.items import condition_failed, from_item, met_a_transaction, refusal_reasons, to_item
from ringline.runtime.rows import OF_EVERY_ROW, attributes_of, known_to, to_row
from ringline.runtime.table import (
    ACCOUNT_SK,
    ACCOUNTS_PK,
    GATE_SK,
    KEY_PREFIX,
    KEY_SK,
    account_pk,
    gate_pk,
    key_pk,
)
from ringline.runtime.web.problems import Problem, not_found

_KEY_BYTES = 32
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_CAP_TRIES = 8
_CAP_WAIT_S = 0.05
_KEY_TRIES = 8
_KEY_WAIT_S = 0.1

_IS_NEW = "attribute_not_exists(pk)"
_EXISTS = "attribute_exists(pk)"
_NO_CALLERS = "attribute_exists(pk) AND attribute_not_exists(outbound_cap)"
_AS_MANY_CALLERS = "outbound_cap = :read"
_IS_THIS_KEY = "account_id = :account AND key_id = :key"
_NOT_REVOKED = f"{_IS_THIS_KEY} AND attribute_not_exists(revoked_at)"
_OF_A_KEY = OF_EVERY_ROW | {"key_hash"}
COMES_LATER_TO_A_KEY = ("revoked_at", "expires_at", "rotated_to", "allowed_ip_ranges")
"""Attributes that a key's row may get, or lose, after it was written."""
_HAS_THESE_RANGES = "allowed_ip_ranges = :ranges"
_HAS_NO_RANGES = f"(attribute_not_exists(allowed_ip_ranges) OR {_HAS_THESE_RANGES})"
_NOT_REPLACED = f"{_NOT_REVOKED} AND attribute_not_exists(rotated_to)"


@dataclass(frozen=True, slots=True)
class _Change:
    """Of a key's two rows: an update's expression, and the values that it names."""

    expression: str
    values: Mapping[str, Any]


type Admit = Callable[[list[ApiKey]], None]
"""Refuses one more key beside those that there are, by raising."""


def _any_number(_keys: list[ApiKey]) -> None:
    """An operator's key is never one too many."""


class AccountStore:
    """`keys_apart`: rows of new keys are put into the partition of their own; reading does not depend on it."""

    def __init__(self, dynamodb: Any, table_name: str, clock: Clock = now_ms, *, keys_apart: bool = False) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._clock = clock
        self._keys_apart = keys_apart
        self._key_rows = KeyRows(dynamodb, table_name)

    def create_account(self, account: Account) -> None:
        """Writes the account with its gate, empty, and its place among all accounts, in one transaction.

        Raises Problem 409 if the account exists, and ValueError for an id that keys and room names could not carry.
        """
        if not _ACCOUNT_ID.fullmatch(account.account_id):
            raise ValueError("an account id has letters, digits, _ and - only")
        pk = account_pk(account.account_id)
        fields = {
            "pk": pk,
            "sk": ACCOUNT_SK,
            "item_kind": "account",
            "account_id": account.account_id,
            "name": account.name,
            "org_handle": account.org_handle,
            "created_at": self._clock(),
            "country": account.country,
        }
        gate = {"pk": gate_pk(account.account_id), "sk": GATE_SK, "item_kind": "gate", "in_use": 0, "cap": account.cap}
        # The release before wrote no such place, and `ringline migrate` may be adding it: it is never what refuses.
        listed = {"Put": {"TableName": self._table_name, "Item": to_row(listed_row(account.account_id))}}
        try:
            self._dynamodb.transact_write_items(TransactItems=[self._put_new(fields), self._put_new(gate), listed])
        except ClientError as error:
            if refusal_reasons(error) is None:
                raise
            raise Problem(409, "account_exists", "There is an account with this id") from None

    def ids(self, limit: int, after: str = "") -> list[str]:
        """Ids of the first accounts behind that one, in their order, of all that there are. Those that a release before
        this list made are in it after `ringline migrate`."""
        answer = self._dynamodb.query(
            TableName=self._table_name,
            KeyConditionExpression="pk = :pk AND sk > :after",
            # No id is smaller: a key must not be empty.
            ExpressionAttributeValues=to_item({":pk": ACCOUNTS_PK, ":after": after or " "}),
            Limit=limit,
        )
        return [from_item(item)["sk"] for item in answer["Items"]]

    def account(self, account_id: str) -> Account | None:
        keys = [
            {"pk": account_pk(account_id), "sk": ACCOUNT_SK},
            {"pk": gate_pk(account_id), "sk": GATE_SK},
        ]
        answer = self._dynamodb.transact_get_items(
            TransactItems=[{"Get": {"TableName": self._table_name, "Key": to_item(key)}} for key in keys]
        )
        account, gate = (from_item(response.get("Item", {})) for response in answer["Responses"])
        if not account or not gate:
            return None
        return Account(account_id, account["name"], account["org_handle"], gate["cap"], account.get("country"))

    def org_handle_of(self, account_id: str) -> str | None:
        """The account as the header `Org-Handle` names it."""
        account = self._read(account_pk(account_id), ACCOUNT_SK)
        return None if account is None else str(account["org_handle"])

    def country_of(self, account_id: str) -> str | None:
        """The country of the numbers that the account writes without a country's code."""
        key = to_item({"pk": account_pk(account_id), "sk": ACCOUNT_SK})
        return from_item(self._dynamodb.get_item(TableName=self._table_name, Key=key).get("Item", {})).get("country")

    def set_country(self, account_id: str, country: str | None) -> None:
        """Raises Problem 404."""
        change = "REMOVE country" if country is None else "SET country = :country"
        values = {} if country is None else {"ExpressionAttributeValues": to_item({":country": country})}
        self._change_row({"pk": account_pk(account_id), "sk": ACCOUNT_SK}, change, values)

    def set_default_number(self, account_id: str, number: str | None) -> None:
        """What the account calls from where neither request nor pipe nor agent says. Raises Problem 404."""
        change = "REMOVE default_number" if number is None else "SET default_number = :number"
        values = {} if number is None else {"ExpressionAttributeValues": to_item({":number": number})}
        self._change_row({"pk": account_pk(account_id), "sk": ACCOUNT_SK}, change, values)

    def _change_row(self, key: dict[str, Any], change: str, values: dict[str, Any]) -> None:
        """Raises Problem 404."""
        try:
            self._dynamodb.update_item(
                TableName=self._table_name,
                Key=to_item(key),
                UpdateExpression=change,
                ConditionExpression=_EXISTS,
                **values,
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            raise not_found("account_not_found", "There is no such account") from None

    def set_cap(self, account_id: str, cap: int) -> None:
        """How many calls may be on a line from now on. A lower cap drains, a higher one wants the doorbell rung.

        Raises Problem 404, 503 while too many calls pass the gate, and ValueError for a cap below 0.
        """
        if cap < 0:
            raise ValueError("a cap is 0 or more")
        self._change_gate(account_id, lambda gate: gate | {"cap": cap})

    def set_inbound_reserve(self, account_id: str, reserve: int | None) -> None:
        """How many of its lines outbound calls leave to callers from now on. With a reserve, be it 0, callers hold
        lines; with None they hold none. Calls under way keep what they hold.

        Raises as `set_cap`, and ValueError for a reserve below 0.
        """
        if reserve is not None and reserve < 0:
            raise ValueError("a reserve is 0 or more")
        self._change_gate(account_id, lambda gate: gate | {"inbound_reserve": reserve})

    def set_allowed_prefixes(self, account_id: str, prefixes: tuple[str, ...] | None) -> None:
        """What the numbers begin with that the account may call from now on; None for the countries of its own numbers,
        and none at all for nobody. Calls that wait are held to it when it is their turn. Raises Problem 404."""
        change = "REMOVE allowed_prefixes" if prefixes is None else "SET allowed_prefixes = :prefixes"
        values = {} if prefixes is None else {"ExpressionAttributeValues": to_item({":prefixes": list(prefixes)})}
        self._change_row({"pk": gate_pk(account_id), "sk": GATE_SK}, change, values)

    def inbound_reserve(self, account_id: str) -> int | None:
        """None where callers hold no lines."""
        return (self._read(gate_pk(account_id), GATE_SK) or {}).get("inbound_reserve")

    def _change_gate(self, account_id: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """What outbound calls may use is kept beside the cap, because a condition cannot add up: it is written with the
        two that it is made of, unless a caller came or left meanwhile."""
        for _ in range(_CAP_TRIES):
            gate = self._read(gate_pk(account_id), GATE_SK)
            if gate is None:
                raise not_found("account_not_found", "There is no such account")
            if self._changed(account_id, gate, change(gate)):
                return
            # Calls of the account are passing the gate at this moment, and their transactions hold it.
            time.sleep(_CAP_WAIT_S)
        raise Problem(503, "account_busy", "The cap was not changed; try again")

    def _changed(self, account_id: str, before: dict[str, Any], after: dict[str, Any]) -> bool:
        sets, condition, values = ["#cap = :cap"], _EXISTS, {":cap": after["cap"]}
        reserve, had = after.get("inbound_reserve"), "outbound_cap" in before
        if reserve is not None or had:
            # Taken back, a reserve is one of none: callers who hold lines still give them back here.
            outbound_cap = after["cap"] - (reserve or 0) + before.get("inbound_in_use", 0)
            sets.append("outbound_cap = :outbound_cap")
            condition = _AS_MANY_CALLERS if had else _NO_CALLERS
            values |= {":outbound_cap": outbound_cap} | ({":read": before["outbound_cap"]} if had else {})
        if reserve is not None:
            sets.append("inbound_reserve = :reserve")
            values[":reserve"] = reserve
        gone = " REMOVE inbound_reserve" if reserve is None and "inbound_reserve" in before else ""
        try:
            self._dynamodb.update_item(
                TableName=self._table_name,
                Key=to_item({"pk": gate_pk(account_id), "sk": GATE_SK}),
                UpdateExpression=f"SET {', '.join(sets)}{gone}",
                ConditionExpression=condition,
                ExpressionAttributeNames={"#cap": "cap"},
                ExpressionAttributeValues=to_item(values),
            )
        except ClientError as error:
            if condition_failed(error) or met_a_transaction(error):
                return False
            raise
        return True

    def add_key(
        self, account_id: str, name: str, *, expires_at: int | None = None, scopes: tuple[str, ...] = ()
    ) -> str:
        """A fresh key `sk_...`, to be shown now: it cannot be read again. Raises Problem 404 for an unknown account."""
        return self.add_known_key(account_id, name, expires_at=expires_at, scopes=scopes)[0]

    def add_known_key(
        self,
        account_id: str,
        name: str,
        *,
        expires_at: int | None = None,
        scopes: tuple[str, ...] = (),
        allowed_ip_ranges: tuple[str, ...] = (),
        admit: Admit = _any_number,
    ) -> tuple[str, ApiKey]:
        """A fresh key with what is known of it. Raises Problem 404 for an unknown account, 503 while too many others
        make keys, and what `admit` raises."""
        account = self._read(account_pk(account_id), ACCOUNT_SK)
        if account is None:
            raise not_found("account_not_found", "There is no such account")
        key = ApiKey(
            key_id=new_id("key"),
            account_id=account_id,
            org_handle=account["org_handle"],
            name=name,
            created_at=self._clock(),
            expires_at=expires_at,
            scopes=scopes,
            allowed_ip_ranges=allowed_ip_ranges,
        )

        def make() -> tuple[str, list[dict[str, Any]]]:
            admit(self.keys(account_id))
            return self._new_key(key)

        raw_key = self._add(account_id, make)
        if raw_key is None:
            raise LookupError("a key was there before it was made")
        return raw_key, key

    def rotate(self, key: ApiKey, expires_at: int, admit: Admit = _any_number) -> tuple[str, ApiKey] | None:
        """A fresh key in the place of this one, with its name, scopes and end; this one is valid until `expires_at` at
        the latest, in milliseconds. None if the account has no such key, or it was revoked or rotated before. Raises
        KeyChanged where its ranges are others by now, or its row was moved meanwhile, Problem 503 while too many others
        make keys, and what `admit` raises."""
        row = self._key_rows.of_key(key.account_id, key.key_id)
        if row is None:
            return None
        new = replace(key, key_id=new_id("key"), created_at=self._clock(), rotated_to=None)
        ends_at = min(expires_at, key.expires_at or expires_at)
        as_read = _HAS_THESE_RANGES if key.allowed_ip_ranges else _HAS_NO_RANGES
        updates = self._update_both(
            key.account_id,
            row,
            _Change("SET expires_at = :ends, rotated_to = :new", {":ends": ends_at, ":new": new.key_id}),
            condition=f"{_NOT_REPLACED} AND {as_read}",
            asked={":ranges": list(key.allowed_ip_ranges)},
        )

        def make() -> tuple[str, list[dict[str, Any]]]:
            admit(self.keys(key.account_id))
            raw_key, puts = self._new_key(new)
            return raw_key, [*puts, *updates]

        raw_key = self._add(key.account_id, make)
        if raw_key is not None:
            return raw_key, new
        there = self._key_rows.of_key(key.account_id, key.key_id)
        if there is None:
            return None
        if there["pk"] != row["pk"] or _api_key(there).allowed_ip_ranges != key.allowed_ip_ranges:
            raise KeyChanged
        return None

    def find_key(self, raw_key: str) -> ApiKey | None:
        """The key as it is known, revoked, expired or not; None for a key that never was. A key that was revoked
        is revoked from the next request on."""
        fields = self._read(key_pk(hash_of(raw_key)), KEY_SK)
        return _api_key(fields) if fields else None

    def key(self, account_id: str, key_id: str) -> ApiKey | None:
        """The account's key of this id as it is known, revoked, expired or not; None where it has none."""
        row = self._key_rows.of_key(account_id, key_id)
        return None if row is None else _api_key(row)

    def key_name(self, account_id: str, key_id: str) -> str | None:
        row = self._key_rows.of_key(account_id, key_id)
        return None if row is None else str(row["name"])

    def keys(self, account_id: str) -> list[ApiKey]:
        """The account's keys, oldest first, revoked ones included."""
        return [_api_key(row) for row in self._key_rows.of_account(account_id)]

    def revoke(self, account_id: str, key_id: str) -> bool:
        """Ends a key of the account for good. False if the account has no such key or it was revoked before."""
        return self._change_key(account_id, key_id, _Change("SET revoked_at = :now", {":now": self._clock()}))

    def restrict(self, account_id: str, key_id: str, allowed_ip_ranges: tuple[str, ...]) -> bool:
        """From where the key may be used from the next request on; none: from anywhere. False if the account has no
        such key or it is revoked."""
        if not allowed_ip_ranges:
            return self._change_key(account_id, key_id, _Change("REMOVE allowed_ip_ranges", {}))
        change = _Change("SET allowed_ip_ranges = :ranges", {":ranges": list(allowed_ip_ranges)})
        return self._change_key(account_id, key_id, change)

    def _change_key(self, account_id: str, key_id: str, change: _Change) -> bool:
        """Whether both rows of a key that is not revoked were changed. One that was moved meanwhile is changed where it
        stands by then."""
        refused_in = None
        while (row := self._key_rows.of_key(account_id, key_id)) is not None and row["pk"] != refused_in:
            if self._transact(self._update_both(account_id, row, change, condition=_NOT_REVOKED)):
                return True
            refused_in = row["pk"]
        return False

    def _add(self, account_id: str, make: Callable[[], tuple[str, list[dict[str, Any]]]]) -> str | None:
        # Most functions only read: they start faster without it.
        from ringline.runtime.list_turns import ListContended, ListTurns

        try:
            return ListTurns(self._dynamodb, self._table_name, "KEYS").add(account_id, make)
        except ListContended:
            raise _contended() from None

    def _transact(self, writes: list[dict[str, Any]]) -> bool:
        """Whether all was written; False where a condition refused it. Where another request is at the same key, it is
        asked again: by then that one has gone first. Raises Problem 503."""
        for _ in range(_KEY_TRIES):
            try:
                self._dynamodb.transact_write_items(TransactItems=writes)
            except ClientError as error:
                refused = {reason.get("Code") for reason in refusal_reasons(error) or ()}
                if "ConditionalCheckFailed" in refused:
                    return False
                if "TransactionConflict" not in refused:
                    raise
                time.sleep(random.uniform(0, _KEY_WAIT_S))  # noqa: S311 - so that two do not meet again
            else:
                return True
        raise _contended()

    def _new_key(self, key: ApiKey) -> tuple[str, list[dict[str, Any]]]:
        raw_key = new_secret("sk", _KEY_BYTES)
        key_hash = hash_of(raw_key)
        known = attributes_of(key)
        item = {"pk": key_pk(key_hash), "sk": KEY_SK, "item_kind": "api_key", **known}
        pk = where_keys_stand(key.account_id, apart=self._keys_apart)
        row = {**known, "pk": pk, "sk": f"{KEY_PREFIX}{key.key_id}", "key_hash": key_hash}
        return raw_key, [self._put_new(item), self._put_new(row)]

    def _update_both(
        self,
        account_id: str,
        row: dict[str, Any],
        change: _Change,
        *,
        condition: str,
        asked: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """The change of a key where it is found by itself, if it is as the condition asks with the values `asked`; and
        where its account lists it, if it still stands there."""
        of_this_key = {":account": account_id, ":key": row["sk"].removeprefix(KEY_PREFIX)}
        return [
            self._update(
                {"pk": key_pk(row["key_hash"]), "sk": KEY_SK}, change, condition, {**of_this_key, **(asked or {})}
            ),
            self._update({"pk": row["pk"], "sk": row["sk"]}, change, _EXISTS, {}),
        ]

    def _update(
        self, place: Mapping[str, Any], change: _Change, condition: str, asked: Mapping[str, Any]
    ) -> dict[str, Any]:
        values = to_item({**change.values, **asked})
        update = {
            "TableName": self._table_name,
            "Key": to_item(place),
            "UpdateExpression": change.expression,
            "ConditionExpression": condition,
        }
        return {"Update": update | ({"ExpressionAttributeValues": values} if values else {})}

    def _read(self, pk: str, sk: str) -> dict[str, Any] | None:
        answer = self._dynamodb.get_item(
            TableName=self._table_name, Key=to_item({"pk": pk, "sk": sk}), ConsistentRead=True
        )
        return from_item(answer["Item"]) if "Item" in answer else None

    def _put_new(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"Put": {"TableName": self._table_name, "Item": to_row(fields), "ConditionExpression": _IS_NEW}}


def listed_row(account_id: str) -> dict[str, Any]:
    """The account's place among all accounts."""
    return {"pk": ACCOUNTS_PK, "sk": account_id, "item_kind": "listed_account"}


def _contended() -> Problem:
    return Problem(503, "contended", "Too many changes came at once; ask again")


def _api_key(fields: dict[str, Any]) -> ApiKey:
    lists = {name: tuple(fields.get(name, ())) for name in ("scopes", "allowed_ip_ranges")}
    return ApiKey(**known_to(ApiKey, fields, _OF_A_KEY) | lists)
