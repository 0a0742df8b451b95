"""`call dtmf`, `message`, `pause-recording`, `resume-recording`, `monitor`: a conversation from outside."""

from typing import Annotated

import typer

from cli.calling.call import CallId
from cli.frame.command import command
from cli.frame.desk import Desk
from cli.frame.fields import json_object, text_or_file
from cli.reach.api import segment
from cli.shown.tables import record

_MONITOR = ("url", "token", "room_name", "mode", "listener_id", "expires_at")


def add_commands(app: typer.Typer) -> None:
    command(app, "dtmf", "call dtmf call_01JD5Z 12w3#")(send_tones)
    command(app, "message", 'call message call_01JD5Z "The customer is a VIP"')(send_message)
    command(app, "pause-recording", 'call pause-recording call_01JD5Z --reason "card number"')(pause_recording)
    command(app, "resume-recording", "call resume-recording call_01JD5Z")(resume_recording)
    command(app, "monitor", "call monitor call_01JD5Z --barge")(monitor)


def send_tones(
    desk: Desk,
    call_id: CallId,
    digits: Annotated[str, typer.Argument(metavar="DIGITS", help="0-9, *, #, A-D; w waits.", show_default=False)],
) -> None:
    """Has the agent send tones to the other side's phone; w is half a second of nothing."""
    asked = desk.api().post(f"/v1/calls/{segment(call_id)}/dtmf", {"digits": digits})
    desk.show(asked, lambda: f"{asked.get('dtmf_id')}: {asked.get('result')}; `ringline call follow` tells when sent")


def send_message(
    desk: Desk,
    call_id: CallId,
    text: Annotated[
        str, typer.Argument(metavar="TEXT", parser=text_or_file, help="Or @file for a file's text.", show_default=False)
    ],
    data: Annotated[
        object, typer.Option("--data", metavar="JSON", parser=json_object, help="An object in JSON, or @file.")
    ] = None,
) -> None:
    """Tells the agent something that was not said in the conversation."""
    body = {"text": text} if data is None else {"text": text, "data": data}
    told = desk.api().post(f"/v1/calls/{segment(call_id)}/messages", body)
    desk.show(told, lambda: f"{told.get('message_id')}: {told.get('result')} to {told.get('agents')} agents")


def pause_recording(
    desk: Desk,
    call_id: CallId,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="For the events of the call.")] = None,
) -> None:
    """Pauses the recording: once this is answered nothing is recorded."""
    body = None if reason is None else {"reason": reason}
    call = desk.api().post(f"/v1/calls/{segment(call_id)}/recording/pause", body)
    desk.show(call, lambda: f"{call.get('call_id', call_id)}: {call.get('result')}")


def resume_recording(desk: Desk, call_id: CallId) -> None:
    """Has a paused recording go on, as a further file."""
    call = desk.api().post(f"/v1/calls/{segment(call_id)}/recording/resume")
    desk.show(call, lambda: f"{call.get('call_id', call_id)}: {call.get('result')}")


def monitor(
    desk: Desk,
    call_id: CallId,
    barge: Annotated[bool, typer.Option("--barge", help="Hear and talk to all, seen; without it hear alone.")] = False,
) -> None:
    """Shows the URL and token with which a LiveKit client hears a conversation within the next minute."""
    made = desk.api().post(f"/v1/calls/{segment(call_id)}/monitor", {"mode": "barge" if barge else "listen"})
    desk.show(made, lambda: record(made, _MONITOR))
