"""`webhook`: where your server is told of calls."""

from typing import Annotated, Any

import typer

from cli.frame.command import Said, command
from cli.frame.desk import Desk
from cli.frame.fields import Field, check_said, each_of, one_of, text, whole
from cli.model.failures import ExitCode
from cli.reach.api import segment
from cli.reach.things import ENDPOINT
from cli.shown.tables import record
from cli.things.shown import delete, show_list, show_record
from cli.webhooks import events, listen, log
from cli.webhooks.verified import checked_secret
from ringline.webhooks.model.endpoint import MOST_AT_ONCE
from ringline.webhooks.model.event_type import DEFAULT_SUBSCRIPTION, SUBSCRIPTIONS, EventType, FormerName

app = typer.Typer(no_args_is_help=True, help="Webhook endpoints: where your server is told of calls.")

COLUMNS = ("endpoint_id", "url", "event_types", "disabled", "disabled_reason")
_TYPES = each_of(one_of(*(str(each) for each in SUBSCRIPTIONS)))
FIELDS = (
    Field("event_types", f"With commas between: {', '.join(EventType)}; call.* or * for many.", _TYPES, "TYPES"),
    Field("description", "What it is for.", text),
    Field("max_per_second", "Posts in any second, at most.", whole(1, MOST_AT_ONCE), "N"),
    Field("max_parallel", "Posts under way at once, at most.", whole(1, MOST_AT_ONCE), "N"),
)
CHANGES = (
    Field("url", "Where deliveries are posted.", text, "URL"),
    *FIELDS,
    Field("disabled", "Send nothing there. Not disabled again, it clears why it was."),
)

_Id = Annotated[
    str, typer.Argument(metavar="ENDPOINT", help="Its id, ep_..., or its URL.", show_default=False), ENDPOINT
]


@command(app, "create", "webhook create https://example.com/hook --event-types call.active,call.ended", fields=FIELDS)
def create(
    desk: Desk,
    url: Annotated[
        str,
        typer.Argument(help="A URL, the ARN of a queue or a bus, or `call`: the --webhook-url of each call."),
    ],
    said: Said,
) -> None:
    """Makes an endpoint. Its secret is shown this once; without --event-types it is told of each call's end."""
    made = desk.api().post("/v1/webhook-endpoints", _address(url) | said)

    def people() -> None:
        desk.say(record(made))
        desk.note("The secret is shown this once: keep it now. Deliveries are verified with it.")

    desk.show(made, people)


@command(app, "test", "webhook test https://example.com/hook --secret @secret.txt")
def test(
    desk: Desk,
    endpoint_id: _Id,
    signed_with: Annotated[
        str | None, typer.Option("--secret", metavar="SECRET", help="whsec_..., @file; left out, you are asked.")
    ] = None,
    event_type: Annotated[
        str,
        typer.Option("--event-type", metavar="TYPE", parser=one_of(*EventType, *FormerName), help="Which event."),
    ] = DEFAULT_SUBSCRIPTION[0],
) -> None:
    """Sends your server a signed sample of an event, from here, and shows what it answers. Nothing is recorded."""
    from cli.webhooks.sample import sample, send

    api = desk.api()
    endpoint = api.get(f"/v1/webhook-endpoints/{segment(endpoint_id)}")
    event = sample(api.get("/openapi.json"), event_type)
    at_s = desk.around.clock() // 1000
    answer = send(
        endpoint["url"], checked_secret(signed_with or "-"), event, f"test_{at_s}", at_s, desk.around.transport
    )
    told = {"url": endpoint["url"], "event_type": event_type, "status_code": answer.status_code, "says": answer.says}
    desk.show(told, lambda: f"{told['url']} answered {answer.status_code} {answer.says}")
    if not answer.is_taken:
        raise typer.Exit(ExitCode.REFUSED)


@command(app, "list", "webhook list")
def list_endpoints(desk: Desk) -> None:
    """All endpoints."""
    show_list(desk, "/v1/webhook-endpoints", COLUMNS, "no webhook endpoints")


@command(app, "show", "webhook show https://example.com/hook")
def show(desk: Desk, endpoint_id: _Id) -> None:
    """One endpoint."""
    show_record(desk, desk.api().get(f"/v1/webhook-endpoints/{segment(endpoint_id)}"))


@command(app, "set", "webhook set https://example.com/hook --no-disabled", fields=CHANGES)
def change(desk: Desk, endpoint_id: _Id, said: Said) -> None:
    """Changes an endpoint; what is not named stays."""
    check_said(said)
    show_record(desk, desk.api().patch(f"/v1/webhook-endpoints/{segment(endpoint_id)}", said))


@command(app, "delete", "webhook delete https://example.com/hook")
def delete_endpoint(desk: Desk, endpoint_id: _Id) -> None:
    """Deletes an endpoint."""
    delete(desk, f"/v1/webhook-endpoints/{segment(endpoint_id)}", endpoint_id)


@command(app, "rotate", "webhook rotate https://example.com/hook --grace 3600")
def rotate(
    desk: Desk,
    endpoint_id: _Id,
    grace_s: Annotated[
        int, typer.Option("--grace", metavar="SECONDS", min=0, help="How long the former secret signs, too.")
    ] = 86_400,
) -> None:
    """Gives an endpoint a new secret, which is shown this once."""
    rotated = desk.api().post(f"/v1/webhook-endpoints/{segment(endpoint_id)}/secret/rotate", {"grace_s": grace_s})

    def people() -> None:
        desk.say(record(rotated))
        desk.note("The secret is shown this once: keep it now. Deliveries are verified with it.")

    desk.show(rotated, people)


def _address(text: str) -> dict[str, Any]:
    """The address as the API takes it."""
    if text.startswith("arn:"):
        is_bus = ":events:" in text
        return {"target": {"type": "eventbridge", "bus_arn": text} if is_bus else {"type": "sqs", "queue_arn": text}}
    return {"target": {"type": "call"}} if text == "call" else {"url": text}


listen.add_command(app)
log.add_commands(app)
events.add_commands(app)
