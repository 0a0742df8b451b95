"""`webhook`: where your server is told of calls."""

from typing import Annotated

import typer

from cli.frame.command import Said, command
from cli.frame.desk import Desk
from cli.frame.fields import Field, check_said, each_of, one_of, text
from cli.reach.api import segment
from cli.shown.tables import record
from cli.things.shown import delete, show_list, show_record
from ringline.webhooks.model.event_type import EventType

app = typer.Typer(no_args_is_help=True, help="Webhook endpoints: where your server is told of calls.")

COLUMNS = ("endpoint_id", "url", "event_types", "disabled", "disabled_reason")
_TYPES = each_of(one_of(*(each.value for each in EventType)))
FIELDS = (
    Field("event_types", f"With commas between: {', '.join(EventType)}.", _TYPES, "TYPES"),
    Field("description", "What it is for.", text),
)
CHANGES = (
    Field("url", "Where deliveries are posted.", text, "URL"),
    *FIELDS,
    Field("disabled", "Send nothing there. Not disabled again, it clears why it was."),
)

_Id = Annotated[str, typer.Argument(help="As `webhook list` shows it, ep_...", show_default=False)]


@command(app, "create", fields=FIELDS)
def create(desk: Desk, url: Annotated[str, typer.Argument(help="Where deliveries are posted.")], said: Said) -> None:
    """Makes an endpoint. Its secret is shown this once; without --event-types it is told of each call's end."""
    made = desk.api().post("/v1/webhook-endpoints", {"url": url, **said})

    def people() -> None:
        desk.say(record(made))
        desk.note("The secret is shown this once: keep it now. Deliveries are verified with it.")

    desk.show(made, people)


@command(app, "list")
def list_endpoints(desk: Desk) -> None:
    """All endpoints."""
    show_list(desk, "/v1/webhook-endpoints", COLUMNS, "no webhook endpoints")


@command(app, "show")
def show(desk: Desk, endpoint_id: _Id) -> None:
    """One endpoint."""
    show_record(desk, desk.api().get(f"/v1/webhook-endpoints/{segment(endpoint_id)}"))


@command(app, "set", fields=CHANGES)
def change(desk: Desk, endpoint_id: _Id, said: Said) -> None:
    """Changes an endpoint; what is not named stays."""
    check_said(said)
    show_record(desk, desk.api().patch(f"/v1/webhook-endpoints/{segment(endpoint_id)}", said))


@command(app, "delete")
def delete_endpoint(desk: Desk, endpoint_id: _Id) -> None:
    """Deletes an endpoint."""
    delete(desk, f"/v1/webhook-endpoints/{segment(endpoint_id)}", endpoint_id)
