"""What the sandbox's agents write down, what its recordings hold, and how its carriers may be told to report."""

import io
import struct
import wave
from collections.abc import Iterator

import pytest

from local.phones.agents.transcripts import Talk, turns_of, usage_of
from local.phones.carrier.forms import CarrierSecrets
from local.phones.numbers.callees import CarrierForm, CarrierReports, CarrierWord
from local.phones.numbers.sandbox_number import PICKS_UP
from local.phones.recordings import silence
from local.phones.recordings.bucket import Bucket

TALK = Talk(answered_at=1000.0, spoke_at=1000.5, ended_at=1004.0)


def test_a_conversation_has_turns_of_both_sides_within_its_time() -> None:
    turns = turns_of(TALK)
    assert [turn["role"] for turn in turns] == ["agent", "user", "agent", "user"]
    assert turns[0]["timestamp"] == "1970-01-01T00:16:40.000+00:00"
    assert turns[-1]["timestamp"] < "1970-01-01T00:16:44"


def test_where_nobody_spoke_only_the_agent_did() -> None:
    turns = turns_of(Talk(1000.0, None, 1008.0), 2000)
    assert [turn["role"] for turn in turns] == ["agent", "agent"]


def test_a_long_talk_has_as_many_turns_as_are_asked_for_and_says_nothing_twice() -> None:
    turns = turns_of(TALK, 2000)
    assert len(turns) == len({turn["content"] for turn in turns}) == 2000
    assert usage_of(TALK, turns)["llm_prompt_tokens"] > usage_of(TALK, turns_of(TALK))["llm_prompt_tokens"]


def _pages(ogg: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Granule, flags and packets' lengths of each page, whose checksum is found right on the way."""
    start = 0
    while start < len(ogg):
        magic, _, flags, granule, _, _, checksum, segments = struct.unpack_from("<4sBBqIIIB", ogg, start)
        lengths = ogg[start + 27 : start + 27 + segments]
        end = start + 27 + segments + sum(lengths)
        page = bytearray(ogg[start:end])
        page[22:26] = bytes(4)
        assert (magic, silence.ogg_checksum(bytes(page))) == (b"OggS", checksum)
        yield granule, flags, lengths
        start = end


@pytest.mark.parametrize("duration_s", [0.0, 4.0, 12.34, 61.0])
def test_a_recording_in_ogg_lasts_as_long_as_it_should(duration_s: float) -> None:
    pages = list(_pages(silence.recording("a/b.ogg", duration_s)))
    assert pages[0][1] == 2, "the first page begins the stream"
    assert pages[-1][1] == 4, "the last one ends it"
    assert pages[-1][0] / 48000 == pytest.approx(max(duration_s, 0.02), abs=0.02)
    assert sum(len(lengths) for _, _, lengths in pages[2:]) == pages[-1][0] // 960


def test_the_checksum_of_a_page_is_that_of_the_ogg_format() -> None:
    # The value that CRC catalogues give for "123456789" with this polynomial, start and final value zero.
    assert silence.ogg_checksum(b"123456789") == 0x89A1897F


def test_any_other_recording_is_a_wav() -> None:
    with wave.open(io.BytesIO(silence.recording("a.wav", 2.0))) as file:
        assert file.getnframes() / file.getframerate() == 2.0


@pytest.mark.parametrize(
    ("endpoint", "path_style", "location"),
    [
        ("http://127.0.0.1:4566", True, "http://127.0.0.1:4566/records/a/b.ogg"),
        ("https://s3.example.com", False, "https://records.s3.example.com/a/b.ogg"),
        ("", False, "https://records.s3.eu-central-1.amazonaws.com/a/b.ogg"),
    ],
)
def test_a_file_has_an_address_in_its_bucket(endpoint: str, path_style: bool, location: str) -> None:
    bucket = Bucket("records", "eu-central-1", endpoint, "key", "secret", "", path_style)
    assert bucket.location("a/b.ogg") == location


def test_a_carrier_can_be_described_in_json() -> None:
    changed = PICKS_UP.with_changes(
        {"carrier": {"form": "telnyx", "words": ["answered"], "forwards_after_s": 1}, "egress": "fails"}
    )
    assert changed.carrier == CarrierReports(CarrierForm.TELNYX, frozenset({CarrierWord.ANSWERED}), 1)
    with pytest.raises(ValueError, match="sung"):
        PICKS_UP.with_changes({"carrier": {"words": ["sung"]}})


@pytest.mark.parametrize("secrets", [{"telnyx_key": "c2hvcnQ="}, {"generic": "whsec_no base64"}])
def test_a_secret_that_is_no_key_is_refused_before_anybody_calls(secrets: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        CarrierSecrets(**secrets)
