"""Every method of the unmodified SDK 0.5.0 against the deployed stack, by both clients and both ways to show a key:
each answer is the SDK's own model, and what is out of scope says so."""

import pytest

from local.stack.record import Stack
from local.trips.sdk.tour import Way, tour


@pytest.mark.parametrize("way", Way)
def test_every_method_of_the_sdk_does_what_it_says(stack: Stack, way: Way) -> None:
    assert [seen for seen in tour(stack, way) if seen.fault is not None] == []
