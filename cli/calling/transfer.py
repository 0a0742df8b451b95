"""`transfer`: hands a call over to a phone number or to another agent, and follows how that goes."""

from enum import StrEnum
from functools import partial
from typing import Annotated, Any

import typer

from cli.calling.call import CallId
from cli.calling.follow import EVERY_S
from cli.frame.command import command
from cli.frame.desk import Desk
from cli.frame.fields import phone_number
from cli.model.failures import ExitCode, Usage
from cli.reach.api import Api, Document, segment
from cli.reach.patience import Patience
from cli.reach.things import AGENT, identify
from cli.words.moments import clock_time

END = "end"

_OVER = frozenset({"completed", "failed"})


class Mode(StrEnum):
    COLD = "cold"
    WARM = "warm"


def add_commands(app: typer.Typer) -> None:
    command(app, "transfer", "transfer call_01JD5Z +14155550199 --mode warm --fallback end", panel="Calls")(transfer)


def add_to_group(group: typer.Typer) -> None:
    command(group, "transfer", "call transfer call_01JD5Z Sales")(transfer)


def transfer(
    desk: Desk,
    call_id: CallId,
    target: Annotated[
        str | None, typer.Argument(metavar="TARGET", help="A number, +14155550123, or an agent.", show_default=False)
    ] = None,
    number: Annotated[
        str | None, typer.Option("--number", parser=phone_number, metavar="NUMBER", help="To this phone.")
    ] = None,
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="AGENT", help="To this agent of yours."), AGENT
    ] = None,
    mode: Annotated[Mode, typer.Option(help="cold: away from here; warm: into the same conversation.")] = Mode.COLD,
    announcement: Annotated[str | None, typer.Option(metavar="TEXT", help="What the agent is to say before.")] = None,
    fallback: Annotated[
        list[str] | None,
        typer.Option(metavar="WHO", help="A number, an agent, or end, if nobody comes. May be repeated."),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Watch it until it is over.")] = True,
) -> None:
    """Hands a conversation over to a phone, or to another agent."""
    if sum(each is not None for each in (target, number, agent)) != 1:
        raise Usage("must be given, or --number or --agent, and only one of them", "TARGET")
    said = {
        "to": _named(desk, target, "TARGET") if target is not None else _target_of(number, agent),
        "mode": mode.value,
        "announcement": announcement,
        "fallback": [_fallback(desk, each) for each in fallback or ()] or None,
    }
    api, path = desk.api(), f"/v1/calls/{segment(call_id)}/transfers"
    asked = api.post(path, {name: value for name, value in said.items() if value is not None})
    if not follow:
        desk.show(asked, lambda: f"{asked['transfer_id']}: {asked['state']}")
        return
    done = _follow(desk, api, path, asked)
    desk.show(done, lambda: None)
    if done["state"] == "failed":
        raise typer.Exit(ExitCode.CALL_FAILED)


def _follow(desk: Desk, api: Api, path: str, asked: Document) -> Document:
    """The transfer when it is over; one that failed is followed by the one to its fallback. Raises the failure
    of an API that stays away."""
    told: tuple[str, str] | None = None
    seen, patience = asked, Patience()
    while True:
        if told != (seen["transfer_id"], seen["state"]):
            told = (seen["transfer_id"], seen["state"])
            desk.say(_line(seen))
        goes_on_as = seen.get("followed_by")
        if seen["state"] in _OVER and goes_on_as is None:
            return seen
        if goes_on_as is None or patience.misses:
            desk.around.sleep(EVERY_S)
        seen = patience.look(partial(api.get, f"{path}/{goes_on_as or seen['transfer_id']}")) or seen


def _line(transfer_: Document) -> str:
    moments = (transfer_.get(f"{each}_at") for each in ("ended", "joined", "ringing", "requested"))
    at = next((moment for moment in moments if moment), None)
    (target,) = transfer_["to"]["config"].values()
    why = f": {transfer_['reason']}" if transfer_.get("reason") else ""
    code = f" (SIP {transfer_['sip_code']})" if transfer_.get("sip_code") else ""
    return f"{clock_time(at)}  {transfer_['mode']} to {target}  {transfer_['state']}{why}{code}"


def _fallback(desk: Desk, who: str) -> Any:
    return END if who == END else _named(desk, who, "--fallback")


def _named(desk: Desk, who: str, called: str) -> Document:
    if who.startswith("+"):
        try:
            return _target("sip", phone_number(who))
        except typer.BadParameter as error:
            raise Usage(error.message, called) from None
    return _target("agent", identify(desk.api, AGENT, who, called))


def _target_of(number: str | None, agent: str | None) -> Document:
    return _target("sip", number) if number is not None else _target("agent", agent)


def _target(kind: str, name: str | None) -> Document:
    return {"type": kind, "config": {"number" if kind == "sip" else "agent_id": name}}
