"""What an agent reports of its call: proven, kept, applied, and its wish to end the call carried out."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import replace
from dataclasses import dataclass
from functools import partial
from typing import Any

import jwt
import pytest

from ringline.calls.model.call import Attempt, Call, State, VoicemailPolicy
from ringline.calls.model.events import AgentSeen, Answered, Claimed, DialRefused, LegLeft
from ringline.calls.model.reasons import Category, EndReason
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.model.timing import ASK_AGAIN_S, LAST_WORDS_S
from ringline.calls.model.transfers.transfer_events import TransferAsked
from ringline.calls.progress import hang_up
from ringline.calls.progress.progress import Applied
from ringline.calls.signals import agent_reports
from ringline.calls.tables.store import TableContended
from ringline.calls.tables.transcripts import Transcript, Turn
from ringline.calls.views.call_view import call_view
from ringline.composition.parts import to_livekit
from ringline.runtime import aws
from ringline.runtime.clock import iso, now_ms
from ringline.runtime.vault.kept import AGENT_TOKENS, LIVEKIT
from ringline.runtime.vault.sealed import id_of_key
from ringline.telephony.agent_dispatch import call_token
from ringline.telephony.token_secrets import TAKEN_OVER_MS
from tests.builders import ACCOUNT, a_transfer
from tests.component.calls_room import CallsRoom, calls_room
from tests.component.one_table import RECORDS_BUCKET, LocalAws, keep_secrets, load_handler, log_of
from tests.fakes import CONTEXT, ScriptedTelephony
from tests.sample_events import event_of

SECRET = "a-secret-of-more-than-32-characters"
KEY_ID = {"kid": id_of_key(SECRET)}
CALL = "call_01JD5Z0000000000000000000A"
ROOM = f"{ACCOUNT}.{CALL}.1"
READY = {"type": "ready", "can_report": ["user_spoke", "silence", "voicemail"]}
SPOKE = {"type": "user_spoke"}
TURNS = [{"role": "agent", "content": "Hello?", "timestamp": "2026-11-21T02:09:00.123Z"}]
KEPT_TURNS = (Turn("agent", "Hello?", "2026-11-21T02:09:00.123Z"),)
AGAIN = RetryPolicy(3, (Category.AGENT.value,), (60,))

_R = EndReason


@dataclass
class Agents:
    """The function, on the calls of the room: LiveKit says what it is told to, and time is set by hand."""

    room: CallsRoom
    function: Any
    """The handler's module, whose use case the tests replace."""

    @property
    def telephony(self) -> ScriptedTelephony:
        return self.room.telephony

    @property
    def call(self) -> Call:
        return self.room.call(CALL)

    @property
    def view(self) -> dict[str, Any]:
        return call_view(self.call)

    @property
    def kept(self) -> Transcript | None:
        kept: Transcript | None = self.function.hear.transcripts.read(self.call)
        return kept

    def rings(self, **fields: Any) -> Call:
        """A call that was dialled this moment, whose agent is in the room."""
        now = self.room.clock()
        return self.room.dialing(CALL, created_at=now, eligible_at=now, **fields)

    def talks(self, **fields: Any) -> Call:
        """A call that rang 5 s and was answered 10 s ago."""
        self.rings(**fields)
        self.room.clock.move(5)
        self.answer()
        self.room.clock.move(10)
        return self.call

    def answer(self) -> None:
        now, attempt = self.room.clock(), self.call.attempt
        self.happens(Answered(now, attempt, "PA_leg", "SCL_1", AgentSeen("PA_agent", now)))

    def leg_leaves(self) -> None:
        self.happens(LegLeft(self.room.clock(), self.call.attempt, "PA_leg", "CLIENT_INITIATED", "hangup"))

    def is_dialed_again(self) -> None:
        self.happens(Claimed(self.room.clock()))

    def happens(self, event: Any) -> None:
        assert isinstance(self.room.progress.apply(ACCOUNT, CALL, event), Applied)

    def post(self, *events: Any, token: str | None = "", body: str | None = None) -> tuple[int, Any]:
        answer = self.answer_to(*events, token=token, body=body)
        return answer["statusCode"], json.loads(answer["body"])

    def answer_to(self, *events: Any, token: str | None = "", body: str | None = None) -> dict[str, Any]:
        """The whole answer. The token is the present attempt's unless another, or None, is given."""
        request = event_of("receive_agent_event", "ready")
        if token is not None:
            request["headers"]["authorization"] = f"Bearer {token or call_token(self.call, SECRET)}"
        else:
            del request["headers"]["authorization"]
        request["body"] = json.dumps(events[0] if len(events) == 1 else {"events": events}) if body is None else body
        return dict(self.function.lambda_handler(request, CONTEXT))

    def tell(self, *events: Any, token: str | None = "") -> list[str]:
        """What came of each event, in a word."""
        status, body = self.post(*events, token=token)
        assert status == 200, body
        assert [result["type"] for result in body["results"]] == [event["type"] for event in events]
        return [result["result"] for result in body["results"]]


@pytest.fixture
def agents(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Agents:
    monkeypatch.setattr(hang_up, "_SETTLE_WAIT_S", 0)
    aws.s3().create_bucket(Bucket=RECORDS_BUCKET)
    room = calls_room(local)
    room.clock.now = now_ms()
    function: Any = load_handler(
        "receive_agent_event",
        {
            "DOORBELL_QUEUE_URL": local.queue_url,
            "LOOK_QUEUE_URL": local.queue_url,
            "LIVEKIT_URL": "http://127.0.0.1:9",
            "LIVEKIT_API_KEY": "devkey",
            "LIVEKIT_API_SECRET": SECRET,
        },
    )

    @asynccontextmanager
    async def telephony() -> AsyncIterator[ScriptedTelephony]:
        yield room.telephony

    on_the_room = {"progress": room.progress, "telephony": telephony, "looks": room.looks, "clock": room.clock}
    function.hear = replace(function.hear, **on_the_room)
    return Agents(room, function)


# --- what each report changes ----------------------------------------------------------------------------------------


def test_what_an_agent_told_is_shown_with_its_call(agents: Agents) -> None:
    agents.talks()
    now = agents.room.clock()
    assert agents.tell(READY, SPOKE, {"type": "silence", "silent_s": 4}) == ["applied"] * 3
    assert agents.view["agent_reports"] == {
        "ready_at": iso(now),
        "can_report": ["user_spoke", "silence", "voicemail"],
        "user_spoke_at": iso(now),
        "silent_since": iso(now - 4000),
    }
    assert agents.tell(SPOKE) == ["applied"], "it speaks again"
    assert "silent_since" not in agents.view["agent_reports"]
    assert agents.telephony.ended_rooms == []


def test_a_silence_and_a_word_count_by_whatever_clock_they_are_dated(agents: Agents) -> None:
    """The agent's clock is three minutes behind, and it dates all but its first silence."""
    agents.talks()
    room = agents.room
    room.clock.move(240)
    assert agents.tell(SPOKE, {"type": "silence", "silent_s": 4}) == ["applied"] * 2
    room.clock.move(60)
    assert agents.tell(SPOKE | {"at": iso(room.clock() - 180_000)}) == ["applied"]
    assert agents.call.reports.silence_counts_from is None
    room.clock.move(30)
    assert agents.tell({"type": "silence", "silent_s": 4, "at": iso(room.clock() - 180_000)}) == ["applied"]
    assert agents.call.reports.silence_counts_from == room.clock()
    room.clock.move(2)
    again = {"type": "silence", "silent_s": 4, "at": iso(room.clock() - 182_000)}
    assert agents.tell(again) == ["silent_before"], "sent again, because its answer got lost"


def test_an_agent_is_ready_before_the_phone_is_answered(agents: Agents) -> None:
    agents.rings()
    status, body = agents.post(READY)
    assert (status, body) == (
        200,
        {
            "results": [{"type": "ready", "result": "applied"}],
            "status": "ringing",
            "end_reason": None,
            "voicemail_policy": "hang_up",
        },
    )


def test_an_agent_may_ask_how_its_call_stands_and_why_it_is_over(agents: Agents) -> None:
    agents.talks()
    status, body = agents.post()
    assert (status, body["results"], body["status"], body["end_reason"]) == (200, [], "active", None)
    agents.post({"type": "hang_up"})
    status, body = agents.post()
    assert (status, body["status"], body["end_reason"]) == (200, "completed", "AGENT_HUNG_UP")


def test_an_agent_is_told_why_its_own_attempt_ended_and_not_a_later_one(agents: Agents) -> None:
    agents.rings(retry=RetryPolicy(2, (_R.USER_BUSY.value,), (60,)))
    agents.happens(DialRefused(agents.room.clock(), 1, 486, "Busy Here", None, None))
    _, body = agents.post()
    assert (body["status"], body["end_reason"]) == ("pending", "USER_BUSY")


@pytest.mark.parametrize(
    ("reason", "end_reason", "category"),
    [
        (None, _R.AGENT_HUNG_UP, "conversation"),
        ("the caller said goodbye", _R.AGENT_HUNG_UP, "conversation"),
        ("silence_timeout", _R.AGENT_HUNG_UP_SILENCE_DETECTED, "conversation"),
        ("voicemail", _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED, "voicemail"),
        ("max_duration", _R.MAX_DURATION_REACHED, "conversation"),
        ("idle", _R.IDLE_TIMEOUT, "system"),
        ("transferred", _R.CALL_TRANSFERRED, "conversation"),
        ("error: no words", _R.AGENT_FAILED, "agent"),
        ("USER_HUNG_UP_IN_CALL", _R.USER_HUNG_UP_IN_CALL, "conversation"),
    ],
)
def test_an_agent_hangs_up_and_is_answered_when_the_room_is_closed(
    agents: Agents, reason: str | None, end_reason: EndReason, category: str
) -> None:
    agents.talks()
    status, body = agents.post({"type": "hang_up", "reason": reason})
    assert (status, body["results"][0]["result"], body["status"]) == (200, "applied", "completed")
    assert agents.telephony.ended_rooms == [ROOM]
    view = agents.view
    assert (view["end_reason"], view["end_category"], view["duration_s"]) == (end_reason, category, 10)
    assert view["agent_reports"] == ({"hung_up_for": reason} if reason else None)
    assert agents.room.in_use == 0


def test_under_the_usual_policy_a_voicemail_ends_the_call(agents: Agents) -> None:
    agents.talks()
    status, body = agents.post(READY, {"type": "voicemail", "why": "a beep after the greeting"})
    assert (status, body["status"], body["voicemail_policy"]) == (200, "completed", "hang_up")
    assert body["end_reason"] == "AGENT_HUNG_UP_VOICEMAIL_DETECTED"
    assert agents.telephony.ended_rooms == [ROOM]
    view = agents.view
    assert (view["end_reason"], view["ended_by"]) == (_R.AGENT_HUNG_UP_VOICEMAIL_DETECTED, "agent")
    assert view["voicemail"] == {
        "method": "agent_said_so",
        "ring_s": 5,
        "talk_s": 10,
        "sip_code": None,
        "forwarded_to": None,
        "agent_could_hear": True,
        "caller_spoke": False,
        "agent_said": "a beep after the greeting",
    }


def test_an_agent_that_may_leave_a_message_hangs_up_when_it_has(agents: Agents) -> None:
    agents.talks(voicemail_policy=VoicemailPolicy.LEAVE_MESSAGE)
    status, body = agents.post({"type": "voicemail"})
    assert (status, body["status"], body["voicemail_policy"]) == (200, "active", "leave_message")
    assert agents.telephony.ended_rooms == []
    agents.room.clock.move(20)
    assert agents.tell({"type": "hang_up", "reason": "voicemail message left"}) == ["applied"]
    view = agents.view
    assert (view["end_reason"], view["voicemail"]["talk_s"]) == (_R.AGENT_HUNG_UP_VOICEMAIL_DETECTED, 30)


def test_the_end_of_a_message_is_a_voicemails_also_if_the_machine_hangs_up_first(agents: Agents) -> None:
    agents.talks(voicemail_policy=VoicemailPolicy.LEAVE_MESSAGE)
    agents.tell(SPOKE, {"type": "voicemail"})
    agents.leg_leaves()
    assert agents.view["end_reason"] == _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED


@pytest.mark.parametrize(
    ("told", "end_reason"),
    [
        ([READY], _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED),
        ([READY, SPOKE], _R.USER_HUNG_UP_IN_CALL),
        ([{"type": "ready"}], _R.USER_HUNG_UP_IN_CALL),
    ],
)
def test_nobody_heard_by_an_agent_that_hears_was_a_greeting(
    agents: Agents, told: list[Any], end_reason: EndReason
) -> None:
    agents.rings()
    agents.tell(told[0])
    agents.answer()
    agents.room.clock.move(8)
    for event in told[1:]:
        agents.tell(event)
    agents.leg_leaves()
    if end_reason is _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED:
        # A word at the very end may be on its way.
        assert agents.view["status"] == "active"
        agents.room.clock.move(LAST_WORDS_S)
        agents.room.look_again(CALL)
    view = agents.view
    assert view["end_reason"] == end_reason
    if view["voicemail"] is not None:
        assert (view["voicemail"]["method"], view["voicemail"]["talk_s"]) == ("unheard_greeting", 8)


@pytest.mark.parametrize(
    ("last", "result", "end_reason"),
    [
        (SPOKE, "applied", _R.USER_HUNG_UP_IN_CALL),
        ({"type": "voicemail"}, "applied", _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED),
        ({"type": "hang_up", "reason": "voicemail"}, "applied", _R.AGENT_HUNG_UP_VOICEMAIL_DETECTED),
        ({"type": "hang_up", "reason": "goodbye"}, "leg_has_left", None),
    ],
)
def test_a_word_on_its_way_when_the_other_side_hung_up_counts(
    agents: Agents, last: dict[str, Any], result: str, end_reason: EndReason | None
) -> None:
    agents.rings()
    agents.tell(READY)
    agents.answer()
    agents.room.clock.move(4)
    agents.leg_leaves()
    agents.room.clock.move(1)
    assert agents.tell(last) == [result]
    assert agents.view["end_reason"] == end_reason
    if end_reason is _R.USER_HUNG_UP_IN_CALL:
        assert agents.view["duration_s"] == 4, "it lasted until the leg left, not until the word came"


def test_a_call_that_was_handed_over_says_so(agents: Agents) -> None:
    agents.talks()
    assert agents.tell({"type": "transfer", "to": "+15550100299", "status": "started"}) == ["applied"]
    agents.leg_leaves()
    view = agents.view
    assert (view["end_reason"], view["agent_reports"]["transferred_to"]) == (_R.CALL_TRANSFERRED, "+15550100299")


def test_nobody_is_hung_up_on_for_a_silence_while_somebody_is_called_for_them(agents: Agents) -> None:
    agents.talks()
    now = agents.room.clock()
    agents.happens(TransferAsked(now, agents.call.attempt, a_transfer(now, dial=agents.call.attempt)))
    silence = {"type": "hang_up", "reason": "silence_timeout"}
    assert agents.tell({"type": "silence", "silent_s": 15}, silence) == ["applied", "transfer_under_way"]
    assert (agents.call.state, agents.telephony.ended_rooms) == (State.ACTIVE, [])
    assert agents.tell({"type": "hang_up", "reason": "goodbye"}) == ["applied"]
    assert agents.call.end_reason is _R.AGENT_HUNG_UP


def test_a_transfer_that_failed_is_taken_back(agents: Agents) -> None:
    agents.talks()
    told = agents.tell({"type": "transfer", "status": "started"}, {"type": "transfer", "status": "failed"})
    assert told == ["applied", "applied"]
    agents.leg_leaves()
    assert agents.view["end_reason"] == _R.USER_HUNG_UP_IN_CALL


@pytest.mark.parametrize(
    ("said_s", "counts_s"), [(-3, -3), (-3600, 0), (3600, 0)], ids=["in the call", "before its dial", "to come"]
)
def test_an_agents_clock_cannot_lead_out_of_its_call(agents: Agents, said_s: int, counts_s: int) -> None:
    agents.talks()
    now = agents.room.clock()
    assert agents.tell({"type": "user_spoke", "at": iso(now + said_s * 1000)}) == ["applied"]
    assert agents.call.reports.user_spoke_at == now + counts_s * 1000


# --- ending ----------------------------------------------------------------------------------------------------------


def test_an_agent_that_hangs_up_on_a_ringing_phone_leaves_the_end_to_its_dialer(agents: Agents) -> None:
    agents.rings()
    status, body = agents.post({"type": "hang_up"})
    assert (status, body["status"]) == (200, "ringing"), "the dialer has not spoken"
    assert agents.telephony.ended_rooms == [ROOM]
    assert agents.call.end_asked_reason is _R.AGENT_HUNG_UP


def test_a_hang_up_that_livekit_does_not_hear_is_recorded_and_carried_out_soon(agents: Agents) -> None:
    agents.talks()
    agents.telephony.down = True
    status, body = agents.post({"type": "hang_up", "reason": "silence"})
    assert (status, body["results"][0]["result"], body["status"]) == (200, "applied", "active")
    assert agents.room.looks.asked == [(ACCOUNT, CALL, ASK_AGAIN_S)]
    agents.telephony.down = False
    agents.room.clock.move(ASK_AGAIN_S)
    agents.room.look_again(CALL)
    assert agents.view["end_reason"] == _R.AGENT_HUNG_UP_SILENCE_DETECTED
    assert agents.room.in_use == 0


def test_a_hang_up_stands_although_nobody_can_be_asked_to_look(agents: Agents) -> None:
    class NoQueue:
        def look_again(self, account_id: str, call_id: str, after_s: int) -> None:
            raise OSError("no queue")

    agents.talks()
    agents.telephony.down = True
    agents.function.hear = replace(agents.function.hear, looks=NoQueue())
    assert agents.tell({"type": "hang_up"}) == ["applied"]
    assert agents.call.end_asked_reason is _R.AGENT_HUNG_UP


def test_a_hang_up_that_comes_again_closes_a_room_that_stayed_open(agents: Agents) -> None:
    agents.talks()
    agents.telephony.down = True
    agents.post({"type": "hang_up", "reason": "idle"})
    agents.telephony.down = False
    status, body = agents.post({"type": "hang_up"})
    assert (status, body["results"][0]["result"], body["status"]) == (200, "end_was_asked", "completed")
    assert agents.view["end_reason"] == _R.IDLE_TIMEOUT, "the first word counts"


def test_no_words_wait_for_livekit(agents: Agents) -> None:
    """The end comes after the last event, so that an end that sends the call back into the queue loses none."""
    agents.talks(retry=AGAIN)
    told = agents.tell({"type": "hang_up", "reason": "error"}, {"type": "transcript", "turns": TURNS}, SPOKE)
    assert told == ["applied", "applied", "applied"]
    assert (agents.call.state, agents.call.transcript_turns) == (State.QUEUED, 1)


def test_an_unreachable_livekit_fails_no_request(agents: Agents) -> None:
    agents.talks()
    agents.function.hear = replace(
        agents.function.hear, telephony=partial(to_livekit, agents.function.settings.livekit)
    )
    assert agents.tell({"type": "hang_up"}) == ["applied"]
    assert agents.view["status"] == "active"


# --- words -----------------------------------------------------------------------------------------------------------


def test_words_and_usage_come_apart_and_are_kept_together(agents: Agents) -> None:
    agents.talks()
    agents.leg_leaves()
    assert agents.tell({"type": "usage", "usage": {"tokens": 3}}) == ["applied"]
    assert agents.tell({"type": "transcript", "turns": TURNS, "summary": "Short."}) == ["applied"]
    assert (agents.call.transcript_turns, agents.call.transcript_kept) == (1, "table")
    assert agents.kept == Transcript(KEPT_TURNS, "Short.", {"tokens": 3})
    assert agents.view["end_reason"] == _R.USER_HUNG_UP_IN_CALL


def test_the_event_files_last_words_are_kept(agents: Agents) -> None:
    agents.talks()
    body = event_of("receive_agent_event", "last_words")["body"]
    status, answer = agents.post(body=body)
    assert (status, [each["result"] for each in answer["results"]]) == (200, ["applied", "transcript_kept_before"])
    assert agents.kept is not None
    assert (len(agents.kept.turns), agents.kept.usage["tts_characters"]) == (2, 20)


def test_a_transcript_of_hours_goes_to_the_bucket_and_comes_back_whole(agents: Agents) -> None:
    agents.talks()
    turns = [{"role": ("agent", "user")[n % 2], "content": f"{n} " + "ça va 🙂 " * 20} for n in range(3000)]
    assert agents.tell({"type": "transcript", "turns": turns}) == ["applied"]
    assert (agents.call.transcript_turns, agents.call.transcript_kept) == (3000, "bucket")
    assert agents.kept == Transcript(tuple(Turn(turn["role"], turn["content"]) for turn in turns))


def test_more_than_five_megabytes_are_refused(agents: Agents) -> None:
    agents.talks()
    content = "x" * (5 * 1024 * 1024)
    status, body = agents.post({"type": "transcript", "turns": [{"role": "user", "content": content}]})
    assert (status, body["code"]) == (413, "body_too_large")


def test_words_are_stored_before_the_calls_row_speaks_of_them(agents: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    agents.talks()
    before = agents.call

    class Contended:
        def apply(self, *_: Any) -> Any:
            raise TableContended

    hear = agents.function.hear
    agents.function.hear = replace(hear, progress=Contended())
    answer = agents.answer_to({"type": "transcript", "turns": TURNS})
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "2")
    assert json.loads(answer["body"])["code"] == "not_persisted"
    assert agents.call == before
    assert agents.function.hear.transcripts.of_attempt(before, 1) == Transcript(KEPT_TURNS)
    agents.function.hear = hear
    assert agents.tell({"type": "transcript", "turns": TURNS}) == ["applied"], "sent again, it is taken"


def test_a_store_that_fails_has_the_agent_send_all_of_it_again(agents: Agents) -> None:
    agents.talks()
    long = [{"role": "user", "content": "x" * 20_000}]
    aws.s3().delete_bucket(Bucket=RECORDS_BUCKET)
    answer = agents.answer_to(SPOKE, {"type": "transcript", "turns": long}, {"type": "hang_up"})
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "2")
    assert agents.call.transcript_kept is None
    assert agents.call.end_reason is _R.AGENT_HUNG_UP, "words that cannot be kept are no reason not to end the call"
    aws.s3().create_bucket(Bucket=RECORDS_BUCKET)
    told = agents.tell(SPOKE, {"type": "transcript", "turns": long}, {"type": "hang_up"})
    assert told == ["call_is_over", "applied", "call_is_over"]
    assert agents.call.transcript_kept is not None


def test_what_was_said_stays_out_of_the_log(agents: Agents) -> None:
    agents.talks()
    with log_of("receive_agent_event") as lines:
        agents.tell(
            {"type": "transcript", "turns": [{"role": "user", "content": "my secret"}], "summary": "a secret"},
            {"type": "voicemail", "why": "secret"},
            {"type": "hang_up", "reason": "secret"},
        )
        agents.post({"type": "silence", "silent_s": "secret"})
        agents.post(SPOKE, token="secret")
    assert "agent heard" in lines.getvalue()
    assert "secret" not in lines.getvalue()


# --- tokens ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER  {} ", "{}"])
def test_the_token_is_taken_with_and_without_its_scheme(agents: Agents, form: str) -> None:
    agents.talks()
    request = event_of("receive_agent_event", "ready")
    request["headers"]["authorization"] = form.format(call_token(agents.call, SECRET))
    assert agents.function.lambda_handler(request, CONTEXT)["statusCode"] == 200


@pytest.mark.parametrize(
    "forgery",
    [
        "no token",
        "garbage",
        "an API key",
        "other secret",
        "LiveKit's own secret",
        "a token of before",
        "other audience",
        "other call",
        "expired",
        "no expiry",
        "alg none",
    ],
)
def test_who_cannot_prove_to_speak_for_the_call_reads_and_writes_nothing(
    agents: Agents, forgery: str, local: LocalAws
) -> None:
    call = agents.talks()
    good = call_token(call, SECRET)
    claims = jwt.decode(good, options={"verify_signature": False})
    tokens = {
        "no token": None,
        "garbage": "not.a.token",
        "an API key": "sk_example",
        "other secret": call_token(call, "another-secret-of-more-than-32-characters"),
        "LiveKit's own secret": jwt.encode(claims, SECRET, algorithm="HS256", headers=KEY_ID),
        "a token of before": jwt.encode(claims, _key(), algorithm="HS256"),
        "other audience": jwt.encode({**claims, "aud": "livekit"}, _key(), algorithm="HS256", headers=KEY_ID),
        "other call": call_token(replace(call, call_id="call_other"), SECRET),
        "expired": call_token(replace(call, dialed_at=(call.dialed_at or 0) - 24 * 3600 * 1000), SECRET),
        "no expiry": jwt.encode(
            {k: v for k, v in claims.items() if k != "exp"}, _key(), algorithm="HS256", headers=KEY_ID
        ),
        "alg none": jwt.encode(claims, "", algorithm="none"),
    }
    local.dynamodb.delete_table(TableName=local.table_name)
    answer = agents.answer_to({"type": "hang_up"}, token=tokens[forgery])
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (401, "invalid_token")
    assert answer["headers"]["www-authenticate"] == "Bearer"


def _key() -> bytes:
    """The key that the product signs with, so that a forgery is wrong in one thing only."""
    from ringline.telephony import agent_dispatch

    return agent_dispatch._token_key(SECRET)


def test_the_forgeries_key_is_the_right_one(agents: Agents) -> None:
    claims = jwt.decode(call_token(agents.talks(), SECRET), options={"verify_signature": False})
    assert agents.tell(SPOKE, token=jwt.encode(claims, _key(), algorithm="HS256", headers=KEY_ID)) == ["applied"]


TOKENS, LATER_TOKENS = "agents-tokens-of-the-stack-0123456789", "agents-tokens-of-the-stack-9876543210"


def test_a_token_is_proven_by_a_secret_of_its_own_and_the_one_of_before_while_it_rotates(agents: Agents) -> None:
    livekit, call = (f"devkey:{SECRET}",), agents.talks()
    keep_secrets({LIVEKIT: livekit, AGENT_TOKENS: (LATER_TOKENS, TOKENS)})
    for secret in (LATER_TOKENS, TOKENS):
        assert agents.tell(SPOKE, token=call_token(call, secret)) in (["applied"], ["spoke_before"])
    keep_secrets({LIVEKIT: livekit, AGENT_TOKENS: (LATER_TOKENS,)})
    assert agents.answer_to(SPOKE, token=call_token(call, TOKENS))["statusCode"] == 401
    assert agents.answer_to(SPOKE, token=call_token(call, SECRET))["statusCode"] == 401, "LiveKit's secret makes none"


def test_a_token_of_the_release_before_is_good_for_the_calls_of_the_upgrade_and_no_longer(agents: Agents) -> None:
    claims = jwt.decode(call_token(agents.talks(), TOKENS), options={"verify_signature": False})
    of_before = jwt.encode(claims, _key(), algorithm="HS256")
    kept = {LIVEKIT: (f"devkey:{SECRET}",), AGENT_TOKENS: (TOKENS,)}
    keep_secrets(kept, made_at=now_ms() - TAKEN_OVER_MS + 60_000)
    assert agents.tell(SPOKE, token=of_before) == ["applied"]
    keep_secrets(kept, made_at=now_ms() - TAKEN_OVER_MS)
    assert agents.answer_to(SPOKE, token=of_before)["statusCode"] == 401


def test_an_agent_of_an_earlier_attempt_changes_nothing_of_this_one(agents: Agents) -> None:
    former = call_token(agents.talks(retry=AGAIN), SECRET)
    agents.tell({"type": "hang_up", "reason": "error"})
    agents.room.clock.move(60)
    agents.is_dialed_again()
    agents.answer()
    before = agents.call
    assert before.attempt == 2
    events = [READY, SPOKE, {"type": "voicemail"}, {"type": "hang_up"}, {"type": "transfer"}]
    assert agents.tell(*events, token=former) == ["stale_attempt"] * 5
    assert agents.call == before
    assert agents.telephony.ended_rooms == [ROOM], "the first attempt's, once"


def test_the_words_of_an_earlier_attempt_are_kept_with_it(agents: Agents) -> None:
    former = call_token(agents.talks(retry=AGAIN), SECRET)
    agents.tell({"type": "hang_up", "reason": "error"})
    agents.room.clock.move(60)
    agents.is_dialed_again()
    before = agents.call
    assert agents.tell({"type": "transcript", "turns": TURNS}, token=former) == ["stale_attempt"]
    assert (agents.call, agents.kept) == (before, None), "nobody said this in the present attempt"
    assert agents.function.hear.transcripts.of_attempt(before, 1) == Transcript(KEPT_TURNS)


def test_a_call_that_waits_for_its_next_attempt_takes_the_last_ones_words_and_no_more(agents: Agents) -> None:
    agents.talks(retry=AGAIN)
    agents.tell({"type": "hang_up", "reason": "error"})
    assert agents.call.state is State.QUEUED
    assert [type(each) for each in agents.call.attempts] == [Attempt]
    told = agents.tell({"type": "transcript", "turns": TURNS}, SPOKE, {"type": "hang_up"})
    assert told == [
        "applied",
        "user_spoke_means_nothing_while_queued",
        "agent_hangs_up_means_nothing_while_queued",
    ]
    assert (agents.call.state, agents.call.end_asked_at) == (State.QUEUED, None)


# --- what changes nothing --------------------------------------------------------------------------------------------


def test_the_same_request_again_changes_nothing(agents: Agents) -> None:
    agents.talks(voicemail_policy=VoicemailPolicy.LEAVE_MESSAGE)
    events = [
        READY,
        SPOKE,
        {"type": "voicemail", "why": "a beep"},
        {"type": "transfer", "to": "sales"},
        {"type": "transcript", "turns": TURNS},
        {"type": "usage", "usage": {"tokens": 3}},
    ]
    assert agents.tell(*events)[:5] == ["applied"] * 5
    before = agents.call
    agents.room.clock.move(1)
    assert agents.tell(*events) == [
        "ready_before",
        "spoke_before",
        "voicemail_before",
        "transferred_before",
        "transcript_kept_before",
        "transcript_kept_before",
    ]
    assert agents.call == before


def test_one_silence_told_again_and_again_is_one(agents: Agents) -> None:
    agents.talks()
    assert agents.tell({"type": "silence", "silent_s": 4}) == ["applied"]
    before = agents.call
    agents.room.clock.move(2)
    assert agents.tell({"type": "silence", "silent_s": 6}) == ["silent_before"]
    assert agents.call == before


def test_of_a_call_that_is_over_only_words_are_taken(agents: Agents) -> None:
    agents.talks()
    agents.leg_leaves()
    agents.room.clock.move(1800)
    over = agents.call
    events = [READY, SPOKE, {"type": "voicemail"}, {"type": "hang_up"}, {"type": "transfer"}]
    assert agents.tell(*events) == ["call_is_over"] * 5
    assert agents.call == over
    assert agents.telephony.ended_rooms == []
    assert agents.tell({"type": "transcript", "turns": TURNS}) == ["applied"]
    assert replace(agents.call, transcript_turns=0, transcript_kept=None, version=over.version) == over


def test_an_unknown_call_is_acknowledged_and_nothing_is_written(agents: Agents, local: LocalAws) -> None:
    token = call_token(replace(agents.talks(), account_id="acc_gone"), SECRET)
    before = local.items()
    status, body = agents.post(SPOKE, {"type": "transcript", "turns": TURNS}, {"type": "hang_up"}, token=token)
    assert (status, body["status"], body["voicemail_policy"]) == (200, None, None)
    assert {each["result"] for each in body["results"]} == {"unknown_call"}
    assert local.items() == before


def test_a_report_of_a_later_version_is_acknowledged_and_changes_nothing(agents: Agents) -> None:
    before = agents.talks()
    assert agents.tell({"type": "laughed", "how": "loud"}, SPOKE) == ["unknown_type", "applied"]
    assert agents.call.version == before.version + 1


def test_a_request_that_is_wrong_in_every_event_applies_none(agents: Agents) -> None:
    before = agents.talks()
    turns = [*TURNS, {"role": "user", "content": 7}]
    status, body = agents.post({"type": "silence"}, {"type": "transcript", "turns": turns})
    assert (status, body["code"]) == (422, "invalid_request")
    assert [each["field"] for each in body["errors"]] == ["events.0.silent_s", "events.1.turns.1.content"]
    assert agents.call == before


@pytest.mark.parametrize(
    ("body", "code"), [("", "body_not_an_object"), ("[]", "body_not_an_object"), ("{", "body_not_json")]
)
def test_a_body_that_is_no_object_is_told_so(agents: Agents, body: str, code: str) -> None:
    agents.talks()
    status, problem = agents.post(body=body)
    assert (status, problem["code"]) == (400, code)


def test_the_event_files_speak_without_a_proof(agents: Agents) -> None:
    for case in ("ready", "voicemail", "hang_up", "last_words"):
        answer = agents.function.lambda_handler(event_of("receive_agent_event", case), CONTEXT)
        assert answer["statusCode"] == 401


def test_a_hang_up_beside_words_that_nobody_can_read_is_carried_out(agents: Agents) -> None:
    agents.talks()
    words = {"type": "transcript", "turns": [{"role": "user", "content": 7}]}
    status, body = agents.post(words, {"type": "hang_up", "reason": "goodbye"})
    assert (status, body["status"], agents.call.end_reason) == (200, "completed", _R.AGENT_HUNG_UP)
    unreadable, hung_up = body["results"]
    assert (unreadable["type"], unreadable["result"]) == ("transcript", "unreadable")
    assert [each["field"] for each in unreadable["errors"]] == ["events.0.turns.0.content"]
    assert hung_up == {"type": "hang_up", "result": "applied"}


def test_turns_that_were_skipped_are_counted_in_the_answer(agents: Agents) -> None:
    agents.talks()
    history = [{"role": "system", "content": "Be kind."}, *TURNS, {"role": "tool", "content": None}]
    status, body = agents.post({"type": "transcript", "turns": history})
    assert (status, body["results"]) == (200, [{"type": "transcript", "result": "applied", "skipped_turns": 2}])
    assert agents.kept == Transcript(KEPT_TURNS)


def test_an_agent_that_reports_without_end_costs_no_write_after_a_while_and_still_hangs_up(
    agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_reports, "MOST_CHANGES", 12)
    agents.talks()
    for number in range(20):
        agents.room.clock.move(1)
        agents.tell({"type": "silence", "silent_s": number + 1} if number % 2 else SPOKE)
    assert agents.tell(SPOKE, {"type": "silence", "silent_s": 99}) == ["too_many_reports"] * 2
    assert agents.call.version == 12
    words = {"type": "transcript", "turns": TURNS, "final": True}
    assert agents.tell(words, {"type": "hang_up", "reason": "agent"}) == ["applied", "applied"]
    assert agents.kept is not None
