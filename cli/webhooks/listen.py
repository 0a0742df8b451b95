"""`webhook listen`: events on this machine.

Without `--public-url` the events are asked for (`GET /v1/events`), which needs nothing that leads here from the
internet; what is handed on to a port of this machine is signed here, with a secret that is given, or made here and
shown. With it, an endpoint at that URL is made for as long as the command runs, and each delivery is verified with the
endpoint's own secret.
"""

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty
from typing import Annotated, Any

import typer

from cli.frame.command import command
from cli.frame.desk import Desk
from cli.frame.fields import each_of, text
from cli.model.failures import ExitCode, Failure, Usage
from cli.reach.api import Api, Document, segment
from cli.webhooks.heard import Heard, shown
from cli.webhooks.pulled import Pulled, newest_number
from cli.webhooks.verified import checked_secret
from ringline.webhooks.model.endpoint import new_webhook_secret
from ringline.webhooks.sending.deliver import USER_AGENT
from ringline.webhooks.sending.signing import signature_headers

_NOWHERE = "https://listening.invalid/"
"""Where nothing is posted: an endpoint that is disabled makes its events kept, and that is all that is wanted of it."""

_LOOKS_EVERY_S = 0.2


@dataclass
class _Ear:
    """Shows what is heard, until there was enough of it."""

    desk: Desk
    whole: bool
    count: int | None
    heard: list[Document] = field(default_factory=list)

    @property
    def has_enough(self) -> bool:
        return self.count is not None and len(self.heard) >= self.count

    def hear(self, heard: Heard) -> None:
        if self.count is not None or self.desk.json:
            self.heard.append(heard.as_json())
        self.desk.say(shown(heard, whole=self.whole))


def add_command(app: typer.Typer) -> None:
    command(app, "listen", "webhook listen --forward http://127.0.0.1:3000/hook")(listen)


def listen(
    desk: Desk,
    forward: Annotated[
        str | None, typer.Option(metavar="URL", help="Hand each event on, signed, to this port of your machine.")
    ] = None,
    signed_with: Annotated[
        str | None,
        typer.Option("--secret", metavar="SECRET", help="Sign with it: whsec_..., @file. Left out, one is made."),
    ] = None,
    event_types: Annotated[
        str | None, typer.Option(metavar="TYPES", help="Of these types, with commas; else all that are kept.")
    ] = None,
    after: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="From the event behind this number on; else from now on.")
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, metavar="N", help="End after so many events.")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Show each event as it came, below its line.")] = False,
    public_url: Annotated[
        str | None, typer.Option(metavar="URL", help="What leads from the internet to --port, a tunnel's for instance.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen behind --public-url; 0 for any.")] = 0,
) -> None:
    """Hears your account's events on this machine, shows each, and hands it on to a port of yours."""
    for option, value in (("--after", after), ("--secret", signed_with)):
        if public_url is not None and value is not None:
            raise Usage("is not for --public-url, where Ringline itself signs and sends what is new", option)
    types = None if event_types is None else each_of(text)(event_types)
    ear = _Ear(desk, whole, count)
    with suppress(KeyboardInterrupt):
        if public_url is not None:
            _receive(ear, public_url, port, types, forward)
        else:
            _pull(ear, types, after, forward, None if signed_with is None else checked_secret(signed_with))
    if desk.json:
        desk.show({"data": ear.heard}, lambda: None)
    raise typer.Exit(ExitCode.OK)


def _receive(ear: _Ear, public_url: str, port: int, types: list[str] | None, forward_to: str | None) -> None:
    """Takes what Ringline posts to the URL."""
    from cli.webhooks.forward import Forward
    from cli.webhooks.receiver import receiving

    api = ear.desk.api()
    forward = None if forward_to is None else Forward(forward_to)
    key: Future[str] = Future()
    with receiving(port, key, ear.desk.around.clock, forward) as (at_port, heard):
        wanted = {"url": public_url, **({} if types is None else {"event_types": types})}
        with _an_endpoint(api, wanted) as made:
            key.set_result(made["secret"])
            ear.desk.note(
                f"{public_url} is the endpoint {made['endpoint_id']} until this ends; here it is port {at_port}."
            )
            while not ear.has_enough:
                with suppress(Empty):
                    ear.hear(heard.get(timeout=_LOOKS_EVERY_S))


def _pull(
    ear: _Ear, types: list[str] | None, after: int | None, forward_to: str | None, signed_with: str | None
) -> None:
    """Asks for what happened, and delivers it to the port as Ringline would."""
    from cli.webhooks.forward import Forward

    api = ear.desk.api()
    forward = None if forward_to is None else Forward(forward_to)
    with _kept(api, types):
        begins_after = newest_number(api) if after is None else after
        key = signed_with or new_webhook_secret()
        if forward is not None:
            with_what = key if signed_with is None else "the secret that was given"
            ear.desk.note(f"{forward.url} is told of each event, signed with {with_what}")
        ear.desk.note(f"Listening from event {begins_after + 1} on; Ctrl-C ends it.")
        for event in Pulled(api, ear.desk.around.sleep, begins_after).events():
            if event is None or not _is_of(types, event["type"]):
                continue
            answer = None if forward is None else forward.post(*_delivery(event, key))
            ear.hear(Heard(event, answer))
            if ear.has_enough:
                return


def _delivery(event: Document, key: str) -> tuple[dict[str, str], bytes]:
    """Headers and body, as a delivery of the event has them."""
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    signed = signature_headers([key], event["id"], int(time.time()), body)
    return {"content-type": "application/json", "user-agent": USER_AGENT, **signed}, body


def _is_of(types: list[str] | None, event_type: str) -> bool:
    """`call.*` is every type that begins so, `*` every one."""
    return types is None or any(
        event_type == each or (each.endswith("*") and event_type.startswith(each[:-1])) for each in types
    )


@contextmanager
def _kept(api: Api, types: list[str] | None) -> Iterator[None]:
    """Sees to it that events of these types are kept while the command runs: what no endpoint wants is not."""
    if types is None:
        yield
        return
    with _an_endpoint(api, {"url": _NOWHERE, "event_types": types}) as made:
        api.patch(f"/v1/webhook-endpoints/{segment(made['endpoint_id'])}", {"disabled": True})
        yield


@contextmanager
def _an_endpoint(api: Api, wanted: dict[str, Any]) -> Iterator[Document]:
    """An endpoint for as long as this runs."""
    made = api.post("/v1/webhook-endpoints", {**wanted, "description": "ringline webhook listen"})
    try:
        yield made
    finally:
        with suppress(Failure):
            api.delete(f"/v1/webhook-endpoints/{segment(made['endpoint_id'])}")
