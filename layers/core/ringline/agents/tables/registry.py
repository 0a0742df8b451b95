"""The runners of an account, in the table.

| item       | pk                  | sk                    | attributes
|------------|---------------------|-----------------------|-----------------------------------------------------
| connection | CONNECTION#<id>     | CONNECTION            | account_id, connected_at, key_id, source_ip;
|            |                     |                       | agent_id, worker_id
| runner     | A#<account>#RUNNERS | <agent>#R#<worker>    | as it registered; in_use (written by calls.tables)
| its beat   | A#<account>#RUNNERS | <agent>#S#<worker>    | connection_id, seen_at, active_jobs, connected_at
| places     | A#*#RUNNERS         | <agent>#P#<worker>#.. | held (written by calls.tables): who holds one

A beat is an item of its own, so that it never meets the transaction that takes a place. A runner is there once both
name the same connection, and is only then sent anything:

    register   runner -> connection 2    (the beat still names connection 1: no frame goes out)
               `registered` is sent, which must be the first frame that it gets
               beat -> connection 2      (from now on it takes calls)
    late $disconnect of connection 1:    the beat names another connection, and stays

Speech workers are kept beside them, as runners of an owner that is no account (`DEPLOYMENT`). Their places are rows of
their own (`agents.model.speech_places`).
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ringline.agents.model.presence import last_seen, least_loaded
from ringline.agents.model.records import DEPLOYMENT, Connection, HeldRow, LastBeat, Runner
from ringline.agents.model.speech_places import rows_with_room
from ringline.agents.model.timing import CONNECTION_KEPT_S, RUNNER_KEPT_S
from ringline.calls.model.ports import NO_OTHERS, NoPlace, Place, SpeechPlace
from ringline.runtime.clock import MS_PER_S, Clock
from ringline.runtime.items import Item, condition_failed, from_item, met_a_transaction, to_item
from ringline.runtime.rows import to_row
from ringline.runtime.table import CONNECTION_SK, beat_sk, connection_pk, runner_sk, runners_pk, speech_places_sk

if TYPE_CHECKING:
    # Whoever only looks for a place reads no frames.
    from ringline.agents.model.frames import Register

# Named conditions.
CONNECTION_IS_OPEN = "attribute_exists(pk)"
NO_LATER_CONNECTION = "attribute_not_exists(connected_at) OR connected_at <= :connected_at"
HEARD_ON_THIS_CONNECTION = "connection_id = :connection_id"
HELD_BY = "contains(#held, :name)"

_PLACES_IN_A_ROW = 10
"""A row names who holds its places. It is written with each call, and paid for by the kilobyte."""

_CONFLICT_TRIES = 6
_CONFLICT_WAIT_S = 0.02


class Registry:
    """Every moment is in milliseconds. A write that comes too late for its connection changes nothing."""

    def __init__(
        self, dynamodb: Any, table_name: str, clock: Clock, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._db = dynamodb
        self._table = table_name
        self._clock = clock
        self._pause = pause

    # ---------------------------------------------------------------- connections

    def connect(
        self, connection_id: str, account_id: str, key_id: str | None = None, source_ip: str | None = None
    ) -> None:
        now = self._clock()
        fields = {"account_id": account_id, "connected_at": now, "ttl_at_s": now // MS_PER_S + CONNECTION_KEPT_S}
        fields |= {name: at for name, at in (("key_id", key_id), ("source_ip", source_ip)) if at is not None}
        item = _connection_key(connection_id) | to_row(fields)
        self._db.put_item(TableName=self._table, Item=item)

    def connection(self, connection_id: str) -> Connection | None:
        """None once it was closed."""
        answer = self._db.get_item(TableName=self._table, Key=_connection_key(connection_id), ConsistentRead=True)
        if "Item" not in answer:
            return None
        kept = from_item(answer["Item"])
        return Connection(
            connection_id=connection_id,
            account_id=kept["account_id"],
            connected_at=kept["connected_at"],
            agent_id=kept.get("agent_id"),
            worker_id=kept.get("worker_id"),
            ttl_at_s=kept.get("ttl_at_s", 0),
            places=kept.get("places", 0),
            key_id=kept.get("key_id"),
            source_ip=kept.get("source_ip"),
        )

    def disconnect(self, connection_id: str) -> Connection | None:
        """Forgets a connection, and that its runner is there, unless that one has come back on another. The connection
        as it was; None if it was forgotten before."""
        closed = self.connection(connection_id)
        if closed is None:
            return None
        if closed.agent_id is not None and closed.worker_id is not None:
            self._update(
                _beat_key(closed.account_id, closed.agent_id, closed.worker_id),
                "REMOVE connection_id",
                HEARD_ON_THIS_CONNECTION,
                {":connection_id": connection_id},
            )
        self._db.delete_item(TableName=self._table, Key=_connection_key(connection_id))
        return closed

    # ---------------------------------------------------------------- runners

    def register(self, connection: Connection, told: "Register") -> bool:
        """Writes the runner, or writes it anew. It is there with its first beat. False where its connection was closed
        meanwhile, or it has a later one."""
        now = self._clock()
        named = {"agent_id": told.agent_id, "worker_id": told.worker_id}
        # A speech worker's beats tell of free places only together with how many it has.
        places = {"places": told.max_concurrent} if connection.is_speech_workers else {}
        if self._set(_connection_key(connection.connection_id), named | places, CONNECTION_IS_OPEN) is None:
            return False
        fields = {
            **named,
            "pool": told.pool,
            "max_concurrent": told.max_concurrent,
            "hostname": told.hostname,
            "region": told.region,
            "deployment": told.deployment,
            "bridge_base": told.bridge_base,
            "connection_id": connection.connection_id,
            "connected_at": connection.connected_at,
            "registered_at": now,
            "ttl_at_s": now // MS_PER_S + RUNNER_KEPT_S,
        }
        key = _runner_key(connection.account_id, told.agent_id, told.worker_id)
        also = "in_use = if_not_exists(in_use, :zero)"
        return self._set(key, fields, NO_LATER_CONNECTION, also=also, zero=0) is not None

    def beat(self, connection: Connection, active_jobs: int) -> LastBeat | None:
        """Notes that the connection's runner is there. What it said before on this connection; None where it has a
        later connection, or never registered."""
        if connection.agent_id is None or connection.worker_id is None:
            return None
        now = self._clock()
        self._keep_long_connection(connection, now)
        fields = {
            "connection_id": connection.connection_id,
            "connected_at": connection.connected_at,
            "seen_at": now,
            "active_jobs": active_jobs,
            "ttl_at_s": now // MS_PER_S + RUNNER_KEPT_S,
        }
        key = _beat_key(connection.account_id, connection.agent_id, connection.worker_id)
        before = self._set(key, fields, NO_LATER_CONNECTION)
        if before is None:
            return None
        heard_before = before.get("connection_id") == connection.connection_id
        return LastBeat(before.get("seen_at", 0) if heard_before else 0, before.get("active_jobs", 0))

    def _keep_long_connection(self, connection: Connection, now: int) -> None:
        """API Gateway closes a connection before it has to be kept any longer. Others do not."""
        now_s = now // MS_PER_S
        if connection.ttl_at_s - now_s > CONNECTION_KEPT_S // 3:
            return
        key = _connection_key(connection.connection_id)
        self._set(key, {"ttl_at_s": now_s + CONNECTION_KEPT_S}, CONNECTION_IS_OPEN)
        runner = _runner_key(connection.account_id, connection.agent_id or "", connection.worker_id or "")
        self._set(runner, {"ttl_at_s": now_s + RUNNER_KEPT_S}, CONNECTION_IS_OPEN)

    def lose(self, account_id: str, runner: Runner) -> None:
        """Notes that a runner's connection turned out to be closed."""
        self._update(
            _beat_key(account_id, runner.agent_id, runner.worker_id),
            "REMOVE connection_id",
            HEARD_ON_THIS_CONNECTION,
            {":connection_id": runner.connection_id},
        )

    def runners(self, account_id: str, agent_id: str | None = None) -> list[Runner]:
        """The runners of an agent, or all of the account, those that were there within the last day."""
        return list(_runners(self._kept(account_id, agent_id)))

    def _kept(self, account_id: str, agent_id: str | None = None) -> dict[str, dict[str, Any]]:
        query: dict[str, Any] = {
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": to_item({":pk": runners_pk(account_id)}),
        }
        if agent_id is not None:
            query["KeyConditionExpression"] += " AND begins_with(sk, :prefix)"
            query["ExpressionAttributeValues"] |= to_item({":prefix": f"{agent_id}#"})
        pages = self._db.get_paginator("query").paginate(TableName=self._table, ConsistentRead=True, **query)
        return {(kept := from_item(item))["sk"]: kept for page in pages for item in page["Items"]}

    def least_loaded(self, account_id: str, agent_id: str, besides: Counter[str] = NO_OTHERS) -> Place | NoPlace:
        """As `ringline.calls.model.ports.Places` has it."""
        runners, now = self.runners(account_id, agent_id), self._clock()
        found = least_loaded((replace(each, in_use=each.in_use + besides[each.worker_id]) for each in runners), now)
        return NoPlace(last_seen(runners, now)) if found is None else Place(found.worker_id)

    # ---------------------------------------------------------------- speech workers

    def speech_workers(self) -> list[Runner]:
        """Those of the deployment that were there within the last day."""
        kept = self._kept(DEPLOYMENT)
        workers = ((worker, _rows_of(worker, kept)) for worker in _runners(kept))
        return [replace(worker, rows=rows, in_use=sum(len(each.holders) for each in rows)) for worker, rows in workers]

    def speech_is_full(self) -> bool:
        """As `ringline.calls.model.ports.Places` has it."""
        workers, now = self.speech_workers(), self._clock()
        return bool(workers) and not rows_with_room(workers, now)

    def speech_place(self, besides: Counter[str] = NO_OTHERS) -> SpeechPlace | NoPlace | None:
        """As `ringline.calls.model.ports.Places` has it. Any row with room will do, as LiveKit chooses by itself: those
        who look at the same moment so seldom meet in one."""
        workers, now = self.speech_workers(), self._clock()
        able = rows_with_room(workers, now, besides)
        if able:
            return SpeechPlace(random.choice(able))  # noqa: S311 - spreads, does not protect
        return NoPlace(last_seen(workers, now)) if workers else None

    def give_back_speech_place(self, row: str, holder: str) -> None:
        """Gives the place back of one that holds it no more. Doing it again changes nothing."""
        names = {"#held": "held"}
        key = to_item({"pk": runners_pk(DEPLOYMENT), "sk": row})
        self._update(key, "DELETE #held :holder", HELD_BY, {":holder": {holder}, ":name": holder}, names)

    # ---------------------------------------------------------------- writes

    def _set(
        self, key: Item, fields: dict[str, Any], condition: str, also: str = "", **values: Any
    ) -> dict[str, Any] | None:
        """What the item had before, or None where the condition did not hold. A field that is None is removed."""
        names = {f"#{name}": name for name in fields}
        there = [name for name, value in fields.items() if value is not None]
        gone = [name for name, value in fields.items() if value is None]
        sets = [f"#{name} = :{name}" for name in there] + ([also] if also else [])
        update = "SET " + ", ".join(sets) + (" REMOVE " + ", ".join(f"#{name}" for name in gone) if gone else "")
        given = {f":{name}": fields[name] for name in there} | {f":{name}": value for name, value in values.items()}
        return self._update(key, update, condition, given, names)

    def _update(
        self, key: Item, update: str, condition: str, values: dict[str, Any], names: dict[str, str] | None = None
    ) -> dict[str, Any] | None:
        write: dict[str, Any] = {
            "TableName": self._table,
            "Key": key,
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": to_item(values),
            "ReturnValues": "ALL_OLD",
            **({"ExpressionAttributeNames": names} if names else {}),
        }
        for attempt in range(_CONFLICT_TRIES):
            try:
                return from_item(self._db.update_item(**write).get("Attributes", {}))
            except ClientError as error:
                if condition_failed(error):
                    return None
                if not met_a_transaction(error) or attempt == _CONFLICT_TRIES - 1:
                    raise
            # Calls take and give back the runner's places at this moment.
            self._pause(random.uniform(0, _CONFLICT_WAIT_S * 2**attempt))  # noqa: S311 - spreads, does not protect
        raise AssertionError("the last try returns or raises")


def _runners(kept: Mapping[str, dict[str, Any]]) -> Iterator[Runner]:
    """Runners, each with its beat. What a call gave back to a runner that was forgotten is no runner."""
    for item in kept.values():
        if "pool" not in item:
            continue
        agent_id, worker_id = item["agent_id"], item["worker_id"]
        beat = kept.get(beat_sk(agent_id, worker_id), {})
        yield Runner(
            agent_id=agent_id,
            worker_id=worker_id,
            pool=item["pool"],
            connection_id=item["connection_id"],
            registered_at=item["registered_at"],
            max_concurrent=item["max_concurrent"],
            in_use=item.get("in_use", 0),
            hostname=item.get("hostname"),
            region=item.get("region"),
            deployment=item.get("deployment"),
            bridge_base=item.get("bridge_base"),
            heard_on=beat.get("connection_id"),
            seen_at=beat.get("seen_at"),
            active_jobs=beat.get("active_jobs", 0),
        )


def _rows_of(worker: Runner, kept: Mapping[str, dict[str, Any]]) -> tuple[HeldRow, ...]:
    """The rows of a speech worker's places. One in which none was ever taken is not kept."""
    rows = []
    for number, first in enumerate(range(0, worker.max_concurrent, _PLACES_IN_A_ROW)):
        places = min(_PLACES_IN_A_ROW, worker.max_concurrent - first)
        row = speech_places_sk(worker.agent_id, worker.worker_id, number, places)
        rows.append(HeldRow(row, places, tuple(kept.get(row, {}).get("held", ()))))
    return tuple(rows)


def _connection_key(connection_id: str) -> Item:
    return to_item({"pk": connection_pk(connection_id), "sk": CONNECTION_SK})


def _runner_key(account_id: str, agent_id: str, worker_id: str) -> Item:
    return to_item({"pk": runners_pk(account_id), "sk": runner_sk(agent_id, worker_id)})


def _beat_key(account_id: str, agent_id: str, worker_id: str) -> Item:
    return to_item({"pk": runners_pk(account_id), "sk": beat_sk(agent_id, worker_id)})
