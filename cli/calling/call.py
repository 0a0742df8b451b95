"""`call`, `call follow`, `call hang-up`: places a call, watches it, ends it."""

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import Annotated

import typer

from cli.calling.follow import Follower, finish
from cli.frame.command import Said, command
from cli.frame.default_command import WithDefault
from cli.frame.desk import Desk
from cli.frame.fields import Field, json_object, one_of, text, text_or_file, whole
from cli.model.failures import Failure, Interrupted, Usage, is_left_open
from cli.reach.api import Api, Document, is_visible_ascii, segment
from cli.reach.things import AGENT, NUMBER, PIPE
from cli.shown.tables import record
from ringline.calls.model.call import VoicemailPolicy
from ringline.calls.model.timing import (
    LONGEST_CALL_DURATION_S,
    MAX_AGENT_JOIN_S,
    MAX_RING_TIMEOUT_S,
    MIN_RING_TIMEOUT_S,
)

FIELDS = (
    Field("pipe_id", "How it is made: agent, number, limits.", text, "PIPE", "--pipe", PIPE),
    Field("agent_id", "Who speaks, before the pipe's agent.", text, "AGENT", "--agent", AGENT),
    Field("from_number", "One of your numbers.", text, "NUMBER", "--from", NUMBER),
    Field("instructions", "What the agent is told; @file for a file's text.", text_or_file, "TEXT"),
    Field("data", "What the agent is given; an object in JSON, or @file.", json_object, "JSON"),
    Field("metadata", "What your webhooks are given back; an object in JSON, or @file.", json_object, "JSON"),
    Field("webhook_url", "Where its events are posted, beside your endpoints.", text, "URL"),
    Field("ring_timeout_s", "How long the phone rings.", whole(MIN_RING_TIMEOUT_S, MAX_RING_TIMEOUT_S), "SECONDS"),
    Field("max_call_duration_s", "The longest conversation.", whole(1, LONGEST_CALL_DURATION_S), "SECONDS"),
    Field("agent_join_timeout_s", "How long the agent may take to join.", whole(1, MAX_AGENT_JOIN_S), "SECONDS"),
    Field("agent_first", "Ring nobody before the agent is there."),
    Field("voicemail_policy", "At a voicemail.", one_of(*(each.value for each in VoicemailPolicy)), "POLICY"),
    Field("recording", "Record the conversation."),
    Field("recording_consent", "Who consented to that, how, when; an object in JSON, or @file.", json_object, "JSON"),
    Field("scheduled_at", "Not before, in ISO 8601.", text, "MOMENT"),
    Field("expires_at", "Not after, in ISO 8601.", text, "MOMENT"),
)

_KEY_BYTES = 16
_AGAIN_AFTER_S = 1.0

SHOWN = ("call_id", "status", "state", "direction", "from_number", "to_number", "pipe_id", "agent_id", "end_reason")

CallId = Annotated[str, typer.Argument(metavar="CALL", help="Its id, call_...", show_default=False)]


class _Calling(WithDefault):
    default = "place"


app = typer.Typer(cls=_Calling, no_args_is_help=True, help="Places a call, and what is done to one.")


def add_commands(root: typer.Typer) -> None:
    command(root, "follow", "follow call_01JD5Z", panel="Calls")(follow)
    command(root, "hangup", "hangup call_01JD5Z", panel="Calls")(hang_up)


def add_to_group(group: typer.Typer) -> None:
    command(group, "place", "call +14155550100 --pipe Sales --data @customer.json", fields=FIELDS)(place)
    command(group, "follow", "call follow call_01JD5Z")(follow)
    command(group, "hang-up", "call hang-up call_01JD5Z")(hang_up)


def place(
    desk: Desk,
    to_number: Annotated[str, typer.Argument(metavar="NUMBER", help="Who is called.", show_default=False)],
    said: Said,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Watch it until it is over.")] = True,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            "--idempotency-key", help="The same key and call within 24 h make one call; left out, one is drawn."
        ),
    ] = None,
) -> None:
    """Places a call, and follows it live. Ctrl-C leaves it running."""
    api = desk.api()
    key = token_hex(_KEY_BYTES) if idempotency_key is None else idempotency_key
    if not is_visible_ascii(key):
        raise Usage("is not 1 to 255 visible ASCII characters", "--idempotency-key")
    call = _placed(desk, api, {"to_number": to_number, **said}, key)
    if not follow:
        desk.show(call, lambda: record(call, SHOWN))
        return
    desk.say(f"{call['call_id']}  {call['from_number']} -> {call['to_number']}")
    if call.get("already_under_way"):
        desk.note("It was under way before.")
    finish(desk, Follower(desk, api, call["call_id"]).follow())


def _placed(desk: Desk, api: Api, body: Document, key: str) -> Document:
    """The call. The answer to the first request may be lost though the call was placed: the same key in a second one
    makes no second call. Raises the failure, or the interruption, with the key by which a later command is safe."""
    with _told_by_its_key(key):
        try:
            return api.post("/v1/calls", body, {"Idempotency-Key": key})
        except Failure as failure:
            if not is_left_open(failure):
                raise
        desk.around.sleep(_AGAIN_AFTER_S)
        return api.post("/v1/calls", body, {"Idempotency-Key": key})


@contextmanager
def _told_by_its_key(key: str) -> Iterator[None]:
    again = f"The call may have been placed: the same command with `--idempotency-key {key}` rings nobody twice."
    try:
        yield
    except Failure as failure:
        if is_left_open(failure):
            failure.advice = " ".join(each for each in (again, failure.advice) if each)
        raise
    except KeyboardInterrupt:
        raise Interrupted("Interrupted before the call was answered for", again) from None


def follow(desk: Desk, call_id: CallId) -> None:
    """Follows a call until it is over; of one that is over, shows what happened."""
    finish(desk, Follower(desk, desk.api(), segment(call_id)).follow())


def hang_up(desk: Desk, call_id: CallId) -> None:
    """Ends a call, or cancels one that waits or rings."""
    call = desk.api().post(f"/v1/calls/{segment(call_id)}/hangup")
    desk.show(call, lambda: f"{call.get('call_id', call_id)}: {call.get('result', call.get('status'))}")
