"""`agent`: who speaks."""

from typing import Annotated

import typer

from cli.frame.command import Said, command
from cli.frame.desk import Desk
from cli.frame.fields import Field, check_said, json_object, one_of, secret, text, text_or_file, whole
from cli.reach.api import segment
from cli.reach.things import AGENT, NUMBER, TRUNK, VOICE
from cli.things.shown import IfRevision, delete, put, revision_header, show_list, show_record
from ringline.calls.model.timing import LONGEST_CALL_DURATION_S
from ringline.routing.records import Brain, EndpointKind

app = typer.Typer(no_args_is_help=True, help="Agents: who speaks.")

COLUMNS = ("agent_id", "name", "brain.type", "number", "max_calls", "status", "revision")
FIELDS = (
    Field("name", "What people call it.", text),
    Field(
        "brain.type", "livekit (a worker of your own), runner, endpoint or prompt.", one_of(*Brain), "BRAIN", "--brain"
    ),
    Field("brain.ref", "All that a prompt knows; @file for a file's text.", text_or_file, "TEXT", "--prompt"),
    Field("brain.ref", "What an endpoint is asked at.", text, "URL", "--endpoint-url"),
    Field("endpoint_key", "Its Bearer key: the key, @file, or - to be asked; never shown again.", secret, "KEY"),
    Field("endpoint_kind", "chat: as OpenAI's completions; turn: a POST each.", one_of(*EndpointKind), "KIND"),
    Field("llm_model", "The model that the endpoint, or the deployment's own, is asked for.", text, "MODEL", "--model"),
    Field("greeting", "What it begins with.", text),
    Field("first_speaker", "agent or user.", one_of("agent", "user"), "WHO"),
    Field("number", "What its calls go out from.", text, "NUMBER", "--from", NUMBER),
    Field("trunk_id", "The trunk, where not the number's or the deployment's.", text, "TRUNK", "--trunk", TRUNK),
    Field("recording", "Record its conversations."),
    Field("max_call_duration_s", "The longest conversation.", whole(1, LONGEST_CALL_DURATION_S), "SECONDS"),
    Field("max_calls", "So many of its calls at once; '' for no cap of its own.", whole(1, 1_000_000), "N"),
    Field("analytics_schema", "JSON Schema of the outcomes that it reports; @file.", json_object, "JSON"),
)

_NewId = Annotated[str, typer.Argument(metavar="AGENT", help="Its id, which it registers with.", show_default=False)]
_AgentId = Annotated[str, typer.Argument(metavar="AGENT", help="Its id, or its name.", show_default=False), AGENT]
_VoiceId = Annotated[
    str, typer.Argument(metavar="VOICE", help="Its id, or its name: `ringline voice list`.", show_default=False), VOICE
]
_Greeting = Annotated[str | None, typer.Option("--greeting", metavar="TEXT", help="What it begins with.")]
_IsDefault = Annotated[bool, typer.Option("--default", help="It speaks with this one where nothing else is said.")]


@command(
    app,
    "create",
    'agent create front-desk --brain prompt --prompt "You answer for Acme."',
    fields=(Field("voice_profile", "How it sounds: `ringline voice list`.", text, "VOICE", kind=VOICE), *FIELDS),
)
def create(desk: Desk, agent_id: _NewId, said: Said) -> None:
    """Makes an agent."""
    show_record(desk, desk.api().post("/v1/agents", {"agent_id": agent_id, **said}))


@command(app, "put", "agent put front-desk --brain runner --greeting Hello", fields=FIELDS)
def put_agent(desk: Desk, agent_id: _NewId, said: Said) -> None:
    """Makes an agent, or changes the one that there is; the same twice is as once."""
    put(desk, "/v1/agents", "agent_id", agent_id, said)


@command(app, "list", "agent list")
def list_agents(desk: Desk) -> None:
    """All agents."""
    show_list(desk, "/v1/agents", COLUMNS, "no agents")


@command(app, "show", "agent show front-desk")
def show(desk: Desk, agent_id: _AgentId) -> None:
    """One agent."""
    show_record(desk, desk.api().get(f"/v1/agents/{segment(agent_id)}"))


@command(app, "set", "agent set front-desk --max-calls 10", fields=FIELDS)
def change(desk: Desk, agent_id: _AgentId, said: Said, if_revision: IfRevision = None) -> None:
    """Changes an agent; what is not named stays, '' takes a field back."""
    check_said(said)
    path = f"/v1/agents/{segment(agent_id)}"
    show_record(desk, desk.api().patch(path, said, revision_header(if_revision)))


@command(app, "delete", "agent delete front-desk")
def delete_agent(desk: Desk, agent_id: _AgentId, if_revision: IfRevision = None) -> None:
    """Deletes an agent that nothing uses."""
    delete(desk, f"/v1/agents/{segment(agent_id)}", f"agent {agent_id}", if_revision)


@command(app, "add-voice", "agent add-voice front-desk Ada --default")
def add_voice(
    desk: Desk, agent_id: _AgentId, voice: _VoiceId, greeting: _Greeting = None, is_default: _IsDefault = False
) -> None:
    """Gives an agent a further voice."""
    path = f"/v1/agents/{segment(agent_id)}/voices"
    body = {"voice_profile": voice} if greeting is None else {"voice_profile": voice, "greeting": greeting}
    document = desk.api().post(path, body)
    if is_default:
        document = desk.api().patch(f"{path}/{segment(voice)}", {"is_default": True})
    show_record(desk, document)


@command(app, "set-voice", "agent set-voice front-desk Ada --greeting Hello")
def set_voice(
    desk: Desk, agent_id: _AgentId, voice: _VoiceId, greeting: _Greeting = None, is_default: _IsDefault = False
) -> None:
    """Changes one voice of an agent, or makes it the one that it speaks with."""
    said: Said = {"is_default": True} if is_default else {}
    if greeting is not None:
        said["greeting"] = greeting or None
    check_said(said)
    show_record(desk, desk.api().patch(f"/v1/agents/{segment(agent_id)}/voices/{segment(voice)}", said))


@command(app, "remove-voice", "agent remove-voice front-desk Ada")
def remove_voice(desk: Desk, agent_id: _AgentId, voice: _VoiceId) -> None:
    """Takes one voice from an agent."""
    delete(desk, f"/v1/agents/{segment(agent_id)}/voices/{segment(voice)}", f"voice {voice} of {agent_id}")
