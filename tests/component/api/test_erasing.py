"""What is kept of a call is deleted where a customer asks for it, whatever comes late."""

import asyncio
import json
from copy import replace
from types import ModuleType
from typing import Any, cast

import pytest

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.facts.evidence import CarrierWords, Evidence
from ringline.calls.facts.reports import AgentReports
from ringline.calls.model.call import Call, Direction, Note, Recording, Speaker, State
from ringline.calls.model.events import ContentErased, RecordingSeen, TranscriptKept
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.timing import RECORDING_ENDS_S, RECORDING_SHOWS_S
from ringline.calls.model.transfers.transfer import Former, Target, TargetKind, TransferState
from ringline.calls.outcomes.outcome import AgentOutcome, Fit, KeptOutcome
from ringline.calls.outcomes.store import Outcomes
from ringline.calls.progress.progress import Progress
from ringline.calls.signals.agent_reports import HearAgent, Report
from ringline.calls.tables.inbound_rooms import InboundRooms, Opened
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.transcripts import MOST_IN_TABLE_BYTES, Transcript, Transcripts, Turn
from ringline.calls.tables.writes.days import called_row
from ringline.calls.views.payload import draft_of
from ringline.runtime import aws
from ringline.runtime.clock import now_ms
from ringline.webhooks.model.delivery import Attempt, Delivery, untried
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.tables.deliveries import DeliveryStore
from ringline.webhooks.tables.endpoints import EndpointStore
from ringline.webhooks.tables.events import EventStore
from tests.builders import NOW, a_call, a_transfer, moved, unmoved
from tests.component.calls_room import LOG
from tests.component.one_table import RECORDS_BUCKET, LocalAws, load_handler
from tests.fakes import CONTEXT, CountingDoorbell
from tests.sample_events import event_of
from tests.unit.webhooks.webhook_fakes import an_endpoint

ACCOUNT = "acct_demo"
CALL = "call_01JD5Z0000000000000000000A"
SECRET_WORDS = "my card is 4111"
ENDED = a_call(
    State.ENDED,
    account_id=ACCOUNT,
    instructions=f"ask for the card, and then {SECRET_WORDS} " * 20,
    data={"card": SECRET_WORDS},
    metadata={"name": "Ada"},
    end_reason=EndReason.USER_HUNG_UP_IN_CALL,
    transcript_turns=2,
    transcript_kept="table",
    recorded=Recording("EG_1", "ended", f"{ACCOUNT}/recordings/{CALL}-1.ogg", 12.0),
)


@pytest.fixture
def manage(local: LocalAws) -> ModuleType:
    AccountStore(local.dynamodb, local.table_name).create_account(Account(ACCOUNT, "Acme", "acme", 2))
    aws.s3().create_bucket(Bucket=RECORDS_BUCKET)
    nowhere = {"LIVEKIT_URL": "http://127.0.0.1:9", "LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "s" * 36}
    return load_handler("manage", {"DOORBELL_QUEUE_URL": local.queue_url, **nowhere})


def ask(manage: ModuleType, method: str, path: str) -> tuple[int, Any]:
    event = event_of("manage", "get_call")
    event["rawPath"] = path
    event["requestContext"]["http"] |= {"method": method, "path": path}
    answer = manage.lambda_handler(event, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


def erase(manage: ModuleType, call_id: str = CALL) -> tuple[int, Any]:
    return ask(manage, "DELETE", f"/v1/calls/{call_id}/content")


def keep_everything(local: LocalAws) -> None:
    """A call that is over, with all that can be kept of one."""
    CallStore(local.dynamodb, local.table_name, asked_apart=True).create(ENDED)
    transcripts = Transcripts(local.dynamodb, local.table_name, aws.s3, RECORDS_BUCKET)
    long = tuple(Turn("user", SECRET_WORDS * 100) for _ in range(MOST_IN_TABLE_BYTES // 1000))
    transcripts.keep(ENDED, Transcript((Turn("user", SECRET_WORDS),)))
    transcripts.keep(ENDED, Transcript(long, summary=SECRET_WORDS))
    aws.s3().put_object(Bucket=RECORDS_BUCKET, Key=f"{ACCOUNT}/recordings/{CALL}-1.ogg", Body=b"...")
    outcome = KeptOutcome(1, AgentOutcome("card", {"number": SECRET_WORDS}, None, None), NOW, None, Fit.OK, None)
    Outcomes(local.dynamodb, local.table_name).keep(ACCOUNT, CALL, outcome)
    events = EventStore(local.dynamodb, local.table_name)
    events.append(draft_of(EventType.CALL_ENDED, ENDED, 1))
    for event_type in (EventType.RECORDING_READY, EventType.TRANSCRIPT_READY):
        events.append(draft_of(event_type, ENDED, ENDED.version))


def files() -> list[str]:
    listed = aws.s3().list_objects_v2(Bucket=RECORDS_BUCKET, Prefix=f"{ACCOUNT}/")
    return [each["Key"] for each in listed.get("Contents", ())]


def test_all_that_was_said_and_recorded_is_gone_and_the_receipt_says_how_much_it_was(
    local: LocalAws, manage: ModuleType
) -> None:
    keep_everything(local)
    status, receipt = erase(manage)
    kept = {name: receipt[name] for name in ("transcripts", "recordings", "outcomes", "events")}
    assert (status, kept) == (200, {"transcripts": 2, "recordings": 1, "outcomes": 1, "events": 3})
    assert files() == []
    assert SECRET_WORDS not in str(local.items()) and "Ada" not in str(local.items())
    assert not [item for item in local.items() if item["pk"].endswith("#ASKED")]
    events = EventStore(local.dynamodb, local.table_name).page(ACCOUNT, 0, 10)
    assert [event.data for event in events] == [{"call_id": CALL, "content_erased": True}] * 3
    assert [event.body["type"] for event in events] == ["call.ended", "recording.ready", "transcript.ready"]


@pytest.fixture
def echoed(local: LocalAws) -> Delivery:
    """An endpoint that refused the call's end, and sent back what it was sent."""
    keep_everything(local)
    EndpointStore(local.dynamodb, local.table_name).add(ACCOUNT, an_endpoint())
    (event,) = EventStore(local.dynamodb, local.table_name).page(ACCOUNT, 0, 1)
    refused = Attempt(NOW, 40, status_code=422, answer=f"what is {SECRET_WORDS}?")
    delivery = replace(untried(event, "ep_1", "call_end"), attempts=(refused, refused), attempt_count=2)
    assert DeliveryStore(local.dynamodb, local.table_name).record_failed(delivery, 0, NOW)
    return delivery


def test_what_a_receiver_echoed_of_the_call_is_gone_with_it(
    local: LocalAws, manage: ModuleType, echoed: Delivery
) -> None:
    assert erase(manage)[0] == 200
    assert SECRET_WORDS not in str(local.items())
    kept = DeliveryStore(local.dynamodb, local.table_name).delivery(echoed.id)
    assert kept == replace(echoed, attempts=(Attempt(NOW, 40, status_code=422),) * 2)


def test_what_a_receiver_echoed_is_gone_when_it_is_asked_again_after_a_death(
    local: LocalAws, manage: ModuleType, echoed: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr("ringline.webhooks.tables.erasing.rows_at", _dies_at)
        assert erase(manage)[0] == 500
    assert SECRET_WORDS in str(local.items())
    assert erase(manage)[0] == 200
    assert SECRET_WORDS not in str(local.items())


def _dies_at(*_named: Any) -> None:
    raise RuntimeError("the function is gone")


def test_that_the_call_took_place_stays(local: LocalAws, manage: ModuleType) -> None:
    keep_everything(local)
    erase(manage)
    status, shown = ask(manage, "GET", f"/v1/calls/{CALL}")
    assert (status, shown["end_reason"], shown["to_number"]) == (200, "USER_HUNG_UP_IN_CALL", ENDED.to_number)
    assert (shown["instructions"], shown["data"], shown["metadata"]) == (None, {}, {})
    assert (shown["transcript_turns"], shown["recording_url"]) == (0, None)
    assert shown["content_erased_at"] is not None


def test_asking_again_completes_what_broke_off(
    local: LocalAws, manage: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_everything(local)
    with monkeypatch.context() as dying:
        dying.setattr(aws.s3(), "delete_object", _dies)
        assert erase(manage)[0] == 500
    assert len(files()) == 2
    status, receipt = erase(manage)
    assert (status, files()) == (200, [])
    assert erase(manage)[1]["content_erased_at"] == receipt["content_erased_at"]


def _dies(**_asked: Any) -> None:
    raise RuntimeError("the function is gone")


def test_a_call_that_is_not_over_keeps_everything(local: LocalAws, manage: ModuleType) -> None:
    CallStore(local.dynamodb, local.table_name).create(a_call(State.ACTIVE, account_id=ACCOUNT, data={"a": 1}))
    status, problem = erase(manage)
    assert (status, problem["code"]) == (409, "call_not_over")
    assert ask(manage, "GET", f"/v1/calls/{CALL}")[1]["data"] == {"a": 1}


RUNNING = Recording("EG_1", "started", f"{ACCOUNT}/recordings/{CALL}-1.ogg", None)


@pytest.mark.parametrize(
    ("recorded", "over_for_s", "status"),
    [
        pytest.param(RUNNING, 60, 409, id="being written"),
        pytest.param(RUNNING, RECORDING_ENDS_S + 1, 200, id="nobody ever said that it was finished"),
        pytest.param(None, 60, 409, id="nobody has said yet that it began"),
        pytest.param(None, RECORDING_SHOWS_S + 1, 200, id="it never began"),
    ],
)
def test_a_file_that_may_still_be_written_is_waited_for(
    local: LocalAws, manage: ModuleType, recorded: Recording | None, over_for_s: int, status: int
) -> None:
    over(local, CALL, recording=True, recorded=recorded, ended_at=now_ms() - over_for_s * 1000)
    answered, body = erase(manage)
    assert answered == status
    assert body.get("code") == ("recording_not_finished" if status == 409 else None)


def test_a_call_whose_recording_was_paused_when_it_ended_waits_for_no_file(local: LocalAws, manage: ModuleType) -> None:
    over(local, CALL, recording=True, recording_paused_at=NOW, ended_at=now_ms())
    assert erase(manage)[0] == 200


def test_a_call_that_was_erased_is_erased_again_at_once(local: LocalAws, manage: ModuleType) -> None:
    """Whoever died over the files asks again, and who forgets the number afterwards need not wait either."""
    over(local, CALL, recording=True, recorded=ENDED.recorded, ended_at=now_ms(), to_number=PERSON)
    assert [erase(manage)[0] for _ in range(2)] == [200, 200]
    assert forget(manage, number=PERSON)[1]["left"] == []


def test_what_was_said_in_passing_goes_with_the_content(local: LocalAws, manage: ModuleType) -> None:
    announced = a_transfer(announcement=SECRET_WORDS, state=TransferState.FAILED, ended_at=NOW)
    notes = (Note(NOW, f"dial_1_recording_paused: {SECRET_WORDS}"), Note(NOW, "dial_1_no_agent"))
    over(local, CALL, transfers=(announced,), notes=notes)
    assert erase(manage)[0] == 200
    assert SECRET_WORDS not in str(local.items())
    call = CallStore(local.dynamodb, local.table_name).get(ACCOUNT, CALL)
    assert call is not None
    assert [note.what for note in call.notes] == ["dial_1_recording_paused", "dial_1_no_agent"]


def test_another_accounts_call_is_not_found(local: LocalAws, manage: ModuleType) -> None:
    CallStore(local.dynamodb, local.table_name).create(
        a_call(State.ENDED, account_id="acct_other", end_reason=EndReason.USER_HUNG_UP_IN_CALL, data={"a": 1})
    )
    assert erase(manage)[1]["code"] == "call_not_found"
    other = CallStore(local.dynamodb, local.table_name).get("acct_other", CALL)
    assert other is not None and other.data == {"a": 1}


PERSON, ANOTHER = "+15550100200", "+15550100300"


def over(local: LocalAws, call_id: str, **fields: Any) -> None:
    CallStore(local.dynamodb, local.table_name).create(_over(call_id, **fields))


def _over(call_id: str, **fields: Any) -> Call:
    return a_call(State.ENDED, account_id=ACCOUNT, call_id=call_id, end_reason=EndReason.USER_HUNG_UP_IN_CALL, **fields)


def forget(manage: ModuleType, **asked: Any) -> tuple[int, Any]:
    event = event_of("manage", "get_call")
    event["rawPath"] = event["requestContext"]["http"]["path"] = "/v1/erasures"
    event["requestContext"]["http"]["method"] = "POST"
    event["body"] = json.dumps(asked)
    answer = manage.lambda_handler(event, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


def test_a_persons_number_is_erased_from_every_call_with_what_was_said(local: LocalAws, manage: ModuleType) -> None:
    for number in range(25):
        over(local, f"call_out{number:02d}", to_number=PERSON, data={"card": SECRET_WORDS})
    note = Note(NOW, f"fell_back: {PERSON}")
    left_at = now_ms() - 3_600_000
    in_room: dict[str, Any] = {
        "inbound_room": f"call-_{PERSON}_x",
        "caller_identity": f"sip_{PERSON}",
        "from_number": PERSON,
    }
    in_room |= {"ended_at": left_at, "created_at": left_at}
    over(local, "call_in1", to_number=ANOTHER, direction=Direction.INBOUND, notes=(note,), **in_room)
    person, agent = Target(TargetKind.NUMBER, PERSON), Target(TargetKind.AGENT, "front-desk")
    handed_over = a_transfer(target=agent, fallback=(person,), former=Former(transferred_to=PERSON, transferred_at=NOW))
    over(local, "call_in2", to_number=ANOTHER, from_number=PERSON, transfers=(handed_over, a_transfer(target=person)))
    local.dynamodb.put_item(
        TableName=local.table_name, Item=called_row(a_call(account_id=ACCOUNT, to_number=PERSON, call_id="call_out00"))
    )
    over(local, "call_other", to_number=ANOTHER, data={"kept": "yes"})
    counts, cursor = 0, None
    while True:
        status, receipt = forget(manage, number=PERSON, **({} if cursor is None else {"cursor": cursor}))
        assert (status, receipt["left"]) == (200, [])
        counts, cursor = counts + receipt["calls"], receipt["next_cursor"]
        if cursor is None:
            break
    assert counts == 27
    everything = str(local.items())
    assert PERSON.removeprefix("+") not in everything and SECRET_WORDS not in everything
    other = CallStore(local.dynamodb, local.table_name).get(ACCOUNT, "call_other")
    assert other is not None and (other.to_number, other.data) == (ANOTHER, {"kept": "yes"})
    assert forget(manage, number=PERSON)[1]["calls"] == 0


def test_a_call_that_goes_on_is_named_and_erased_when_it_is_over(local: LocalAws, manage: ModuleType) -> None:
    CallStore(local.dynamodb, local.table_name).create(a_call(State.ACTIVE, account_id=ACCOUNT, to_number=PERSON))
    _, receipt = forget(manage, number=PERSON)
    assert (receipt["calls"], receipt["left"]) == (0, [CALL])


def left_room(local: LocalAws, seconds_ago: int, **fields: Any) -> Call:
    """A caller who came, was asked about, and left."""
    moment = now_ms() - seconds_ago * 1000
    moments = {"created_at": moment, "ended_at": moment}
    room = {"inbound_room": f"in_{PERSON}_x", "caller_identity": f"sip_{PERSON}", "from_number": PERSON}
    call = _over("call_in1", direction=Direction.INBOUND, to_number=ANOTHER, **moments, **room, **fields)
    rooms = InboundRooms(local.dynamodb, local.table_name)
    assert rooms.open(call) is Opened.OPENED and rooms.notes_question(call)
    return call


def test_the_room_of_a_caller_who_is_forgotten_is_forgotten_too(local: LocalAws, manage: ModuleType) -> None:
    left_room(local, 3600)
    assert [forget(manage, number=PERSON, cursor="from:")[1][name] for name in ("calls", "left")] == [1, []]
    assert PERSON.removeprefix("+") not in str(local.items())


def test_the_room_of_a_caller_that_is_the_next_ones_by_now_stays(local: LocalAws, manage: ModuleType) -> None:
    left = left_room(local, 3600, sip_call_id="SCL_1")
    again = replace(left, call_id="call_in2", state=State.ACTIVE, end_reason=None, ended_at=None, sip_call_id="SCL_2")
    assert InboundRooms(local.dynamodb, local.table_name).open(again) is Opened.OPENED
    assert forget(manage, number=PERSON, cursor="from:")[1]["left"] == ["call_in2"]
    tenant = InboundRooms(local.dynamodb, local.table_name).tenant(left.inbound_room or "")
    assert tenant is not None and tenant.attempt_id.call_id == "call_in2"


def test_a_caller_who_left_just_now_is_forgotten_when_nobody_tells_of_them_any_more(
    local: LocalAws, manage: ModuleType
) -> None:
    left_room(local, 1)
    receipt = forget(manage, number=PERSON, cursor="from:")[1]
    assert (receipt["calls"], receipt["left"]) == (0, ["call_in1"])


BARE = PERSON.removeprefix("+")


@pytest.mark.parametrize("asked", [PERSON, BARE])
def test_a_caller_whose_country_nobody_could_tell_is_found_by_their_digits(
    local: LocalAws, manage: ModuleType, asked: str
) -> None:
    over(local, "call_in1", to_number=ANOTHER, direction=Direction.INBOUND, from_number=BARE)
    status, receipt = forget(manage, number=asked, cursor="from:")
    assert (status, receipt["calls"]) == (200, 1)
    assert BARE not in str(local.items())


def test_a_number_is_taken_out_of_what_the_carrier_and_the_agent_said() -> None:
    told = _over(
        "call_out1",
        to_number=ANOTHER,
        carrier=CarrierWords(forwarded_to=f"<sip:{PERSON}@sbc.example;user=phone>", cause=f"moved to {BARE}"),
        evidence=Evidence(sip_status=f"Forward to 00{BARE}", twirp_message=f"sip:%2B{BARE}@sbc: busy"),
        reports=AgentReports(voicemail_why=f"you have reached {PERSON}", hung_up_for=f"wants 011{BARE} instead"),
        notes=(Note(NOW, f"fell_back: {PERSON}"), Note(NOW, f"listener_removed: 9{BARE}9")),
    )
    kept = moved(told, ContentErased(NOW, PERSON))
    assert kept.carrier == CarrierWords(forwarded_to="<sip:erased@sbc.example;user=phone>", cause="moved to erased")
    assert kept.evidence == Evidence(sip_status="Forward to erased", twirp_message="sip:%2Berased@sbc: busy")
    assert kept.reports == AgentReports(voicemail_why="you have reached erased", hung_up_for="wants erased instead")
    assert [note.what for note in kept.notes] == ["fell_back: erased", f"listener_removed: 9{BARE}9"]


@pytest.mark.parametrize("turns", [1, MOST_IN_TABLE_BYTES // 1000])
def test_what_an_agent_tells_while_its_call_is_erased_is_not_kept(
    local: LocalAws, manage: ModuleType, turns: int
) -> None:
    keep_everything(local)
    store = CallStore(local.dynamodb, local.table_name)
    transcripts = Transcripts(local.dynamodb, local.table_name, aws.s3, RECORDS_BUCKET)
    progress = Progress(store, CountingDoorbell(), now_ms, LOG)

    class ErasedMeanwhile:
        def keep(self, *asked: Any) -> Any:
            assert erase(manage)[0] == 200
            return transcripts.keep(*asked)

        forget = staticmethod(transcripts.forget)

    agent: Any = dict.fromkeys(("outcomes", "telephony", "looks"))
    hear = HearAgent(store, progress, cast(Transcripts, ErasedMeanwhile()), **agent, clock=now_ms, log=LOG)
    said = Transcript(tuple(Turn("user", SECRET_WORDS * 100) for _ in range(turns)))
    heard = asyncio.run(hear.run(Speaker(ACCOUNT, CALL, 1), [Report("transcript", transcript=said)]))
    assert heard.results == ("content_erased",)
    assert files() == [] and SECRET_WORDS not in str(local.items())


def test_an_outcome_that_was_told_while_its_call_was_erased_is_not_shown(local: LocalAws, manage: ModuleType) -> None:
    keep_everything(local)
    assert erase(manage)[0] == 200
    outcome = KeptOutcome(1, AgentOutcome("card", {"number": SECRET_WORDS}, None, None), NOW, None, Fit.OK, None)
    Outcomes(local.dynamodb, local.table_name).keep(ACCOUNT, CALL, outcome)
    assert ask(manage, "GET", f"/v1/calls/{CALL}/analytics")[1]["data"] == []
    assert ask(manage, "GET", f"/v1/sessions/{ACCOUNT}.{CALL}.1/analytics")[1]["data"] == []
    assert ask(manage, "GET", f"/v1/calls/{CALL}")[1]["analytics"] == []


def test_what_is_no_number_is_refused(manage: ModuleType) -> None:
    status, problem = forget(manage, number="12")
    assert (status, problem["errors"][0]["field"]) == (422, "number")


@pytest.mark.parametrize("cursor", ["from", "to:nonsense", "x:abc"])
def test_a_cursor_of_somebody_elses_is_refused(manage: ModuleType, cursor: str) -> None:
    status, problem = forget(manage, number=PERSON, cursor=cursor)
    assert (status, problem["errors"][0]["field"]) == (422, "cursor")


def test_what_comes_late_is_not_kept() -> None:
    erased = moved(ENDED, ContentErased(NOW))
    assert unmoved(erased, TranscriptKept(NOW, 1, 9, "table")).why == "content_erased"
    late = RecordingSeen(NOW, 1, "EG_2", "ended", f"{ACCOUNT}/recordings/{CALL}-1.ogg", 3.0)
    assert unmoved(erased, late).why == "content_erased"
