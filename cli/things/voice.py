"""`voice`: how agents sound. The catalogue is the deployment's: what is in it only its operator changes."""

from typing import Annotated

import typer

from cli.frame.command import Said, command
from cli.frame.desk import Desk
from cli.frame.fields import Field, check_said, each_of, number_up_to, text, text_or_file, whole
from cli.model.failures import refused_by
from cli.reach.api import segment
from cli.reach.things import VOICE
from cli.things.shown import show_list, show_record
from ringline.runtime.rows import attributes_of
from ringline.runtime.web.problems import not_found

app = typer.Typer(no_args_is_help=True, help="Voices: how agents sound.")

COLUMNS = ("profile_id", "name", "gender", "languages", "quality", "tts_provider", "tts_voice", "latency_ms")

FIELDS = (
    Field("name", "What people call it.", text),
    Field("description", "What it is like.", text),
    Field("gender", "Whose voice it seems to be.", text),
    Field("quality", "How good it is: basic, high.", text),
    Field("languages", "What it speaks, with commas: en, en-US, hi.", each_of(text), "LANGUAGES"),
    Field("language", "What it speaks where nothing is said.", text),
    Field("stt_provider", "Who hears.", text, "PROVIDER"),
    Field("stt_model", "With which model.", text, "MODEL"),
    Field("stt_languages", "What is heard, with commas.", each_of(text), "LANGUAGES"),
    Field("tts_provider", "Who speaks.", text, "PROVIDER"),
    Field("tts_model", "With which model.", text, "MODEL"),
    Field("tts_voice", "With which of the provider's voices.", text, "VOICE"),
    Field("tts_language", "In which language.", text, "LANGUAGE"),
    Field("voice_temperature", "How much it varies.", number_up_to(2), "N"),
    Field("voice_speed", "How fast it speaks; 1 is usual.", number_up_to(4), "N"),
    Field("voice_prompt", "How it is to speak; @file for a file's text.", text_or_file),
    Field("greeting_message", "What it begins with.", text),
    Field("estimated_cost_per_min_usd", "What its providers ask for a minute.", number_up_to(100), "N"),
    Field("latency_ms", "How long it takes to answer.", whole(0, 60_000), "MS"),
)

_NewId = Annotated[str, typer.Argument(metavar="VOICE", help="Its id, as `voice list` shows it.", show_default=False)]
_VoiceId = Annotated[str, typer.Argument(metavar="VOICE", help="Its id, or its name.", show_default=False), VOICE]


@command(app, "list", "voice list --language en")
def list_voices(
    desk: Desk, language: Annotated[str | None, typer.Option(metavar="LANGUAGE", help="That speak it: en, hi.")] = None
) -> None:
    """All voices."""
    show_list(desk, "/v1/voice-profiles", COLUMNS, "no voices", {"language": language})


@command(app, "show", "voice show Ada")
def show(desk: Desk, voice_id: _VoiceId) -> None:
    """One voice."""
    show_record(desk, desk.api().get(f"/v1/voice-profiles/{segment(voice_id)}"))


@command(
    app, "put", "voice put ada --name Ada --languages en,de --tts-provider cartesia", fields=FIELDS, any_other=False
)
def put_voice(desk: Desk, voice_id: _NewId, said: Said) -> None:
    """(operator) Makes a voice for all accounts, or changes what is named of it."""
    from ringline.setup.views import voice_profile_view
    from ringline.voices.profiles import VoiceProfile, profile_from

    check_said(said)
    deployment = desk.deployment()
    with deployment.audited(desk.around.clock).change("voice.put", f"voices/{voice_id}") as change:
        before = deployment.voices.profile(voice_id) or VoiceProfile(profile_id=voice_id)
        after = deployment.voices.put(profile_from(voice_id, attributes_of(before) | said))
        change.before, change.after = attributes_of(before), attributes_of(after)
    show_record(desk, voice_profile_view(after))


@command(app, "delete", "voice delete ada")
def delete_voice(desk: Desk, voice_id: _NewId) -> None:
    """(operator) Takes a voice out of the catalogue. Agents and pipes that name it keep it."""
    deployment = desk.deployment()
    with deployment.audited(desk.around.clock).change("voice.delete", f"voices/{voice_id}"):
        was_there = deployment.voices.delete(voice_id)
    if not was_there:
        raise refused_by(not_found("voice_profile_not_found", f"There is no voice {voice_id}"))
    desk.show({"profile_id": voice_id, "deleted": True}, lambda: f"voice {voice_id}: deleted")
