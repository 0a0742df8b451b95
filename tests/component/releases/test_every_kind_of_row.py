"""What is cut of a release has every kind of row and of message, so that later ones are held to all of them; and the
table of keys (`ringline.runtime.table`) is that of the rows that are written."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from local.pages.keys import is_like, key_rows, shard_rows
from local.releases.__main__ import FIXTURES, written_by
from local.releases.release_code import from_json
from local.tools.places import ROOT
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.sending.queue import MOST_IN_A_MESSAGE

CANNOT_BE_WRITTEN = {"former delivery": "only the releases before events were rows wrote any; their fixtures have some"}
"""Kinds of rows that this release only reads, with the reason."""

type Kept = dict[str, Any]


@pytest.fixture(scope="module")
def written() -> Kept:
    """What today's code writes."""
    told: Kept = json.loads(written_by(ROOT / "layers" / "core"), object_hook=from_json)
    return told


def kinds_of(row: Kept) -> list[str]:
    return [each.item for each in key_rows() if each.is_of(row["pk"]["S"], row["sk"]["S"])]


def shards_of(row: Kept) -> list[str]:
    return [each.shard for each in shard_rows() if is_like(each.shard, row["due_shard"]["S"])]


def assert_each_is_of_one_kind(rows: list[Kept]) -> None:
    for row in rows:
        assert len(kinds_of(row)) == 1, f"{row['pk']} {row['sk']} is {kinds_of(row)}"
        assert "due_shard" not in row or "due_at" in row, row
        assert "due_shard" not in row or len(shards_of(row)) == 1, row["due_shard"]


def test_every_row_that_is_written_is_of_one_row_of_the_table_of_keys(written: Kept) -> None:
    assert_each_is_of_one_kind(written["rows"])


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_every_row_that_an_earlier_release_wrote_is_too(path: Path) -> None:
    assert_each_is_of_one_kind(json.loads(path.read_text(), object_hook=from_json)["rows"])


def test_every_row_of_the_table_of_keys_is_written(written: Kept) -> None:
    kinds = {kind for row in written["rows"] for kind in kinds_of(row)}
    assert {row.item for row in key_rows()} - kinds == CANNOT_BE_WRITTEN.keys()


def test_what_is_written_no_more_was_written_once() -> None:
    kept = [json.loads(path.read_text(), object_hook=from_json)["rows"] for path in FIXTURES.glob("*.json")]
    assert CANNOT_BE_WRITTEN.keys() <= {kind for rows in kept for row in rows for kind in kinds_of(row)}


def test_every_list_of_the_index_has_something(written: Kept) -> None:
    listed = Counter(shard for row in written["rows"] if "due_shard" in row for shard in shards_of(row))
    assert listed.keys() == {row.shard for row in shard_rows()}


def test_an_event_of_each_type_and_messages_of_each_form_are_written(written: Kept) -> None:
    types = {row["event_type"]["S"] for row in written["rows"] if row.get("item_kind") == {"S": "event"}}
    assert types == set(EventType)
    messages = {queue: [json.loads(body) for body in bodies] for queue, bodies in written["messages"].items()}
    assert messages.keys() == {
        *("doorbell", "look", "lost_worker", "share", "transfer"),
        *("delivery", "deliveries", "replay"),
    }
    assert [len(each["sequences"]) for each in messages["deliveries"]] == [MOST_IN_A_MESSAGE] * 2
    assert any("turn_at" in each for each in messages["delivery"])
