"""The catalogue of voices: what every deployment has, what an operator makes of it, and what customers see."""

import pytest

from ringline.runtime.web.problems import Problem
from ringline.voices.profiles import VoiceProfile, seeded
from ringline.voices.store import VoiceCatalogue
from tests.component.setup.api import SetupApi
from tests.fakes import HandClock


def catalogue_of(api: SetupApi) -> VoiceCatalogue:
    return VoiceCatalogue(api.local.dynamodb, api.local.table_name, HandClock())


def ids_of(api: SetupApi, language: str | None = None) -> list[str]:
    query = "" if language is None else f"?language={language}"
    listed = api.ask("GET", f"/api/v2/platform/voice-profiles/{query}")
    assert listed.status == 200
    return [each["profile_id"] for each in listed.body["data"]]


def test_every_deployment_begins_with_the_seeded_voices(api: SetupApi) -> None:
    assert ids_of(api) == sorted(seeded())
    shown = api.ask("GET", "/api/v2/platform/voice-profiles/local-en/").body
    assert (shown["name"], shown["languages"], shown["tts_provider"]) == ("Joe", ["en"], "local")


@pytest.mark.parametrize(
    ("language", "finds", "leaves"),
    [
        ("hi", "hi-female-sarvam", "local-en"),
        ("hi-IN", "hi-female-sarvam", "en-male-deepgram"),
        ("EN_us", "local-en", "hi-female-sarvam"),
        ("en", "en-female-deepgram", "hi-female-sarvam"),
    ],
)
def test_the_language_is_honoured(api: SetupApi, language: str, finds: str, leaves: str) -> None:
    found = ids_of(api, language)
    assert finds in found
    assert leaves not in found


def test_a_language_that_nobody_speaks_finds_nothing(api: SetupApi) -> None:
    assert ids_of(api, "tlh") == []


def test_an_operator_adds_changes_and_takes_away(api: SetupApi) -> None:
    catalogue = catalogue_of(api)
    own = VoiceProfile(profile_id="house", name="House", stt_provider="deepgram", tts_provider="cartesia")
    assert catalogue.put(own).revision == 1
    assert catalogue.put(own).revision == 2
    assert catalogue.put(VoiceProfile(profile_id="local-en", name="J", stt_provider="local", tts_provider="local"))
    assert catalogue.delete("hi-female-sarvam")
    assert not catalogue.delete("hi-female-sarvam")
    assert ids_of(api) == sorted({*seeded(), "house"} - {"hi-female-sarvam"})
    assert api.ask("GET", "/v1/voice-profiles/house").headers["etag"] == '"2"'
    assert api.ask("GET", "/v1/voice-profiles/local-en").body["name"] == "J"
    refused = api.ask("GET", "/v1/voice-profiles/hi-female-sarvam")
    assert (refused.status, refused.code) == (404, "no_such_voice_profile")
    assert (
        api.ask("POST", "/v1/pipes", {"name": "p", "agent_id": "a", "voice_profile": "hi-female-sarvam"}).status == 422
    )
    assert (
        api.made("/v1/pipes", {"name": "p", "agent_id": "a", "voice_profile": "house"})["voice_profile_id"] == "house"
    )


def test_a_voice_that_nobody_has_a_plugin_for_is_not_put(api: SetupApi) -> None:
    with pytest.raises(Problem) as refused:
        catalogue_of(api).put(VoiceProfile(profile_id="x", stt_provider="deepgram", tts_provider="gramophone"))
    assert refused.value.status == 422
    assert "x" not in ids_of(api)


def test_a_parameter_that_is_not_known_is_refused(api: SetupApi) -> None:
    refused = api.ask("GET", "/v1/voice-profiles?gender=female")
    assert (refused.status, refused.fields) == (422, ["gender"])
