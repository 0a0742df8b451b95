"""The release that the test of the rollback deploys (tests/stack/troubles) really writes what today's code does not
know, and reads what it has written itself."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.tools.places import ROOT
from ringline.calls.model.call import CarrierWords, State
from ringline.calls.model.events import LegLeft
from ringline.calls.tables.records import call_from_item, call_to_item
from ringline.runtime.items import from_item
from ringline.runtime.rows import SCHEMA, SCHEMA_NAME, schema_of
from tests.builders import a_call, at, moved
from tests.component.releases.later_release import MOOD, POLICY, REASON, VERSION, later_release
from tests.component.releases.later_release import SCHEMA as LATER_SCHEMA

_WRITES = """
import json, sys
from ringline.calls.model.call import State
from ringline.calls.model.events import LegLeft
from ringline.calls.rules.lifecycle import apply
from ringline.calls.tables.records import call_from_item, call_to_item
from ringline.version import VERSION
talks = call_from_item(json.load(sys.stdin))
left = LegLeft(talks.answered_at + 20_000, talks.attempt, talks.leg_sid, "CLIENT_INITIATED", "hangup")
ended = apply(talks, left).call
assert call_from_item(call_to_item(ended)).end_reason == ended.end_reason
print(json.dumps([VERSION, call_to_item(talks), call_to_item(ended)]))
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any, Any]:
    """Its version, and rows of a call that talks and of the same one when it is over, as it writes them."""
    core = later_release(ROOT / "layers" / "core" / "ringline", tmp_path_factory.mktemp("later"))
    talks = replace(a_call(State.ACTIVE), carrier=CarrierWords(rang_at=at(2)))
    environment = {**os.environ, "PYTHONPATH": str(Path(core / "python"))}
    asked = subprocess.run(
        [sys.executable, "-c", _WRITES],
        env=environment,
        input=json.dumps(call_to_item(talks)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    version, active, ended = json.loads(asked.stdout)
    return version, active, ended


def test_it_is_another_release_whose_rows_bear_what_today_does_not_know(written: tuple[str, Any, Any]) -> None:
    version, active, ended = written
    assert version == VERSION
    for row in map(from_item, (active, ended)):
        assert (schema_of(row), row["voicemail_policy"], row["carrier"][MOOD]) == (LATER_SCHEMA, POLICY, "calm")
        assert MOOD in row
    assert from_item(ended)["end_reason"] == REASON


def test_today_goes_on_with_its_calls_and_loses_nothing_of_theirs(written: tuple[str, Any, Any]) -> None:
    _, active, ended = written
    call = call_from_item(active)
    left = LegLeft(at(30), call.attempt, call.leg_sid or "", "CLIENT_INITIATED", "hangup")
    over = from_item(call_to_item(moved(call, left)))
    assert (over["end_reason"], over[SCHEMA_NAME]) == ("USER_HUNG_UP_IN_CALL", SCHEMA)
    assert (over["carrier"][MOOD], over["voicemail_policy"], MOOD in over) == ("calm", POLICY, True)
    assert from_item(call_to_item(call_from_item(ended)))["end_reason"] == REASON
