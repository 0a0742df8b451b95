"""What the functions of these tests ask of the table is answered as moto answers it: the first and the last scenario of
each kind, undisturbed and struck, with each request made of both, and what is left in both in the end."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ringline.runtime.items import from_item
from tests.component.crash import (
    test_carrier,
    test_dialing,
    test_events,
    test_front_desk,
    test_inbound,
    test_recordings,
    test_reports,
    test_requests,
    test_runners,
    test_sweep,
    test_transfers,
    test_web_callers,
    test_who_is_there,
)
from tests.component.crash.rig.database import Database
from tests.component.crash.rig.process import Trouble
from tests.component.crash.rig.promises import Scenario, play
from tests.component.crash.shards import test_in_shards
from tests.component.crash.stream import test_relay_away
from tests.component.one_table import LocalAws

_ALL = (
    test_carrier.SCENARIOS,
    test_dialing.SCENARIOS,
    test_events.SCENARIOS,
    test_front_desk.SCENARIOS,
    test_in_shards.SCENARIOS,
    test_inbound.SCENARIOS,
    test_recordings.SCENARIOS,
    test_relay_away.SCENARIOS,
    test_reports.SCENARIOS,
    test_requests.SCENARIOS,
    test_runners.SCENARIOS,
    test_sweep.SCENARIOS,
    test_transfers.SCENARIOS,
    test_web_callers.SCENARIOS,
    test_who_is_there.SCENARIOS,
)
SCENARIOS = [
    *((scenario, None) for scenarios in _ALL for scenario in (scenarios[0], scenarios[-1])),
    *((scenarios[0], Trouble.KILLED) for scenarios in _ALL),
]
"""Killed in the middle, so that others find what is half-done."""


def _plain(item: Mapping[str, Any] | None) -> Any:
    """An item as text: of a set each answers in an order of its own."""
    if item is None:
        return None
    return json.dumps(from_item(dict(item)), sort_keys=True, default=lambda kept: sorted(kept) if kept else None)


def _told(said: Mapping[str, Any], operation: str) -> dict[str, Any]:
    """What of an answer anybody reads."""
    told: dict[str, Any] = {name: _plain(said.get(name)) for name in ("Item", "Attributes", "LastEvaluatedKey")}
    items = [_plain(item) for item in said.get("Items", [])]
    told["Items"] = sorted(items) if operation == "Scan" else items
    told["Count"] = said.get("Count")
    found = said.get("Responses", {})
    told["Responses"] = (
        [_plain(each.get("Item")) for each in found]
        if isinstance(found, list)
        else sorted(_plain(item) for items in found.values() for item in items)
    )
    return told


def _refusal(error: ClientError) -> dict[str, Any]:
    response: Mapping[str, Any] = error.response
    reasons = [(each["Code"], _plain(each.get("Item"))) for each in response.get("CancellationReasons", [])]
    return {"refused": response["Error"]["Code"], "reasons": reasons, "Item": _plain(response.get("Item"))}


def _heard(ask: Callable[[], Mapping[str, Any]], operation: str) -> tuple[dict[str, Any], Callable[[], Any]]:
    """What came of a request, and how to pass it on."""
    try:
        said = ask()
    except ClientError as error:
        raised = error

        def refuse() -> Any:
            raise raised

        return _refusal(error), refuse
    return _told(said, operation), lambda: said


def _named(value: object) -> str:
    return f"{value.function}: {value}" if isinstance(value, Scenario) else str(value or "undisturbed")


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize(("scenario", "trouble"), SCENARIOS, ids=_named)
def test_it_answers_as_moto_does(
    local: LocalAws, scenario: Scenario, trouble: Trouble | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [] if trouble is None else play(local, scenario, None, 0).steps
    ask_moto, answer = local.dynamodb._make_api_call, Database.answer
    asked: dict[str, Database] = {}

    def both(database: Database, operation: str, request: Mapping[str, Any]) -> Any:
        asked[operation] = database
        ours, pass_on = _heard(lambda: answer(database, operation, request), operation)
        motos, _ = _heard(lambda: ask_moto(operation, request), operation)
        assert ours == motos, f"{operation} {request}"
        return pass_on()

    monkeypatch.setattr(Database, "answer", both)
    play(local, scenario, trouble, len(steps) // 2)
    assert {"TransactWriteItems", "GetItem", "Query", "UpdateItem"} <= asked.keys()
    left = local.dynamodb.scan(TableName=local.table_name)["Items"]
    assert sorted(map(_plain, left)) == sorted(map(_plain, asked["GetItem"].items()))
