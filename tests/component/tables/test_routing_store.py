"""Pipes, agents and numbers in the table."""

from collections.abc import Iterator

import pytest

from ringline.routing.records import Agent, Number, Pipe, VoicemailWindows
from ringline.routing.resolve import OutboundRouting
from ringline.routing.store import RoutingStore
from tests.component.one_table import LocalAws, local_aws

PIPE = Pipe(
    pipe_id="pipe_1",
    name="Outbound",
    agent_id="front-desk",
    number="+15550100000",
    number_id="num_1",
    trunk_id="ST_1",
    voice_profile_id="VP_1",
    recording=True,
    max_call_duration_s=600,
    ring_timeout_s=25,
    agent_join_timeout_s=20,
    voicemail=VoicemailWindows(ring_min_s=2.5, ring_max_s=18, greeting_max_s=12),
)
AGENT = Agent(agent_id="front-desk", name="Front desk")
NUMBER = Number(number="+15550100000", number_id="num_1", pipe_id="pipe_1")


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with local_aws() as aws:
        yield aws


def test_what_is_put_is_read_back_whole(aws: LocalAws) -> None:
    store = RoutingStore(aws.dynamodb, aws.table_name)
    store.put_pipe("acct_1", PIPE)
    store.put_agent("acct_1", AGENT)
    store.put_number("acct_1", NUMBER)
    assert store.pipe("acct_1", "pipe_1") == PIPE
    assert store.agent("acct_1", "front-desk") == AGENT
    assert store.number("acct_1", "+15550100000") == NUMBER


def test_lists_hold_one_kind_of_one_account(aws: LocalAws) -> None:
    store = RoutingStore(aws.dynamodb, aws.table_name)
    store.put_pipe("acct_1", PIPE)
    store.put_agent("acct_1", AGENT)
    store.put_number("acct_1", NUMBER)
    store.put_pipe("acct_2", PIPE)
    assert (store.pipes("acct_1"), store.agents("acct_1"), store.numbers("acct_1")) == ([PIPE], [AGENT], [NUMBER])
    assert (store.agents("acct_2"), store.numbers("acct_2")) == ([], [])


def test_an_agents_pipes_are_found_among_others(aws: LocalAws) -> None:
    store = RoutingStore(aws.dynamodb, aws.table_name)
    store.put_pipe("acct_1", PIPE)
    sales = Pipe(pipe_id="pipe_2", name="Sales", agent_id="sales")
    store.put_pipe("acct_1", sales)
    assert store.pipes("acct_1", agent_id="sales") == [sales]
    assert store.pipes("acct_1", agent_id="nobody") == []


def test_what_is_deleted_is_gone_and_only_once(aws: LocalAws) -> None:
    store = RoutingStore(aws.dynamodb, aws.table_name)
    store.put_pipe("acct_1", PIPE)
    store.put_agent("acct_1", AGENT)
    store.put_number("acct_1", NUMBER)
    for delete, name in (
        (store.delete_pipe, "pipe_1"),
        (store.delete_agent, "front-desk"),
        (store.delete_number, "+15550100000"),
    ):
        assert not delete("acct_2", name)
        assert delete("acct_1", name)
        assert not delete("acct_1", name)
    assert aws.items() == []


def test_a_field_that_a_newer_release_wrote_is_passed_over(aws: LocalAws) -> None:
    store = RoutingStore(aws.dynamodb, aws.table_name)
    store.put_agent("acct_1", AGENT)
    aws.dynamodb.update_item(
        TableName=aws.table_name,
        Key={"pk": {"S": "A#acct_1"}, "sk": {"S": "AGENT#front-desk"}},
        UpdateExpression="SET newer = :value",
        ExpressionAttributeValues={":value": {"S": "unknown"}},
    )
    assert store.agent("acct_1", "front-desk") == AGENT


def test_a_route_is_resolved_from_the_table(aws: LocalAws) -> None:
    store = RoutingStore(aws.dynamodb, aws.table_name)
    store.put_pipe("acct_1", PIPE)
    by_pipe = OutboundRouting(store).resolve("acct_1", pipe_id="pipe_1")
    assert by_pipe == OutboundRouting(store).resolve("acct_1", agent_id="front-desk")
    assert (by_pipe.from_number, by_pipe.voicemail.ring_min_s) == ("+15550100000", 2.5)
