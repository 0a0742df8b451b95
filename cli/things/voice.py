"""`voice`: how agents sound."""

from typing import Annotated

import typer

from cli.frame.command import command
from cli.frame.desk import Desk
from cli.reach.api import segment
from cli.things.shown import show_list, show_record

app = typer.Typer(no_args_is_help=True, help="Voices: how agents sound.")

COLUMNS = ("profile_id", "name", "gender", "languages", "quality", "tts_provider", "tts_voice", "latency_ms")

_VoiceId = Annotated[str, typer.Argument(metavar="VOICE", help="As `voice list` shows it.", show_default=False)]


@command(app, "list")
def list_voices(
    desk: Desk, language: Annotated[str | None, typer.Option(metavar="LANGUAGE", help="That speak it: en, hi.")] = None
) -> None:
    """All voices."""
    show_list(desk, "/v1/voice-profiles", COLUMNS, "no voices", {"language": language})


@command(app, "show")
def show(desk: Desk, voice_id: _VoiceId) -> None:
    """One voice."""
    show_record(desk, desk.api().get(f"/v1/voice-profiles/{segment(voice_id)}"))
