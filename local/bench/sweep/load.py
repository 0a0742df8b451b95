"""What stands in the table of a deployment that is busy, and what LiveKit says of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local.bench.sweep.table import BusyTable, by_list
from ringline.calls.model.call import Call, State, room_name
from ringline.calls.model.timing import FIRST_LOOK_S, MS_PER_S
from ringline.calls.tables.records import call_to_item
from ringline.runtime.items import Item
from ringline.runtime.table import DUE_SHARD, WAITING_PK, calls_pk, shard_for

NOW = 1_800_000_060_000
CALL_LASTS_S = 100
LOST_ONE_IN = 100
"""Of how many calls that are due one has lost its end: its room is gone, and nobody has said so."""
FREE_ONE_IN = 10
"""Of how many accounts one has a line free, and calls that wait for a doorbell which got lost."""


@dataclass(frozen=True, slots=True)
class Load:
    table: BusyTable
    rooms: Mapping[str, int]
    lost: frozenset[str]
    """The calls whose rooms are gone, by partition and sort key."""
    due: int
    accounts: int
    to_ring: frozenset[str]
    """The accounts with a line free whose bell was lost."""


def busy(calls_per_second: int, accounts: int, *, in_shards: bool) -> Load:
    """A moment of such a deployment: calls have begun evenly over the time that one lasts. Every account has calls on
    a line and calls that wait."""
    names = [f"acct_{number:05}" for number in range(accounts)]
    due, rooms, lost = [], {}, set()
    for number in range(calls_per_second * CALL_LASTS_S):
        account_id, call_id = names[number % accounts], f"call_{number:026}"
        claimed_at = NOW - number * MS_PER_S // calls_per_second
        due_at = claimed_at + FIRST_LOOK_S * MS_PER_S
        is_lost = due_at <= NOW and number % LOST_ONE_IN == 0
        if is_lost:
            lost.add(f"{calls_pk(account_id)} {call_id}")
        else:
            rooms[room_name(account_id, call_id, 1)] = claimed_at
        due.append((shard_for(account_id, DUE_SHARD, in_shards=in_shards), (due_at, calls_pk(account_id), call_id)))
    free = frozenset(names[::FREE_ONE_IN])
    table = BusyTable(
        by_list(due),
        by_list((shard_for(name, WAITING_PK, in_shards=in_shards), name) for name in names),
        row_of,
        free,
        NOW,
    )
    is_due = sum(place[0] <= NOW for _, place in due)
    return Load(table, rooms, frozenset(lost), is_due, accounts, free)


def row_of(pk: str, call_id: str) -> Item:
    """A call in conversation. When it was claimed, its number says; for the sweep the time of one is as good."""
    return {**_ROW, "pk": {"S": pk}, "sk": {"S": call_id}}


_CLAIMED_AT = NOW - CALL_LASTS_S * MS_PER_S // 2
_ROW = call_to_item(
    Call(
        account_id="acct_00000",
        call_id="call_0",
        state=State.ACTIVE,
        pipe_id="PIPE_01JD5Z0000000000000000000A",
        agent_id="agent_01JD5Z0000000000000000000A",
        from_number="+15550100000",
        to_number="+15550100200",
        ring_timeout_s=30,
        max_call_duration_s=600,
        created_at=_CLAIMED_AT,
        eligible_at=_CLAIMED_AT,
        attempt=1,
        dialed_at=_CLAIMED_AT,
        due_at=_CLAIMED_AT + FIRST_LOOK_S * MS_PER_S,
        answered_at=_CLAIMED_AT + 6_000,
        active_at=_CLAIMED_AT + 6_000,
        agent_joined_at=_CLAIMED_AT + 2_000,
        leg_sid="PA_01JD5Z000000",
        sip_call_id="SCL_01JD5Z00000",
        agent_sid="PA_01JD5Z000001",
        version=4,
    )
)


class Livekit:
    """As the sweep asks it. It answers with the rooms it was made with."""

    def __init__(self, rooms: Mapping[str, int]) -> None:
        self._rooms = rooms
        self.requests = 0

    async def rooms(self, names: Sequence[str] = ()) -> Mapping[str, int]:
        self.requests += 1
        return {name: self._rooms[name] for name in names if name in self._rooms} if names else dict(self._rooms)

    async def end_room(self, _room: str) -> None:
        self.requests += 1
