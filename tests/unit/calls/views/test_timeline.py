"""A call's life as its record tells it."""

from ringline.calls.model.call import CarrierWords, Evidence, State
from ringline.calls.model.events import (
    AgentHangsUp,
    AgentReady,
    AgentSeen,
    Answered,
    CarrierEnded,
    CarrierFailed,
    CarrierForwarded,
    CarrierRang,
    Claimed,
    DialDeferred,
    DialNotSent,
    DialRefused,
    EndAsked,
    FoundOver,
    SilenceHeard,
    Transferred,
    UserSpoke,
    VoicemailHeard,
)
from ringline.calls.model.reasons import EndReason
from ringline.calls.model.retries import RetryPolicy
from ringline.calls.views.timeline import timeline
from ringline.runtime.clock import iso
from tests.builders import a_call, after, at


def test_an_ordinary_call_is_told_from_its_acceptance_to_its_end() -> None:
    left = Evidence(disconnect_reason="CLIENT_INITIATED", leg_left_at=at(59))
    told = timeline(a_call(State.ENDED, evidence=left))
    assert [moment["what"] for moment in told] == [
        "accepted",
        "dialed",
        "agent_joined",
        "answered",
        "leg_left",
        "ended",
    ]
    dialed = {"at": iso(at(1)), "what": "dialed", "attempt": 1, "dial": 1, "waited_for_line_s": 1.0}
    assert told[1] == dialed


def test_each_dial_is_told_with_what_became_of_it() -> None:
    call = after(
        a_call(State.QUEUED, retry=RetryPolicy(2, on=("USER_BUSY",), delays_s=(60,))),
        Claimed(at(1)),
        DialNotSent(at(2), 1, "no response from servers", "unavailable", 2),
        Claimed(at(4)),
        DialDeferred(at(5), 2, 503, "CPS limit exceeded", "failed_precondition", "INVITE failed", 2),
        Claimed(at(7)),
        DialRefused(at(8), 3, 486, "Busy Here", "resource_exhausted", "busy"),
        Claimed(at(68)),
        DialRefused(at(69), 4, 486, "Busy Here", "resource_exhausted", "busy"),
    )
    told = [(moment["what"], moment.get("dial"), moment.get("attempt")) for moment in timeline(call)]
    assert told == [
        ("accepted", None, None),
        ("not_sent", 1, None),
        ("deferred", 2, None),
        ("dialed", 3, 1),
        ("attempt_ended", 3, 1),
        ("dialed", 4, 2),
        ("ended", 4, 2),
    ]
    assert timeline(call)[2]["why"] == "CPS limit exceeded"
    assert timeline(call)[4] | {"at": ""} == {
        "at": "", "what": "attempt_ended", "attempt": 1, "dial": 3, "reason": "USER_BUSY", "sip_code": 486,
    }  # fmt: skip


def test_who_asked_for_the_end_is_told_before_the_end() -> None:
    told = timeline(after(a_call(State.QUEUED), EndAsked(at(9), EndReason.API_HUNG_UP)))
    assert [moment["what"] for moment in told] == ["accepted", "end_asked", "ended"]


def test_the_words_of_carrier_and_agent_stand_among_the_moments_of_the_call() -> None:
    call = after(
        a_call(State.DIALING),
        AgentReady(at(2), 1, ("user_spoke", "silence")),
        CarrierRang(at(3), 1),
        CarrierForwarded(at(4), 1, "+15550100999", False),
        Answered(at(6), 1, "PA_leg", "SCL_1", AgentSeen("PA_agent", at(1.5))),
        UserSpoke(at(7), 1),
        SilenceHeard(at(20), 1, 8),
        Transferred(at(21), 1, "+15550100888", False),
        AgentHangsUp(at(29), 1, EndReason.CALL_TRANSFERRED, "transferred to sales"),
        CarrierEnded(at(30), 1, "normal clearing"),
        FoundOver(at(32), 1),
    )
    of_it = {"attempt": 1, "dial": 1}
    told = timeline(call)
    assert [moment["what"] for moment in told] == [
        "accepted", "dialed", "agent_joined", "agent_ready", "ringing", "forwarded", "answered", "user_spoke",
        "silence_began", "transferred", "end_asked", "carrier_ended", "ended",
    ]  # fmt: skip
    by_name = {moment["what"]: moment for moment in told}
    assert by_name["agent_ready"] == of_it | {
        "at": iso(at(2)), "what": "agent_ready", "can_report": ["user_spoke", "silence"],
    }  # fmt: skip
    assert by_name["forwarded"] == of_it | {"at": iso(at(4)), "what": "forwarded", "to": "+15550100999"}
    assert by_name["silence_began"]["at"] == iso(at(12))
    assert by_name["transferred"]["to"] == "+15550100888"
    assert by_name["carrier_ended"]["cause"] == "normal clearing"
    assert by_name["end_asked"]["words"] == "transferred to sales"
    assert (by_name["ended"]["reason"], call.state) == ("CALL_TRANSFERRED", State.ENDED)


def test_a_voicemail_is_told_with_the_agents_words_and_a_failure_with_the_carriers() -> None:
    heard = after(a_call(State.ACTIVE), VoicemailHeard(at(9), 1, "a beep"))
    assert [moment["why"] for moment in timeline(heard) if moment["what"] == "voicemail_heard"] == ["a beep"]
    failed = after(a_call(State.DIALING), CarrierFailed(at(5), 1, 486, "Busy Here", "user busy"))
    (told,) = (moment for moment in timeline(failed) if moment["what"] == "carrier_failed")
    assert (told["sip_code"], told["cause"]) == (486, "user busy")
    forwarded = after(a_call(State.DIALING), CarrierForwarded(at(5), 1, None, True))
    (passed_on,) = (moment for moment in timeline(forwarded) if moment["what"] == "forwarded")
    assert passed_on["to_voicemail"] is True and "to" not in passed_on


def test_a_call_that_waited_for_its_line_says_for_how_long() -> None:
    call = after(a_call(State.QUEUED, eligible_at=at(2)), Claimed(at(40)))
    assert [moment.get("waited_for_line_s") for moment in timeline(call)] == [None, 38.0]
    early = after(a_call(State.QUEUED, eligible_at=at(2)), Claimed(at(1.9)))
    assert timeline(early)[1]["waited_for_line_s"] == 0


def test_an_end_that_was_another_legs_is_shown_as_one() -> None:
    call = a_call(State.ACTIVE, carrier=CarrierWords(ended_at=at(8), cause="busy", end_is_doubted=True))
    told = next(moment for moment in timeline(call) if moment["what"] == "carrier_ended")
    assert (told["cause"], told["of_another_leg"]) == ("busy", True)


def test_agents_that_were_sent_again_and_those_who_took_over_are_told() -> None:
    call = a_call(
        State.ACTIVE, dispatches=3, dispatched_at=at(5), agent_left_at=at(20), handed_over_at=at(26),
        other_left_at=at(50),
    )  # fmt: skip
    told = {moment["what"]: moment for moment in timeline(call)}
    assert told["agent_dispatched_again"]["dispatches"] == 3
    assert [what for what in told if what in {"agent_left", "handed_over", "other_left"}] == [
        "agent_left", "handed_over", "other_left",
    ]  # fmt: skip
