"""The table of keys in docs/architecture.md is that of the code, and it is whole: what makes a key is told in a row,
and each row has what makes its keys."""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from local.pages.keys import PAGE, KeyRow, is_like, key_rows, shard_rows, with_keys
from local.tools.places import ROOT
from ringline.runtime import table
from tests.rights import PARTITIONS

CORE = ROOT / "layers" / "core" / "ringline"
MODULES = sorted(CORE.rglob("*.py"))
FUNCTIONS = sorted((ROOT / "functions").rglob("*.py"))

_CONSTANT = re.compile(r"_?[A-Z][A-Z_]*(_PKS?|_SK|_SHARDS?)|([A-Z_]*_)?PREFIX")
_MAKER = re.compile(r"\w+_(pk|sk|shard)")
_WORD_OF_A_KEY = re.compile(r"[A-Z_]+#")
_MAY_HAVE_KEYS = re.compile(r'_(PKS?|SK|SHARDS?)\b|PREFIX\b|def \w+_(pk|sk|shard)\(|"[A-Z_]+#"')
_WRITES = re.compile(r'put_item\(|update_item\(|"Put"|"Update"|batch_write_item\(')

BEGIN_NO_KEY = {
    ("runtime/web/api.py", "PLATFORM_PREFIX"),
    ("telephony/carriers/standard.py", "_PREFIX"),
    ("telephony/livekit_trunks.py", "ROOM_PREFIX"),
    ("routing/destinations.py", "_PREFIX"),
    ("webhooks/model/delivery_names.py", "_PREFIX"),
    ("calls/tables/watchlist.py", "STANDS_IN_SHARD"),
    ("upgrading/steps.py", "_NUMBERLESS_BY_SK"),
}
"""Of paths, secrets, rooms, numbers and ids of deliveries; a condition, and a list of keys that are named elsewhere."""

SHARES_ROWS = {
    "calls/tables/writes/companions.py",
    "calls/tables/writes/counting.py",
    "calls/tables/writes/together.py",
    "calls/tables/writes/transactions.py",
    "webhooks/tables/erasing.py",
    "webhooks/tables/event_counts.py",
}
"""What the store of calls writes with, and what only changes the rows that its neighbours made."""


@dataclass(frozen=True, slots=True)
class Made:
    """A constant of a key or of its beginning, or a key that a function made of examples."""

    module: str
    name: str
    key: str

    @property
    def part(self) -> str:
        """Of which attribute it is, `pk`, `sk` or `shard`, or that it is a `prefix`."""
        found = re.search(r"(pk|sk|shard)s?$", self.name.lower())
        return found[1] if found else "prefix"


@cache
def made() -> tuple[Made, ...]:
    return tuple(each for path in MODULES for each in _made_in(path) if (each.module, each.name) not in BEGIN_NO_KEY)


def _made_in(path: Path) -> Iterator[Made]:
    named = path.relative_to(CORE).as_posix()
    names = [name for name in _named_in(path) if _is_of_a_key(*name)]
    if not names:
        return
    dotted = named.removesuffix(".py").replace("/", ".")
    module = importlib.import_module(f"ringline.{dotted}")
    for name, _ in names:
        for key in _keys_of(module, name):
            yield Made(named, name, key)


def _named_in(path: Path) -> Iterator[tuple[str, Any]]:
    """The module's own names: of a constant with its text, where that stands there. None where nothing looks like a
    key: to read the trees of all modules takes seconds."""
    text = path.read_text()
    for node in ast.parse(text).body if _MAY_HAVE_KEYS.search(text) else ():
        if isinstance(node, ast.FunctionDef):
            yield node.name, None
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            value = node.value.value if isinstance(node.value, ast.Constant) else None
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield from ((each.id, value) for each in ast.walk(target) if isinstance(each, ast.Name))


def _is_of_a_key(name: str, text: Any) -> bool:
    is_named_so = _CONSTANT.fullmatch(name) or _MAKER.fullmatch(name)
    return bool(is_named_so) or (isinstance(text, str) and _WORD_OF_A_KEY.fullmatch(text) is not None)


def _keys_of(module: ModuleType, name: str) -> tuple[str, ...]:
    kept = getattr(module, name)
    if not callable(kept):
        return tuple(each for each in (kept if isinstance(kept, tuple) else (kept,)) if isinstance(each, str))
    asked = {each.name: each.annotation for each in signature(kept).parameters.values()}
    return (kept(**{each: _example(each, kind) for each, kind in asked.items()}),)


def _example(name: str, kind: Any) -> Any:
    return 7 if kind is int else "+15550100000" if name == "number" else "x1"


def shapes(part: str) -> list[str]:
    if part == "shard":
        return [row.shard for row in shard_rows()]
    return [getattr(row, part) for row in key_rows()]


def is_told(each: Made) -> bool:
    if each.part == "prefix":
        return any(shape.startswith(each.key) for part in ("pk", "sk", "shard") for shape in shapes(part))
    # What any id may stand for tells nothing of a constant.
    told = (shape for shape in shapes(each.part) if each.name.islower() or not shape.startswith("<"))
    return any(is_like(shape, each.key) for shape in told)


def makes(each: Made, part: str, shape: str) -> bool:
    """Whether keys of this shape come of it."""
    return shape.startswith(each.key) if each.part == "prefix" else each.part == part and is_like(shape, each.key)


def is_said_by_its_writers(row: KeyRow) -> bool:
    """Whether the beginning of the row's sort key stands in each module that writes it."""
    word = re.split("[#<]", row.sk)[0]
    texts = ((CORE / f"{writer.replace('.', '/')}.py").read_text() for writer in row.writers)
    return all(f'"{word}"' in text for text in texts)


def test_the_pages_keys_are_the_tables() -> None:
    assert PAGE.read_text() == with_keys(PAGE.read_text()), "run `make keys-table`"


def test_a_page_without_markers_is_not_written() -> None:
    with pytest.raises(ValueError, match="keys markers"):
        with_keys("# Architecture\n")


def test_whatever_makes_a_key_is_told_in_a_row() -> None:
    assert [f"{each.module}: {each.name}" for each in made() if not is_told(each)] == []


def test_every_row_has_what_makes_its_keys() -> None:
    of_the_deployment = Made("runtime/table.py", "runners_pk", table.runners_pk(table.OF_THE_DEPLOYMENT))
    all_made = [*made(), of_the_deployment]
    for row in key_rows():
        assert any(makes(each, "pk", row.pk) for each in all_made), row
        has_its_sk = row.sk.startswith("<") or any(makes(each, "sk", row.sk) for each in all_made)
        assert has_its_sk or is_said_by_its_writers(row), row
    for shard in shard_rows():
        assert any(makes(each, "shard", shard.shard) for each in all_made), shard


def test_no_function_has_keys_of_its_own() -> None:
    """What is in functions/ reads and writes by what is in layers/core."""
    assert FUNCTIONS
    assert [name for path in FUNCTIONS for name, text in _named_in(path) if _is_of_a_key(name, text)] == []


def test_an_accounts_partitions_are_named_in_one_module() -> None:
    begins = [path.name for path in (*MODULES, *FUNCTIONS) if re.search(r"""f["']A#""", path.read_text())]
    assert begins == ["table.py"]


def test_each_partition_whose_rights_are_known_has_a_row_and_each_row_such_a_partition() -> None:
    known = {row.pk: [name for name, pk in PARTITIONS.items() if is_like(row.pk, pk)] for row in key_rows()}
    assert [pk for pk, names in known.items() if not names] == []
    assert {name for names in known.values() for name in names} == PARTITIONS.keys()


def test_whoever_writes_rows_is_named_and_is_there() -> None:
    named = {f"{writer.replace('.', '/')}.py" for row in key_rows() for writer in row.writers}
    writing = {path.relative_to(CORE).as_posix() for path in MODULES if _WRITES.search(path.read_text())}
    assert writing - SHARES_ROWS <= named
    assert [each for each in named | SHARES_ROWS if not (CORE / each).is_file()] == []


def test_no_two_rows_are_of_one_shape() -> None:
    examples = {row: (_example_of(row.pk), _example_of(row.sk)) for row in key_rows()}
    for row, keys in examples.items():
        assert [other.item for other in examples if other.is_of(*keys)] == [row.item]


def _example_of(shape: str) -> str:
    return re.sub("<[^>]+>", "x1", shape.replace("<+e164>", "+15550100000").replace("<shard>", "07"))


def test_a_key_is_of_the_row_whose_shape_it_has() -> None:
    uses = KeyRow("a pipe's uses", "A#<account>", "USES#PIPE#<pipe>", "setup.store; runtime.list_turns (1 day)")
    assert uses.is_of("A#acct_1", "USES#PIPE#pipe_1")
    assert not uses.is_of("A#acct_1#GATE", "USES#PIPE#pipe_1")
    assert not uses.is_of("A#*", "USES#PIPE#pipe_1")
    assert uses.writers == ("setup.store", "runtime.list_turns")
