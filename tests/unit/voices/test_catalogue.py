"""The seeded voices are those that the speech worker can serve, with the keys of their providers."""

import pytest

from ringline.voices.profiles import HEARING, SPEAKING, VoiceProfile, profile_from, seeded
from speech.worker.voices.profile import read_profile
from speech.worker.voices.table import TABLE, plan

KEYS = {offer.key: "a-key" for part in TABLE.values() for offer in part.values() if offer.key is not None}


@pytest.mark.parametrize("profile_id", sorted(seeded()))
def test_a_seeded_voice_can_be_served(profile_id: str) -> None:
    profile = seeded()[profile_id]
    told = {name: getattr(profile, name) for name in VoiceProfile.__slots__}
    planned = plan(read_profile(profile_id, told), KEYS)
    assert (planned.stt.provider, planned.tts.provider) == (profile.stt_provider, profile.tts_provider)


def test_who_hears_and_speaks_is_who_the_worker_has_a_plugin_for() -> None:
    assert set(HEARING) == set(TABLE["stt"])
    assert set(SPEAKING) == set(TABLE["tts"])


def test_fields_of_a_later_version_are_left_out() -> None:
    profile = profile_from("x", {"name": "X", "languages": ["en"], "mood": "calm", "gender": None})
    assert profile == VoiceProfile(profile_id="x", name="X", languages=("en",))


@pytest.mark.parametrize(("wanted", "fits"), [("en", True), ("en-GB", True), ("EN", True), ("e", False), ("hi", False)])
def test_a_language_fits_its_kinds(wanted: str, fits: bool) -> None:
    assert VoiceProfile(profile_id="x", languages=("en",)).speaks(wanted) is fits
