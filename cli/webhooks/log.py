"""`webhook deliveries` and what follows from it: the log, and what is sent again."""

from typing import Annotated, Any

import typer

from cli.frame.command import command
from cli.frame.desk import Desk
from cli.frame.fields import each_of, one_of, text
from cli.frame.moments import asked_moment
from cli.model.failures import Usage
from cli.reach.api import Document, segment
from cli.reach.things import ENDPOINT
from cli.shown.tables import of_rows, record
from cli.things.shown import show_list, show_record

_OF_A_LIST = ("delivery_id", "type", "status", "attempt_count", "last_attempt.status_code", "last_attempt.error")
_OF_A_TRY = ("at", "duration_ms", "status_code", "error", "phase", "answer")
_OF_A_REPLAY = ("replay_id", "status", "progress", "sent", "from_sequence", "until_sequence", "stopped_because")
_MOMENT = "ISO 8601, or 30m, 2h, 7d ago."

_Endpoint = Annotated[
    str, typer.Argument(metavar="ENDPOINT", help="Its id, ep_..., or its URL.", show_default=False), ENDPOINT
]
_Delivery = Annotated[str, typer.Argument(metavar="DELIVERY", help="Its id, dlv_...", show_default=False)]
_Replay = Annotated[str, typer.Argument(metavar="REPLAY", help="Its id, replay_...", show_default=False)]


def add_commands(app: typer.Typer) -> None:
    command(app, "ping", "webhook ping https://example.com/hook")(ping)
    command(app, "deliveries", "webhook deliveries --status failing --since 2h")(deliveries)
    command(app, "delivery", "webhook delivery dlv_ep_01JD5Z0Q3V8Z9K4T2M6X7Y1W0A_17")(delivery)
    command(app, "redeliver", "webhook redeliver dlv_ep_01JD5Z0Q3V8Z9K4T2M6X7Y1W0A_17")(redeliver)
    command(app, "replay", "webhook replay https://example.com/hook --since 2h")(replay)
    command(app, "replays", "webhook replays https://example.com/hook")(replays)
    command(app, "replay-status", "webhook replay-status https://example.com/hook replay_01JD5Z")(replay_status)
    command(app, "stop-replay", "webhook stop-replay https://example.com/hook replay_01JD5Z")(stop_replay)
    command(app, "statistics", "webhook statistics https://example.com/hook")(statistics)


def ping(desk: Desk, endpoint_id: _Endpoint) -> None:
    """Sends an endpoint a test event, signed as all are; `webhook delivery` tells what became of it."""
    show_record(desk, desk.api().post(f"{_path(endpoint_id)}/test"))


def deliveries(
    desk: Desk,
    endpoint: Annotated[str | None, typer.Option(metavar="ENDPOINT", help="To this endpoint."), ENDPOINT] = None,
    status: Annotated[str | None, typer.Option(help="failing, delivered, gave_up; with commas.")] = None,
    event_type: Annotated[str | None, typer.Option("--type", metavar="TYPES", help="Of these events.")] = None,
    call: Annotated[str | None, typer.Option(metavar="CALL", help="Of events of this call.")] = None,
    since: Annotated[str | None, typer.Option(help=f"Of events since: {_MOMENT}")] = None,
    until: Annotated[str | None, typer.Option(help="Of events before.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="So many at most.")] = 50,
) -> None:
    """Lists deliveries that were tried, of the newest event first."""
    query = {
        "endpoint_id": endpoint,
        "status": status,
        "type": event_type,
        "call_id": call,
        "since": asked_moment("--since", since, desk.around.clock()),
        "until": asked_moment("--until", until, desk.around.clock()),
        "limit": limit,
    }
    page = desk.api().page("/v1/webhook-deliveries", {name: word for name, word in query.items() if word is not None})
    desk.show(page.as_json(), lambda: of_rows(page.rows, _OF_A_LIST) if page.rows else "no deliveries")


def delivery(desk: Desk, delivery_id: _Delivery) -> None:
    """One delivery with its tries: when, how long, what was answered, and where it broke off."""
    _show(desk, desk.api().get(f"/v1/webhook-deliveries/{segment(delivery_id)}"))


def redeliver(desk: Desk, delivery_id: _Delivery) -> None:
    """Sends a delivery again, whatever became of it: the same webhook-id, the same bytes."""
    _show(desk, desk.api().post(f"/v1/webhook-deliveries/{segment(delivery_id)}/redeliver"))


def replay(
    desk: Desk,
    endpoint_id: _Endpoint,
    since: Annotated[str | None, typer.Option(help=f"Events since: {_MOMENT}")] = None,
    from_sequence: Annotated[int | None, typer.Option(min=1, metavar="N", help="Events from this number on.")] = None,
    until: Annotated[str | None, typer.Option(help=f"Events before: {_MOMENT}")] = None,
    only: Annotated[
        str, typer.Option(parser=one_of("failed", "all"), metavar="WHICH", help="failed: what it has not taken; all.")
    ] = "failed",
    types: Annotated[
        str | None, typer.Option(metavar="TYPES", help="Of these types, with commas; else what it is told of.")
    ] = None,
) -> None:
    """Sends an endpoint again what it has not taken, or everything, ten events a second."""
    if (since is None) == (from_sequence is None):
        raise Usage("say --since or --from-sequence", "since")
    now_ms = desk.around.clock()
    body: dict[str, Any] = {
        "since": asked_moment("--since", since, now_ms),
        "from_sequence": from_sequence,
        "until": asked_moment("--until", until, now_ms),
        "only": only,
        "types": None if types is None else each_of(text)(types),
    }
    said = {name: word for name, word in body.items() if word is not None}
    show_record(desk, desk.api().post(f"{_path(endpoint_id)}/replays", said))


def replays(desk: Desk, endpoint_id: _Endpoint) -> None:
    """An endpoint's replays, newest first."""
    show_list(desk, f"{_path(endpoint_id)}/replays", _OF_A_REPLAY, "no replays")


def replay_status(desk: Desk, endpoint_id: _Endpoint, replay_id: _Replay) -> None:
    """How far a replay has come."""
    show_record(desk, desk.api().get(f"{_path(endpoint_id)}/replays/{segment(replay_id)}"))


def stop_replay(desk: Desk, endpoint_id: _Endpoint, replay_id: _Replay) -> None:
    """Stops a replay; what it has sent is tried by its own schedule."""
    show_record(desk, desk.api().post(f"{_path(endpoint_id)}/replays/{segment(replay_id)}/stop"))


def statistics(desk: Desk, endpoint_id: _Endpoint) -> None:
    """How an endpoint fared in the last day and the last seven."""
    show_record(desk, desk.api().get(f"{_path(endpoint_id)}/statistics"))


def _path(endpoint_id: str) -> str:
    return f"/v1/webhook-endpoints/{segment(endpoint_id)}"


def _show(desk: Desk, document: Document) -> None:
    def people() -> None:
        desk.say(record({name: value for name, value in document.items() if name not in ("attempts", "last_attempt")}))
        desk.say(of_rows(document.get("attempts", []), _OF_A_TRY))

    desk.show(document, people)
