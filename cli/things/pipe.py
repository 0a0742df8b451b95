"""`pipe`: how calls are made."""

from typing import Annotated

import typer

from cli.frame.command import Said, command
from cli.frame.desk import Desk
from cli.frame.fields import (
    Field,
    check_said,
    each_of,
    number_up_to,
    one_of,
    phone_number,
    prefix,
    text,
    text_or_file,
    transfer_target,
    whole,
)
from cli.reach.api import segment
from cli.reach.things import AGENT, NUMBER, PIPE, TRUNK, VOICE
from cli.things.shown import IfRevision, delete, put, revision_header, show_list, show_record
from ringline.calls.model.call import UNIQUE_TO_NUMBER, VoicemailPolicy
from ringline.calls.model.timing import (
    LONGEST_CALL_DURATION_S,
    MAX_AGENT_JOIN_S,
    MAX_RING_TIMEOUT_S,
    MIN_RING_TIMEOUT_S,
)

app = typer.Typer(no_args_is_help=True, help="Pipes: how calls are made. Agent, number, voice, limits.")

COLUMNS = ("pipe_id", "name", "agent_id", "number", "voice_profile_id", "recording", "max_calls", "status", "revision")
_WINDOW = number_up_to(60)
FIELDS = (
    Field("name", "What people call it.", text),
    Field("agent_id", "Who speaks.", text, "AGENT", "--agent", AGENT),
    Field("prompt", "Or all that an agent of its own knows; @file for a file's text.", text_or_file),
    Field("agent_endpoint", "Or a URL that is asked at each turn.", text, "URL"),
    Field("number", "What its calls go out from.", text, "NUMBER", "--from", NUMBER),
    Field("caller_ids", "What its calls go out from, in turn; with commas.", each_of(phone_number), "NUMBERS"),
    Field(
        "caller_id_policy",
        "Which of them: fixed, sticky, least_used.",
        one_of("fixed", "sticky", "least_used"),
        "POLICY",
    ),
    Field("trunk_id", "The trunk, where not the number's or the deployment's.", text, "TRUNK", "--trunk", TRUNK),
    Field("voice_profile", "How it sounds: `ringline voice list`.", text, "VOICE", kind=VOICE),
    Field("greeting", "What the agent begins with.", text),
    Field("recording", "Record its conversations."),
    Field("max_calls", "So many of its calls at once; '' for no cap of its own.", whole(1, 1_000_000), "N"),
    Field("max_call_duration_s", "The longest conversation.", whole(1, LONGEST_CALL_DURATION_S), "SECONDS"),
    Field("ring_timeout_s", "How long a phone rings.", whole(MIN_RING_TIMEOUT_S, MAX_RING_TIMEOUT_S), "SECONDS"),
    Field("agent_join_timeout_s", "How long the agent may take to join.", whole(1, MAX_AGENT_JOIN_S), "SECONDS"),
    Field("agent_first", "Ring nobody before the agent is there."),
    Field(
        "fallback_agent_id",
        "Who takes its callers if that agent does not come.",
        text,
        "AGENT",
        "--fallback-agent",
        AGENT,
    ),
    Field("fallback_number", "Or the number that is called for them.", phone_number, "NUMBER", "--fallback-number"),
    Field("voicemail_policy", "At a voicemail.", one_of(*VoicemailPolicy), "POLICY"),
    Field("status", "active, or disabled: nothing is called through it.", one_of("active", "disabled"), "STATUS"),
    Field("unique_to", "number: the only call under way to a number.", one_of(UNIQUE_TO_NUMBER), "WHAT"),
    Field("webhook_url", "Where the events of its calls are posted, beside your endpoints.", text, "URL"),
    Field(
        "transfer_allowed_numbers",
        "Whom its agent may hand over to; none for nobody.",
        each_of(phone_number),
        "NUMBERS",
    ),
    Field("transfer_allowed_prefixes", "How such numbers may begin.", each_of(prefix), "PREFIXES"),
    Field(
        "transfer_fallback",
        "Whom a failed transfer goes on to: numbers, agents' ids, and end; with commas.",
        each_of(transfer_target),
        "TARGETS",
    ),
    Field(
        "voicemail.ring_min_s",
        "A phone gone after as much ringing, up to",
        _WINDOW,
        "SECONDS",
        "--voicemail-ring-min-s",
    ),
    Field("voicemail.ring_max_s", "as much, went to its voicemail.", _WINDOW, "SECONDS", "--voicemail-ring-max-s"),
    Field("voicemail.greeting_min_s", "The shortest greeting of a voicemail.", _WINDOW, "SECONDS", "--greeting-min-s"),
    Field("voicemail.greeting_max_s", "The longest greeting of a voicemail.", _WINDOW, "SECONDS", "--greeting-max-s"),
)

_NewId = Annotated[str, typer.Argument(metavar="PIPE", help="Its id, as `pipe list` shows it.", show_default=False)]
_PipeId = Annotated[str, typer.Argument(metavar="PIPE", help="Its id, or its name.", show_default=False), PIPE]


@command(app, "create", "pipe create Sales --agent front-desk --from +14155550123", fields=FIELDS)
def create(
    desk: Desk, name: Annotated[str, typer.Argument(help="What people call it.", show_default=False)], said: Said
) -> None:
    """Makes a pipe."""
    show_record(desk, desk.api().post("/v1/pipes", {"name": name, **said}))


@command(app, "put", "pipe put sales --agent front-desk --recording", fields=FIELDS)
def put_pipe(desk: Desk, pipe_id: _NewId, said: Said) -> None:
    """Makes a pipe of this id, or changes the one that there is; the same twice is as once."""
    put(desk, "/v1/pipes", "pipe_id", pipe_id, said)


@command(app, "list", "pipe list")
def list_pipes(desk: Desk) -> None:
    """All pipes."""
    show_list(desk, "/v1/pipes", COLUMNS, "no pipes")


@command(app, "show", "pipe show Sales")
def show(desk: Desk, pipe_id: _PipeId) -> None:
    """One pipe."""
    show_record(desk, desk.api().get(f"/v1/pipes/{segment(pipe_id)}"))


@command(app, "set", "pipe set Sales --max-calls 10 --ring-timeout-s 25", fields=FIELDS)
def change(desk: Desk, pipe_id: _PipeId, said: Said, if_revision: IfRevision = None) -> None:
    """Changes a pipe; what is not named stays, '' takes a field back. Calls from then on go by it."""
    check_said(said)
    path = f"/v1/pipes/{segment(pipe_id)}"
    show_record(desk, desk.api().patch(path, said, revision_header(if_revision)))


@command(app, "delete", "pipe delete Sales")
def delete_pipe(desk: Desk, pipe_id: _PipeId, if_revision: IfRevision = None) -> None:
    """Deletes a pipe that nothing uses."""
    delete(desk, f"/v1/pipes/{segment(pipe_id)}", f"pipe {pipe_id}", if_revision)
