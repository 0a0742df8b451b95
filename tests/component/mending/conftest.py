"""A room in which whoever waits lets time pass."""

import pytest

from tests.component.calls_room import CallsRoom, room_of_no_waiting
from tests.component.one_table import LocalAws


@pytest.fixture
def room(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> CallsRoom:
    return room_of_no_waiting(local, monkeypatch)
