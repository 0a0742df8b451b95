"""`trunk`: the carriers' trunks that calls go through."""

from copy import replace
from typing import Annotated, Any

import typer

from cli.frame.command import Said, command
from cli.frame.desk import Desk
from cli.frame.fields import Field, check_said, country, each_of, number_up_to, one_of, secret, text
from cli.reach.api import segment
from cli.reach.things import LIVEKIT_TRUNK, TRUNK
from cli.things.account import known_account
from cli.things.shown import IfRevision, delete, revision_header, show_list, show_record
from ringline.routing.records import Trunk

app = typer.Typer(no_args_is_help=True, help="Trunks: the carriers that calls go through.")

COLUMNS = ("trunk_id", "name", "type", "status", "byo_config_sip_domain", "provider_trunk_id", "revision")
MOST_CALLS_PER_SECOND = 1000
FIELDS = (
    Field("type", "byo (a carrier of yours) or livekit (a trunk that is there).", one_of("byo", "livekit"), "TYPE"),
    Field("provider_trunk_id", "LiveKit's id of a trunk that is there, ST_...", text, "ID"),
    Field("byo_config.provider", "The carrier's name.", text, "NAME", "--provider"),
    Field("byo_config.sip_domain", "Where the carrier takes calls.", text, "DOMAIN", "--sip-domain"),
    Field("byo_config.auth_username", "The carrier's user.", text, "USER", "--auth-username"),
    Field(
        "byo_config.auth_password",
        "Its password, @file, or - to be asked; never shown.",
        secret,
        "PASSWORD",
        "--auth-password",
    ),
    Field("byo_config.transport", "udp, tcp or tls.", one_of("udp", "tcp", "tls"), "TRANSPORT", "--transport"),
    Field("allowed_addresses", "Whence the carrier calls, with commas.", each_of(text), "ADDRESSES"),
    Field("media_encryption", "SRTP: disable, allow or require.", one_of("disable", "allow", "require"), "WHICH"),
)
_CALLERS = (
    Field("country", "Of dialled numbers without a country's code; '' for the usual.", country, "CC"),
    Field("account_id", "Who sees its callers whose number is nobody's; '' for nobody.", text, "ACCOUNT", "--account"),
)

_TrunkId = Annotated[str, typer.Argument(metavar="TRUNK", help="Its id, or its name.", show_default=False), TRUNK]
_LivekitId = Annotated[
    str,
    typer.Argument(metavar="TRUNK", help="LiveKit's id of it, ST_..., or your own id or name.", show_default=False),
    LIVEKIT_TRUNK,
]


@command(
    app,
    "create",
    "trunk create Twilio --sip-domain acme.pstn.twilio.com --auth-username acme --auth-password @password.txt",
    fields=FIELDS,
)
def create(
    desk: Desk, name: Annotated[str, typer.Argument(help="What people call it.", show_default=False)], said: Said
) -> None:
    """Makes a trunk, here and at LiveKit."""
    show_record(desk, desk.api().post("/v1/trunks", {"name": name, "type": "byo", **said}))


@command(app, "list", "trunk list")
def list_trunks(desk: Desk) -> None:
    """All trunks."""
    show_list(desk, "/v1/trunks", COLUMNS, "no trunks")


@command(app, "show", "trunk show Twilio")
def show(desk: Desk, trunk_id: _TrunkId) -> None:
    """One trunk."""
    show_record(desk, desk.api().get(f"/v1/trunks/{segment(trunk_id)}"))


@command(
    app,
    "set",
    "trunk set Twilio --allowed-addresses 54.172.60.0/30",
    fields=(Field("name", "What people call it.", text), *FIELDS[2:]),
)
def change(desk: Desk, trunk_id: _TrunkId, said: Said, if_revision: IfRevision = None) -> None:
    """Changes a trunk; what is not named stays."""
    check_said(said)
    path = f"/v1/trunks/{segment(trunk_id)}"
    show_record(desk, desk.api().patch(path, said, revision_header(if_revision)))


@command(app, "delete", "trunk delete Twilio")
def delete_trunk(desk: Desk, trunk_id: _TrunkId, if_revision: IfRevision = None) -> None:
    """Deletes a trunk that nothing uses, here and at LiveKit."""
    delete(desk, f"/v1/trunks/{segment(trunk_id)}", f"trunk {trunk_id}", if_revision)


@command(app, "pace", "trunk pace ST_4vUCW8Z9 --calls-per-second 5")
def pace(
    desk: Desk,
    trunk_id: _LivekitId,
    calls_per_second: Annotated[
        Any,
        typer.Option(
            "--calls-per-second", parser=number_up_to(MOST_CALLS_PER_SECOND), metavar="N", help="0 for no limit."
        ),
    ],
) -> None:
    """(operator) So many dials a second go through a trunk, of all accounts together."""
    deployment = desk.deployment()
    with deployment.audited(desk.around.clock).change("trunk.pace", f"trunks/{trunk_id}") as change:
        deployment.paces.set_rate(trunk_id, calls_per_second)
        change.after = {"calls_per_second": calls_per_second}
    told = f"{calls_per_second:g} calls a second" if calls_per_second else "no limit"
    desk.show({"trunk_id": trunk_id, "calls_per_second": calls_per_second}, lambda: f"{trunk_id}: {told}")


@command(app, "callers", "trunk callers ST_4vUCW8Z9 --country GB --account acme-corp", fields=_CALLERS, any_other=False)
def callers(desk: Desk, trunk_id: _LivekitId, said: Said) -> None:
    """(operator) What the callers of a trunk dial, and who sees those whose number is nobody's."""
    check_said(said)
    deployment = desk.deployment()
    if said.get("account_id"):
        known_account(deployment, said["account_id"])
    with deployment.audited(desk.around.clock).change("trunk.callers", f"trunks/{trunk_id}") as change:
        before = deployment.routing.trunk(trunk_id) or Trunk(trunk_id=trunk_id)
        after = replace(before, **said)
        deployment.routing.put_trunk(after)
        change.before, document = _callers_of(before), _callers_of(after)
        change.after = document
    told = f"callers' numbers of {after.country or 'the usual country'}, seen by {after.account_id or 'nobody'}"
    desk.show(document, lambda: f"{trunk_id}: {told}")


def _callers_of(trunk: Trunk) -> dict[str, Any]:
    return {"trunk_id": trunk.trunk_id, "country": trunk.country, "account_id": trunk.account_id}
