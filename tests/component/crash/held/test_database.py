"""What the functions of these tests ask of the table is answered as moto answers it: the same scenarios, played once
with each request made of both."""

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
from tests.component.crash.rig.promises import Scenario, play
from tests.component.one_table import LocalAws

_ALL = (
    test_carrier.SCENARIOS,
    test_dialing.SCENARIOS,
    test_events.SCENARIOS,
    test_front_desk.SCENARIOS,
    test_inbound.SCENARIOS,
    test_recordings.SCENARIOS,
    test_reports.SCENARIOS,
    test_requests.SCENARIOS,
    test_runners.SCENARIOS,
    test_sweep.SCENARIOS,
    test_transfers.SCENARIOS,
    test_web_callers.SCENARIOS,
    test_who_is_there.SCENARIOS,
)
SCENARIOS = [scenario for scenarios in _ALL for scenario in (scenarios[0], scenarios[-1])]


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


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: f"{scenario.function}: {scenario}")
def test_it_answers_as_moto_does(local: LocalAws, scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    ask_moto, answer = local.dynamodb._make_api_call, Database.answer
    asked: set[str] = set()

    def both(database: Database, operation: str, request: Mapping[str, Any]) -> Any:
        asked.add(operation)
        ours, pass_on = _heard(lambda: answer(database, operation, request), operation)
        motos, _ = _heard(lambda: ask_moto(operation, request), operation)
        assert ours == motos, f"{operation} {request}"
        return pass_on()

    monkeypatch.setattr(Database, "answer", both)
    play(local, scenario, None, 0)
    assert {"TransactWriteItems", "GetItem", "Query", "UpdateItem"} <= asked
