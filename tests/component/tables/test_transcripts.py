"""What agents tell of a call, in the table and in the bucket: nothing of it is lost, whatever comes in which order."""

import json
from copy import replace
from typing import Any

import pytest

from ringline.calls.model.call import Call, State
from ringline.calls.tables.transcripts import MOST_IN_TABLE_BYTES, Kept, Place, Transcript, Transcripts, Turn
from ringline.runtime import aws
from tests.builders import ACCOUNT, a_call
from tests.component.one_table import RECORDS_BUCKET, LocalAws

CALL = a_call(State.ENDED, transcript_kept="table")
USAGE = {"llm_prompt_tokens": 412, "cost": {"total": 0.0125}}


def turns(count: int, words: str = "of course") -> tuple[Turn, ...]:
    roles = ("agent", "user")
    return tuple(Turn(roles[n % 2], f"{n} {words} – ça va 🙂", "2026-11-21T02:09:00.123Z") for n in range(count))


def brief(count: int) -> tuple[Turn, ...]:
    return tuple(Turn("user", "yes") for _ in range(count))


# What of it is used goes to the bucket, all or the first 300.
LONG = turns(400)


@pytest.fixture
def transcripts(local: LocalAws) -> Transcripts:
    aws.s3().create_bucket(Bucket=RECORDS_BUCKET)
    return Transcripts(local.dynamodb, local.table_name, aws.s3, RECORDS_BUCKET)


def objects() -> list[str]:
    return [each["Key"] for each in aws.s3().list_objects_v2(Bucket=RECORDS_BUCKET).get("Contents", [])]


def test_a_short_transcript_lies_in_the_table_and_comes_back_as_it_was(transcripts: Transcripts) -> None:
    told = Transcript((*turns(3), Turn("user", "", None)), "They agreed.", USAGE)
    assert transcripts.keep(CALL, told) == Kept(4, Place.TABLE)
    assert transcripts.read(CALL) == told
    assert objects() == []


def test_three_thousand_turns_of_600_kb_come_back_whole(transcripts: Transcripts) -> None:
    told = Transcript(turns(3000, "words " * 25))
    assert sum(len(turn.content.encode()) for turn in told.turns) > 500_000
    assert transcripts.keep(CALL, told) == Kept(3000, Place.BUCKET)
    assert transcripts.read(CALL) == told
    (key,) = objects()
    assert key.startswith(f"{ACCOUNT}/transcripts/{CALL.call_id}-1-"), "within what the agents' function may write"


@pytest.mark.parametrize("over", [0, 1])
def test_what_fits_in_the_table_is_counted_in_bytes(transcripts: Transcripts, over: int) -> None:
    framing = len('[["user","",null]]')
    told = Transcript((Turn("user", "é" * ((MOST_IN_TABLE_BYTES - framing) // 2) + "x" * over),))
    assert transcripts.keep(CALL, told).place is (Place.BUCKET if over else Place.TABLE)
    assert transcripts.read(CALL) == told


@pytest.mark.parametrize("first", ["turns", "usage"])
@pytest.mark.parametrize("talk", [turns(2), LONG], ids=["short", "long"])
def test_turns_and_usage_that_come_apart_are_kept_together(
    transcripts: Transcripts, talk: tuple[Turn, ...], first: str
) -> None:
    parts = [Transcript(talk, "In short."), Transcript(usage=USAGE)]
    for part in parts if first == "turns" else reversed(parts):
        kept = transcripts.keep(CALL, part)
    assert kept.turns == len(talk), "also the one that brings no turns says how many there are"
    assert transcripts.read(CALL) == Transcript(talk, "In short.", USAGE)


def test_usage_that_comes_while_turns_are_written_is_not_lost(local: LocalAws, transcripts: Transcripts) -> None:
    class Meanwhile:
        def put_object(self, **request: Any) -> None:
            transcripts.keep(CALL, Transcript(usage=USAGE))
            aws.s3().put_object(**request)

    slow = Transcripts(local.dynamodb, local.table_name, Meanwhile, RECORDS_BUCKET)
    slow.keep(CALL, Transcript(LONG))
    assert transcripts.read(CALL) == Transcript(LONG, None, USAGE)


@pytest.mark.parametrize("fewer", [brief(1), LONG[:300]], ids=["for the table", "for the bucket"])
@pytest.mark.parametrize("more", [brief(301), LONG], ids=["in the table", "in the bucket"])
def test_fewer_turns_that_come_late_do_not_replace_more(
    transcripts: Transcripts, more: tuple[Turn, ...], fewer: tuple[Turn, ...]
) -> None:
    before = transcripts.keep(CALL, Transcript(more, "All of it."))
    after = transcripts.keep(CALL, Transcript(fewer, "A part."))
    assert (before.turns, after) == (len(more), before)
    assert transcripts.read(CALL) == Transcript(more, "A part."), "the summary is the last one told"


def test_fewer_turns_that_overtake_more_leave_what_the_table_names_whole(
    local: LocalAws, transcripts: Transcripts
) -> None:
    class Meanwhile:
        def put_object(self, **request: Any) -> None:
            transcripts.keep(CALL, Transcript(LONG))
            aws.s3().put_object(**request)

    slow = Transcripts(local.dynamodb, local.table_name, Meanwhile, RECORDS_BUCKET)
    assert slow.keep(CALL, Transcript(LONG[:300])) == Kept(400, Place.BUCKET)
    assert transcripts.read(CALL) == Transcript(LONG)


@pytest.mark.parametrize(("before", "after"), [(turns(2), LONG), (LONG[:2], turns(2))])
def test_as_many_or_more_turns_replace_what_was_there(
    transcripts: Transcripts, before: tuple[Turn, ...], after: tuple[Turn, ...]
) -> None:
    transcripts.keep(CALL, Transcript(before))
    transcripts.keep(CALL, Transcript(after))
    assert transcripts.read(CALL) == Transcript(after)


def test_a_transcript_that_shrinks_below_the_limit_leaves_the_bucket(transcripts: Transcripts) -> None:
    transcripts.keep(CALL, Transcript(LONG))
    told = Transcript(brief(400))
    assert transcripts.keep(CALL, told) == Kept(400, Place.TABLE)
    assert transcripts.read(CALL) == told


def test_a_transcript_that_grows_leaves_no_former_object(transcripts: Transcripts) -> None:
    for count in (300, 350, 400):
        transcripts.keep(CALL, Transcript(LONG[:count]))
    assert len(objects()) == 1
    assert transcripts.read(CALL) == Transcript(LONG)


def test_whoever_reads_while_it_grows_has_the_longer_one(
    transcripts: Transcripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    transcripts.keep(CALL, Transcript(LONG[:300]))
    read = transcripts._from_bucket

    def after_it_grew(key: str) -> str | None:
        monkeypatch.setattr(transcripts, "_from_bucket", read)
        transcripts.keep(CALL, Transcript(LONG))
        return read(key)

    monkeypatch.setattr(transcripts, "_from_bucket", after_it_grew)
    assert transcripts.read(CALL) == Transcript(LONG)


def test_telling_it_again_changes_nothing(local: LocalAws, transcripts: Transcripts) -> None:
    told = Transcript(LONG, "In short.", USAGE)
    kept = transcripts.keep(CALL, told)
    before = local.items()
    assert (transcripts.keep(CALL, told), local.items(), len(objects())) == (kept, before, 1)


def test_each_attempt_has_its_own(transcripts: Transcripts) -> None:
    second = replace(CALL, attempt=2)
    transcripts.keep(second, Transcript(turns(1)))
    assert transcripts.keep(second, Transcript(turns(3)), 1) == Kept(3, Place.TABLE), "its agent was late"
    assert transcripts.read(second) == Transcript(turns(1))
    assert transcripts.of_attempt(second, 1) == Transcript(turns(3))
    assert transcripts.of_attempt(second, 3) is None


def test_an_agent_that_heard_nothing_has_a_transcript_without_turns(transcripts: Transcripts) -> None:
    assert transcripts.keep(CALL, Transcript()) == Kept(0, Place.TABLE)
    assert transcripts.read(CALL) == Transcript()


def test_turns_that_the_bucket_has_removed_leave_the_rest_readable(transcripts: Transcripts) -> None:
    transcripts.keep(CALL, Transcript(LONG, "In short.", USAGE))
    (key,) = objects()
    aws.s3().delete_object(Bucket=RECORDS_BUCKET, Key=key)
    assert transcripts.read(CALL) == Transcript((), "In short.", USAGE)


def test_a_call_without_a_transcript_costs_no_request() -> None:
    class Nobody:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"{name} was asked for")

    nothing: Call = a_call(State.ENDED)
    assert Transcripts(Nobody(), "table", Nobody, "bucket").read(nothing) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [(1.5e308, 1.6e308), (10**400, 0.5), (0.5, 10**400), (10**400, 10**400), (-1.5e308, -1.6e308)],
)
def test_of_two_agents_uses_whose_sum_is_no_number_that_json_has_the_last_ones_counts(
    transcripts: Transcripts, monkeypatch: pytest.MonkeyPatch, first: float, second: float
) -> None:
    monkeypatch.setattr("ringline.calls.tables.transcripts.parts_of", lambda *_: (1, 2))
    for part, tokens in ((1, first), (2, second)):
        transcripts.keep(CALL, Transcript(usage={"tokens": tokens, "calls": 1}), part=part)
    read = transcripts.read(CALL)
    assert read is not None
    json.dumps(read.usage, allow_nan=False)
    assert read.usage == {"tokens": second, "calls": 2}
