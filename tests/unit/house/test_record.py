"""Records behave as frozen dataclasses do."""

import pickle
from copy import replace
from dataclasses import FrozenInstanceError, dataclass
from typing import Any

import pytest

from ringline.record import Record


class Point(Record):
    x: int
    y: int = 2


class Named(Point):
    name: str = "origin"


@dataclass(frozen=True, slots=True)
class Reference:
    x: int
    y: int = 2


def test_a_record_reads_as_a_frozen_dataclass_does() -> None:
    assert repr(Point(1)) == repr(Reference(1)).replace("Reference", "Point")
    assert (Point(1).x, Point(1).y, Point(x=1, y=3).y) == (1, 2, 3)
    assert Point.__match_args__ == Reference.__match_args__


def test_records_are_equal_by_kind_and_values() -> None:
    assert Point(1) == Point(1, 2) != Point(1, 3)
    assert Named(1) != Point(1)
    assert len({Point(1), Point(1, 2), Point(2)}) == 2
    assert Point(1) != (1, 2)


def test_a_record_is_never_changed() -> None:
    point = Point(1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del point.x
    assert replace(point, y=5) == Point(1, 5)
    assert point == Point(1, 2)
    assert not hasattr(point, "__dict__")


def test_fields_are_inherited_in_their_order() -> None:
    assert Named(1, 3, "there") == Named(name="there", x=1, y=3)
    assert Named.__match_args__ == ("x", "y", "name")


def test_a_record_matches_by_place() -> None:
    match Point(1, 7):
        case Point(x, y):
            assert (x, y) == (1, 7)


def test_a_record_survives_being_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(Named(1))) == Named(1)


@pytest.mark.parametrize(
    ("values", "named"), [((), {}), ((1, 2, 3), {}), ((1,), {"x": 2}), ((1,), {"z": 2}), ((), {"y": 1})]
)
def test_a_record_takes_its_fields_each_once(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="Point"):
        Point(*values, **named)
