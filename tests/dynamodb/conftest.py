"""Tests of the stores that need more of DynamoDB than moto has: on the emulator, or on what the run names."""

from collections.abc import Callable, Iterator

import pytest

from tests.component.one_table import LocalAws, local_aws
from tests.dynamodb.stand_ins import StandIn, chosen

# What only Amazon's own refuses is nothing to ask of another.
collect_ignore = [] if chosen(StandIn.EMULATOR) is StandIn.DYNAMODB_LOCAL else ["test_refusals.py"]


@pytest.fixture
def local(dynamodb_url: Callable[[StandIn], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    stand_in = chosen(StandIn.EMULATOR)
    assert stand_in is not StandIn.MOTO, "these tests need more than moto has"
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url(stand_in))
    with local_aws() as aws:
        yield aws
