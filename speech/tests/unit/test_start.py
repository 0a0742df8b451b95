"""What a worker says before it starts."""

import pytest

from speech.tests.session.rig import settings
from speech.worker import main
from speech.worker.__main__ import WRONG_SETTINGS
from speech.worker.__main__ import main as command
from speech.worker.main import checked_profiles
from speech.worker.voices import engines
from speech.worker.voices.profile import ProfileError


def test_every_profile_is_checked_and_every_one_that_is_wrong_is_named() -> None:
    voices = '{"VP_1": {"stt_provider": "azure", "tts_provider": "local"}, "VP_2": {"stt_provider": "local"}}'
    with pytest.raises(ProfileError) as raised:
        checked_profiles(settings(SPEECH_VOICES=voices, SPEECH_DEFAULT_VOICE="VP_3"))
    named = [line.partition(":")[0] for line in str(raised.value).splitlines()]
    assert named == ["VP_1.stt_provider", "VP_2.tts_provider", "SPEECH_DEFAULT_VOICE"]


def test_a_container_without_the_local_voice_does_not_start_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None if name == "piper" else object())
    with pytest.raises(ProfileError, match=r"local\.stt_provider: local needs requirements/speech-local\.txt"):
        checked_profiles(settings())


def test_settings_that_are_wrong_end_the_command_with_their_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LIVEKIT_URL", raising=False)
    assert command([]) == WRONG_SETTINGS
    assert "LIVEKIT_URL" in capsys.readouterr().err


def test_a_worker_behind_no_address_tells_one_that_others_can_reach() -> None:
    assert main._way_out("10.0.0.7") == "10.0.0.7"
    assert main._way_out("0.0.0.0") not in {"", "0.0.0.0"}
