"""Records, and what is stored, behave as frozen dataclasses do."""

import pickle
from collections.abc import Callable
from copy import replace
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields
from typing import Any

import pytest

from ringline.record import Record, stored
from tests.conftest import pytest_assertrepr_compare


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


@stored
class Row:
    """What is read from a row."""

    pk: str
    x: int
    notes: list[str] = field(default_factory=list)
    y: int = 2
    carried: tuple[str, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class RowReference:
    """The same, compiled."""

    pk: str
    x: int
    notes: list[str] = field(default_factory=list)
    y: int = 2
    carried: tuple[str, ...] = field(default=(), compare=False, repr=False)


@stored
class Longer(Row):
    """One with a field more."""

    z: int = 3


@stored(kw_only=True)
class NamedOnly:
    """One whose fields are named."""

    y: int = 2
    x: int


@stored
class Empty:
    """One without fields."""


def test_what_is_stored_reads_as_a_frozen_dataclass_does() -> None:
    given: list[tuple[list[Any], dict[str, Any]]] = [
        (["a", 1], {}),
        (["a"], {"x": 3, "carried": ("z",)}),
        ([], {"x": 1, "pk": "b", "notes": ["n"]}),
    ]
    for placed, named in given:
        ours, reference = Row(*placed, **named), RowReference(*placed, **named)
        assert repr(ours) == repr(reference).replace("RowReference", "Row")
        assert asdict(ours) == asdict(reference)
    assert Row.__match_args__ == RowReference.__match_args__
    assert [(each.name, each.default) for each in fields(Row)] == [
        (each.name, each.default) for each in fields(RowReference)
    ]
    assert repr(Empty()) == f"{Empty.__qualname__}()"


def test_what_is_stored_is_equal_by_kind_and_compared_values() -> None:
    assert Row("a", 1) == Row("a", 1, [], 2, ("later",)) != Row("a", 1, y=3)
    assert Longer("a", 1) != Row("a", 1)
    assert NamedOnly(x=1) == NamedOnly(x=1, y=2)
    assert len({NamedOnly(x=1), NamedOnly(x=1, y=2), NamedOnly(x=2)}) == 2
    assert Empty() == Empty()
    assert len({Empty(), Empty()}) == 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(Row("a", 1))


def test_what_is_stored_is_never_changed_and_each_has_a_default_of_its_own() -> None:
    row = Row("a", 1)
    with pytest.raises(FrozenInstanceError):
        row.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del row.x
    assert replace(row, y=5) == Row("a", 1, y=5)
    assert not hasattr(row, "__dict__")
    assert row.notes is not Row("a", 1).notes


def test_what_is_stored_survives_being_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(Longer("a", 1, z=7))) == Longer("a", 1, z=7)


def test_what_a_dataclass_may_have_besides_is_refused() -> None:
    def make_anew(self: object) -> None:
        raise AssertionError

    for name in ("__init__", "__post_init__", "__repr__", "__eq__", "__hash__"):
        with pytest.raises(TypeError, match="Odd needs a dataclass"):
            stored(type("Odd", (), {"__annotations__": {"x": int}, name: make_anew}))
    left_out = {"__annotations__": {"x": int}, "x": field(default=1, init=False)}
    with pytest.raises(TypeError, match="Odd needs a dataclass"):
        stored(type("Odd", (), left_out))


def test_a_failing_test_names_the_fields_that_differ() -> None:
    told = pytest_assertrepr_compare("==", Row("a", 1), Row("a", 2, y=3))
    assert told is not None
    assert told[1:] == ["x: 1 != 2", "y: 2 != 3"]
    assert pytest_assertrepr_compare("==", Row("a", 1), Longer("a", 1)) is None
    assert pytest_assertrepr_compare("!=", Row("a", 1), Row("a", 1)) is None


@pytest.mark.parametrize(
    "make",
    [
        Row,
        lambda: Row("a"),  # type: ignore[call-arg]
        lambda: Row("a", 1, [], 2, (), 3),  # type: ignore[call-arg]
        lambda: Row("a", 1, pk="b"),  # type: ignore[misc]
        lambda: Row("a", 1, nonsense=3),  # type: ignore[call-arg]
        lambda: NamedOnly(1, 2),  # type: ignore[call-arg]
        lambda: NamedOnly(y=1),  # type: ignore[call-arg]
    ],
)
def test_what_is_stored_takes_its_fields_each_once(make: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match=r"Row|NamedOnly"):
        make()
