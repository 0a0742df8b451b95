"""A later release is deployed and taken back on the one-machine stack, in the middle of calls that go on: nothing is
lost, nothing is told twice, and every list of the API answers.

Its lists are kept in shards (`DueInShards`). ROLLBACK_CALLS makes it another number of calls, such as a thousand.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from local.aws import build
from local.stack.lifecycle import running_stack
from local.stack.record import Stack
from local.stack.release import put_core
from local.stack.wishes import Wishes
from local.trips.webhook_listener import Listener, Received, listening
from ringline.calls.tables.records import ITEM_KIND
from ringline.runtime.items import from_item
from ringline.runtime.rows import SCHEMA
from ringline.runtime.table import SWEEP_PK
from ringline.version import VERSION
from ringline.webhooks.model.event_type import EventType
from tests.component.releases import later_release
from tests.component.releases.every_list import WHERE_IDS_ARE, asked_of_every_list, ids_of
from tests.stack.callers import PATIENCE_S, Customer, a_customer, a_quick_callee, emulator_client, eventually, rung
from tests.stack.troubles.troubled_calls import troubled_calls

CALLS = int(os.environ.get("ROLLBACK_CALLS", "80"))
_LINES = 6
_AHEAD = 12
"""So many calls are asked for and not over yet: some talk, others wait."""
_LONG_ONE_IN = 6
_TALKS_LONG_S = 12.0
"""Every so many calls one talks for so long, so that some are in the middle of it when the release changes."""
_A_THIRD_WITHIN_S = 15.0 * CALLS


@dataclass(slots=True)
class Calls:
    """Calls that go on, whatever release answers: a request without an answer is sent again, as the SDK does."""

    customer: Customer
    numbers: tuple[str, str]
    listener: Listener
    accepted: list[str] = field(default_factory=list)
    told: dict[str, list[Received]] = field(default_factory=dict)
    """The `call_end` of each call, as often as it came."""

    async def go_on(self, client: httpx.AsyncClient) -> None:
        usual, long = self.numbers
        for number in range(CALLS):
            await eventually(self._has_room, _A_THIRD_WITHIN_S)
            to_number = long if number % _LONG_ONE_IN == 0 else usual
            body = {"pipe_id": self.customer.pipe_id, "to_number": to_number, "instructions": f"Call {number}. " * 30}
            self.accepted.append(await _accepted(client, body, f"rollback-{number}"))

    async def _has_room(self) -> bool:
        return len(self.accepted) - len(self.told) < _AHEAD

    async def hear(self) -> None:
        while True:
            got = await self.listener.received.get()
            if got.event_type == "call_end":
                self.told.setdefault(got.body["data"]["call_id"], []).append(got)

    async def are_over(self, how_many: int, asking: "asyncio.Task[None]") -> None:
        """Waits until so many have been told of. Raises what keeps `asking` from going on."""

        async def so_many() -> bool:
            if asking.done():
                asking.result()
            return len(self.told) >= how_many

        await eventually(so_many, _A_THIRD_WITHIN_S)


async def _accepted(client: httpx.AsyncClient, body: Mapping[str, Any], key: str) -> str:
    answer = await _answered(client, "POST", "/v1/calls", body, {"Idempotency-Key": key})
    assert answer.is_success, answer.text
    return str(answer.json()["call_id"])


async def _answered(
    client: httpx.AsyncClient, method: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> httpx.Response:
    async def asked() -> httpx.Response | None:
        try:
            answer = await client.request(method, path, json=body, headers=headers)
        except httpx.TransportError:
            return None
        return None if answer.status_code >= 500 else answer

    return await eventually(asked)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What there was in the end."""

    calls: Calls
    shown: Mapping[str, Mapping[str, Any]]
    """Each call as the API shows it."""
    rows: list[dict[str, Any]]
    invites: Counter[str]
    in_use: int
    answers: Mapping[str, int]
    """What each list of the API answered."""
    were_in_shards: bool

    def rows_of(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row.get("item_kind") == kind]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    folder = tmp_path_factory.mktemp("rollback")
    with running_stack(Wishes(state_dir=folder / "state", port=0, cap=2, due_in_shards=True)) as stack:
        yield asyncio.run(_live_through(stack, folder))


async def _live_through(stack: Stack, folder: Any) -> Outcome:
    todays = build.build_all().layers["CoreLayer"]
    later = await asyncio.to_thread(later_release.later_release, todays / "python" / "ringline", folder)
    async with listening() as listener:
        customer = a_customer(stack, cap=_LINES, webhook_url=listener.url)
        listener.secret = customer.webhook_secret
        numbers = await a_quick_callee(stack), await a_quick_callee(stack, hangs_up_after_s=_TALKS_LONG_S)
        calls = Calls(customer, numbers, listener)
        headers = {"Authorization": f"Bearer {customer.api_key}"}
        async with httpx.AsyncClient(base_url=stack.base_url, headers=headers, timeout=PATIENCE_S) as client:
            hearing = asyncio.create_task(calls.hear())
            going_on = asyncio.create_task(calls.go_on(client))
            try:
                await calls.are_over(CALLS // 3, going_on)
                await _deploy(stack, later, client, later_release.VERSION)
                await _change_setup(client, 601)
                await calls.are_over(2 * CALLS // 3, going_on)
                await _deploy(stack, todays, client, VERSION)
                await _change_setup(client, 602)
                await calls.are_over(CALLS, going_on)
                async with troubled_calls(stack) as others:
                    await others.come_to_rest()
                return await _outcome(stack, customer, calls, client)
            finally:
                for task in (hearing, going_on):
                    task.cancel()
                await asyncio.gather(hearing, going_on, return_exceptions=True)


async def _deploy(stack: Stack, core: Any, client: httpx.AsyncClient, version: str) -> None:
    await asyncio.to_thread(put_core, stack, core)

    async def answers() -> bool:
        shown = await client.get("/v1/health")
        return shown.is_success and bool(shown.json()["version"] == version)

    await eventually(answers)


async def _change_setup(client: httpx.AsyncClient, longest_s: int) -> None:
    """What is set up is written again by the release that is there."""
    for kind, body in (
        ("pipe_id", {"max_call_duration_s": longest_s}),
        ("agent_id", {"max_call_duration_s": longest_s}),
        ("number_id", {"max_calls": longest_s}),
        ("endpoint_id", {"description": f"of {longest_s}"}),
    ):
        for each in await ids_of(client, kind):
            answer = await _answered(client, "PATCH", f"{WHERE_IDS_ARE[kind]}/{each}", body)
            assert answer.is_success, (kind, each, answer.text)


async def _outcome(stack: Stack, customer: Customer, calls: Calls, client: httpx.AsyncClient) -> Outcome:
    dynamodb = emulator_client(stack, "dynamodb")
    pages = dynamodb.get_paginator("scan").paginate(TableName=stack.table_name)
    rows = [from_item(item) for page in pages for item in page["Items"]]
    own = [row for row in rows if f"A#{customer.account_id}" in row["pk"]]
    invites = [call["room"] for number in calls.numbers for call in await rung(stack, number)]
    shown = {call_id: (await client.get(f"/v1/calls/{call_id}")).json() for call_id in calls.accepted}
    return Outcome(
        calls,
        shown,
        own,
        Counter(invites),
        customer.gate().in_use,
        await asked_of_every_list(client),
        any((row["pk"], row["sk"]) == (SWEEP_PK, "IN_SHARDS") for row in rows),
    )


def test_every_accepted_call_has_ended_and_was_announced_once(outcome: Outcome) -> None:
    calls = outcome.calls
    assert len(calls.accepted) == len(set(calls.accepted)) == CALLS
    assert {call_id: shown["status"] in {"completed", "failed"} for call_id, shown in outcome.shown.items()} == (
        dict.fromkeys(calls.accepted, True)
    )
    assert calls.told.keys() == set(calls.accepted), "an end was told of no call, or not told"
    events = {call_id: {got.webhook_id for got in told} for call_id, told in calls.told.items()}
    assert {call_id: len(ids) for call_id, ids in events.items()} == dict.fromkeys(calls.accepted, 1)
    reasons = {call_id: {got.body["data"]["end_reason"] for got in told} for call_id, told in calls.told.items()}
    assert reasons == {call_id: {shown["end_reason"]} for call_id, shown in outcome.shown.items()}
    ends = Counter(row["call_id"] for row in outcome.rows_of("event") if row["event_type"] == EventType.CALL_ENDED)
    assert ends == dict.fromkeys(calls.accepted, 1), "an end is in the log of events twice, or not at all"


def test_no_phone_rang_twice_for_a_dial_and_no_line_is_held(outcome: Outcome) -> None:
    assert set(outcome.invites.values()) == {1}
    assert outcome.in_use == 0


def test_every_list_answers(outcome: Outcome) -> None:
    assert len(outcome.answers) > 100
    assert {asked: status for asked, status in outcome.answers.items() if status != 200} == {}


def test_todays_code_met_words_and_attributes_of_the_later_release_and_lost_none(outcome: Outcome) -> None:
    """Otherwise all the rest would be told of nothing."""
    calls = outcome.rows_of(ITEM_KIND)
    by_later = [row for row in calls if later_release.MOOD in row]
    assert len(by_later) >= CALLS // 6, "the later release had few calls"
    taken_over = [row for row in by_later if row["schema"] == SCHEMA]
    assert taken_over, "no call went from the later release to today's"
    assert {row["voicemail_policy"] for row in by_later} == {later_release.POLICY}
    reasons = Counter(row["end_reason"] for row in calls)
    assert reasons[later_release.REASON] and reasons["USER_HUNG_UP_IN_CALL"], "each release ended some"
    for kind in ("pipe", "agent", "number", "endpoint"):
        kept = [row for row in outcome.rows_of(kind) if later_release.MOOD in row]
        assert kept and {row["schema"] for row in kept} == {SCHEMA}, (
            f"today's code has changed no {kind}, or lost what it had"
        )


def test_the_lists_were_in_shards(outcome: Outcome) -> None:
    assert outcome.were_in_shards
