"""The environment, checked."""

import pytest

from speech.worker.settings import Settings, SettingsError

NEEDED = {"LIVEKIT_URL": "wss://livekit.example.com/", "LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "a-secret"}


def test_what_is_needed_is_enough() -> None:
    settings = Settings.read(NEEDED)
    assert settings.livekit_url == "wss://livekit.example.com"
    assert (settings.agent_name, settings.max_calls, settings.drain_s) == ("ringline-speech", 10, 3600)


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert Settings.read(NEEDED | {"SPEECH_MAX_CALLS": ""}).max_calls == 10


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LIVEKIT_URL", "livekit.example.com"),
        ("LIVEKIT_API_SECRET", ""),
        ("SPEECH_MAX_CALLS", "0"),
        ("SPEECH_BRIDGE_URL", "https://bridge.example.com"),
        ("SPEECH_BRIDGE_URL", "wss://bridge.example.com/?token=x"),
        ("SPEECH_SILENCE_ASK_S", "-1"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_each_variable_that_is_wrong_is_named_and_no_value_is_shown(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.read(NEEDED | {variable: value})
    assert variable in str(raised.value)
    assert "a-secret" not in str(raised.value)


def test_no_secret_is_shown() -> None:
    shown = repr(Settings.read(NEEDED | {"SPEECH_LLM_KEY": "sk-1"}))
    assert "a-secret" not in shown and "sk-1" not in shown


def test_the_key_of_openai_opens_the_model_where_none_is_set() -> None:
    assert Settings.read(NEEDED | {"OPENAI_API_KEY": "sk-2"}).llm_key == "sk-2"
    assert Settings.read(NEEDED | {"OPENAI_API_KEY": "sk-2", "SPEECH_LLM_KEY": "sk-1"}).llm_key == "sk-1"
