"""Which calls an endpoint is told of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringline.webhooks.model.filters import Filters


@dataclass(frozen=True)
class Said:
    """An event as filters see it."""

    pipe_id: str | None = "sales"
    agent_id: str | None = "anna"
    direction: str | None = "outbound"
    metadata: Mapping[str, Any] = field(default_factory=lambda: {"team": "emea", "priority": 1, "vip": True})


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(pipe_ids=("support", "sales")),
        Filters(agent_ids=("anna",)),
        Filters(directions=("outbound", "web")),
        Filters(metadata={"team": "emea", "priority": 1}),
        Filters(metadata={"vip": True}),
        Filters(pipe_ids=("sales",), agent_ids=("anna",), directions=("outbound",), metadata={"team": "emea"}),
    ],
)
def test_a_call_that_has_what_is_asked_for_is_told(filters: Filters) -> None:
    assert filters.let_through(Said())


@pytest.mark.parametrize(
    "filters",
    [
        Filters(pipe_ids=("support",)),
        Filters(agent_ids=("bob",)),
        Filters(directions=("inbound",)),
        Filters(metadata={"team": "apac"}),
        Filters(metadata={"team": "emea", "region": "eu"}),
        Filters(metadata={"priority": "1"}),
        Filters(metadata={"priority": True}),
        Filters(metadata={"vip": 1}),
        Filters(pipe_ids=("sales",), agent_ids=("bob",)),
    ],
)
def test_a_call_that_lacks_one_of_them_is_not(filters: Filters) -> None:
    assert not filters.let_through(Said())


def test_a_call_without_a_pipe_is_of_no_pipe_that_is_asked_for() -> None:
    assert not Filters(pipe_ids=("sales",)).let_through(Said(pipe_id=None))


def test_what_is_of_no_call_passes_every_filter() -> None:
    of_the_account = Said(pipe_id=None, agent_id=None, direction=None, metadata={})
    assert Filters(pipe_ids=("sales",), metadata={"team": "emea"}).let_through(of_the_account)
