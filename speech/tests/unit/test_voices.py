"""Which voice profiles can be served, with what, and what is said of those that cannot."""

from typing import Any

import pytest

from speech.worker.voices import engines
from speech.worker.voices.profile import LOCAL, ProfileError, chosen, read_profile, read_profiles, sounding
from speech.worker.voices.table import INFERENCE, LOCAL_PROVIDER, TABLE, Engine, Part, plan

KEYS = {offer.key: "a-key" for offers in TABLE.values() for offer in offers.values() if offer.key}
MODELS = {"stt": "deepgram/nova-3", "tts": "cartesia/sonic-3"}


def refusals(profile: dict[str, Any], environment: dict[str, str] = KEYS) -> list[str]:
    with pytest.raises(ProfileError) as raised:
        plan(read_profile("VP_1", profile), environment)
    return str(raised.value).splitlines()


SERVED = {"stt_provider": "deepgram", "tts_provider": "cartesia"}


def test_a_profile_of_the_sdk_becomes_arguments_of_the_plugins() -> None:
    profile = read_profile(
        "VP_1",
        {
            "name": "Asha",
            "gender": "F",
            "price_per_minute": 0.1,
            "stt_provider": "deepgram",
            "stt_model": "nova-3",
            "stt_languages": ["en-US", "hi"],
            "tts_provider": "cartesia",
            "tts_model": "sonic-3",
            "tts_voice": "a-voice",
            "tts_language": "en",
            "voice_speed": 1.1,
            "voice_temperature": None,
        },
    )
    planned = plan(profile, KEYS)
    assert planned.stt == Engine("stt", "deepgram", {"model": "nova-3", "language": "en-US"})
    assert planned.tts == Engine(
        "tts", "cartesia", {"model": "sonic-3", "language": "en", "voice": "a-voice", "speed": 1.1}
    )


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"stt_provider": "azure"}, "VP_1.stt_provider: azure is not served here"),
        ({"tts_provider": ""}, "VP_1.tts_provider: nobody is not served here"),
        ({"tts_provider": "elevenlabs", "voice_speed": 1.2}, "VP_1.voice_speed: elevenlabs has nothing like it"),
        ({"voice_temperature": 0.3}, "VP_1.voice_temperature: cartesia has nothing like it"),
        ({"voice_prompt": "Whisper."}, "VP_1.voice_prompt: cartesia has nothing like it"),
        ({"tts_provider": "livekit"}, "VP_1.tts_model: livekit needs it"),
        ({"tts_provider": "livekit", "tts_model": "elevenlabs/x"}, "VP_1.tts_model: must be <provider>/<model> of one"),
        ({"noise_cancellation": True}, "VP_1.noise_cancellation: is LiveKit Cloud's own"),
        ({"background_sound": "seaside"}, "VP_1.background_sound: must be one of city-ambience"),
        ({"stt_provider": "local", "stt_languages": ["hi"]}, "VP_1.stt_languages: local has only en, en-US"),
    ],
)
def test_what_cannot_be_served_is_named(fields: dict[str, Any], refused: str) -> None:
    (line,) = refusals(SERVED | fields)
    assert line.startswith(refused)


def test_every_field_that_is_wrong_is_named_at_once() -> None:
    lines = refusals({"stt_provider": "deepgram", "tts_provider": "sarvam", "voice_prompt": "x"}, {})
    assert [line.partition(":")[0] for line in lines] == ["VP_1.stt_provider", "VP_1.voice_prompt", "VP_1.tts_provider"]


def test_a_key_that_is_missing_is_named() -> None:
    assert refusals(SERVED, {"CARTESIA_API_KEY": "k"}) == ["VP_1.stt_provider: deepgram needs DEEPGRAM_API_KEY"]


def test_inference_takes_the_key_of_livekit_cloud_and_of_no_other_livekit() -> None:
    profile = read_profile("VP_1", {"stt_provider": "livekit", "tts_provider": "livekit"}).model_copy(
        update={"stt_model": "deepgram/nova-3", "tts_model": "cartesia/sonic-3"}
    )
    plan(profile, {"LIVEKIT_URL": "wss://x.livekit.cloud"})
    with pytest.raises(ProfileError, match="livekit needs LIVEKIT_INFERENCE_API_KEY"):
        plan(profile, {"LIVEKIT_URL": "wss://livekit.example.com"})


@pytest.mark.parametrize(("part", "provider"), [(part, name) for part, offers in TABLE.items() for name in offers])
def test_each_argument_of_the_table_is_one_that_its_engine_takes(
    part: Part, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LIVEKIT_INFERENCE_API_SECRET", "a-secret")
    offer = TABLE[part][provider]
    values: dict[str, Any] = {
        "model": MODELS[part] if provider == INFERENCE else None,
        "language": "en-IN",
        "voice": None,
    }
    values |= {"speed": 1.1, "temperature": 0.5, "prompt": "Speak slowly."}
    if provider == LOCAL_PROVIDER:
        values["language"] = "en"
    arguments = {
        argument: value
        for name, value in values.items()
        if value is not None and (argument := getattr(offer, name)) is not None
    }
    make = engines.ear if part == "stt" else engines.mouth
    assert make(Engine(part, provider, arguments)) is not None


def test_without_profiles_there_is_the_voice_that_needs_no_key() -> None:
    assert read_profiles("") == {"local": LOCAL}
    assert plan(LOCAL, {}).tts.provider == "local"


@pytest.mark.parametrize("setting", ["{", "[]", '{"VP_1": 3}', "/no/such/file", '{"VP_1": {"voice_speed": "fast"}}'])
def test_profiles_that_cannot_be_read_are_refused(setting: str) -> None:
    with pytest.raises(ProfileError):
        read_profiles(setting)


def test_a_calls_profile_is_its_dispatchs_own_or_the_named_one_or_the_default() -> None:
    profiles = read_profiles('{"VP_1": {"tts_voice": "one"}, "VP_2": {"tts_voice": "two"}}')
    assert chosen(profiles, "VP_2", "VP_1", {"tts_voice": "three"}).tts_voice == "three"
    assert chosen(profiles, "VP_2", "VP_1", None).tts_voice == "one"
    assert chosen(profiles, "VP_2", None, None).tts_voice == "two"
    assert chosen(profiles, "", None, None).tts_voice == "one"
    with pytest.raises(ProfileError, match="VP_3"):
        chosen(profiles, "VP_2", "VP_3", None)


def test_a_call_has_its_own_greeting_and_room() -> None:
    profile = read_profile("VP_1", {**SERVED, "greeting_message": "Hi"})
    told = {"greeting": "Hello", "background_sound": "crowded_room", "background_sound_volume": 0.1}
    own = sounding(profile, told)
    assert (own.greeting_message, own.background_sound, own.background_sound_volume) == ("Hello", "crowded-room", 0.1)
    assert plan(own, KEYS).profile == own
    assert sounding(profile, {}) is profile


def test_who_lets_the_caller_begin_greets_nobody() -> None:
    profile = read_profile("VP_1", {**SERVED, "greeting_message": "Hi"})
    assert sounding(profile, {"greeting": "Hello", "first_speaker": "user"}).greeting_message == ""


def test_a_room_is_switched_off_and_stays_chosen() -> None:
    off = sounding(read_profile("VP_1", SERVED), {"background_sound": "city", "background_sound_enabled": False})
    assert (off.background_sound, off.background_sound_enabled) == ("city-ambience", False)
