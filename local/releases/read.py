"""Reads, with the release on the path, what another one wrote: JSON as `written` prints it, on stdin. Prints what it
stumbled over, a line each; nothing where it reads all of it."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import boto3
import moto

release_code = importlib.import_module("release_code")
"""Beside this script, which runs where nothing of `local` is on the path."""
ACCOUNT, TABLE, RELEASE = release_code.ACCOUNT, release_code.TABLE, release_code.RELEASE


def found(*places: str) -> Any:
    for place in places:
        with suppress(ModuleNotFoundError):
            return importlib.import_module(f"ringline.{place}")
    return None


def call_row(item: Any) -> None:
    """As the API, the relay and a write read it."""
    call = RELEASE.records.call_from_item(item)
    found("calls.views.call_view", "calls.view").call_view(call)
    found("calls.views.timeline", "calls.timeline").timeline(call)
    again = RELEASE.records.call_to_item(call)
    assert RELEASE.records.call_from_item(again) == call


def questions(db: Any, told: dict[str, Any]) -> Iterator[tuple[str, Callable[[], Any]]]:
    for item in told["rows"]:
        if item.get("item_kind") == {"S": "call"}:
            yield item["sk"]["S"], partial(call_row, item)
    routing = RELEASE.routing.RoutingStore(db, TABLE)
    yield "pipes", lambda: routing.pipes(ACCOUNT)
    yield "agents", lambda: routing.agents(ACCOUNT)
    yield "numbers", lambda: routing.numbers(ACCOUNT)
    yield "endpoints", lambda: RELEASE.endpoints.EndpointStore(db, TABLE).endpoints(ACCOUNT)
    yield "keys", lambda: RELEASE.accounts.AccountStore(db, TABLE).keys(ACCOUNT)
    yield "queue", lambda: RELEASE.calls.CallStore(db, TABLE).eligible(ACCOUNT, 2**41, 10)
    yield "waiting", lambda: RELEASE.watchlist.Watchlist(db, TABLE).waiting_accounts()
    for item in told["rows"]:
        if item.get("item_kind") == {"S": "delivery"} and "due_at" in item:
            due_at = int(item["due_at"]["N"])
            pk, sk = item["pk"]["S"], item["sk"]["S"]
            yield sk, partial(RELEASE.deliveries.DeliveryStore(db, TABLE).claim_overdue, pk, sk, due_at, due_at + 1)
    for body in told["messages"]["delivery"]:
        yield body, partial(RELEASE.webhook_queue.message_in, body)
    if RELEASE.lines is not None:
        yield "trunks", lambda: RELEASE.trunks.TrunkStore(db, TABLE).trunks(ACCOUNT)
        yield "links", lambda: RELEASE.trunk_links.Links(db, TABLE, lambda: 0).all(ACCOUNT)
        yield "voices", lambda: RELEASE.voices.VoiceCatalogue(db, TABLE).profiles()
        yield "outcomes", lambda: RELEASE.outcomes.Outcomes(db, TABLE).of_call(ACCOUNT, "call_1")
        for attempt in (1, 2, 3):
            assignments = RELEASE.assignments.Assignments(db, TABLE)
            yield f"assignment {attempt}", partial(assignments.get, ACCOUNT, "call_1", attempt)


def main() -> int:
    told = json.load(sys.stdin, object_hook=release_code.from_json)
    stumbled = 0
    with moto.mock_aws():
        db = boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        release_code.make_table(db)
        for row in told["rows"]:
            db.put_item(TableName=TABLE, Item=row)
        for what, ask in questions(db, told):
            try:
                ask()
            except Exception as error:
                stumbled += 1
                print(f"{what}: {error!r}")
    return 1 if stumbled else 0


if __name__ == "__main__":
    sys.exit(main())
