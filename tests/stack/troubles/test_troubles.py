"""Whatever goes wrong between us, LiveKit and the phone: the call ends as it really did, rings once, gives its line
back and is told of once.

Nobody here runs the sweep by hand: what it mends, it mends in its own minute. All calls of this module are in trouble
at the same time, so that they wait for it together.
"""

import asyncio
from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest
from aiohttp import web

from local.stack.record import Stack
from local.trips.webhook_listener import Listener
from tests.stack.callers import eventually, phones
from tests.stack.troubles.troubled_calls import (
    SWEPT_WITHIN_S,
    Ending,
    TroubledCall,
    TroubledCalls,
    right_ending,
    troubled_calls,
)

MENDED_WITHIN_S = 90
"""The promise: from a deadline that nobody else keeps to the end of the call."""

_TALKS = {"rings_after_s": 0.2, "answers_after_s": 1.0, "hangs_up_after_s": 3.0}
_STAYS_ON = {**_TALKS, "hangs_up_after_s": None}
_RINGS_OUT = {**_TALKS, "answers_after_s": None}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What the phone and the lines to it do, what is asked for, and how the call must end. `faults` strike its room
    once it has been dialled."""

    does: Mapping[str, Any]
    status: str
    end_reason: str
    asks: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Mapping[str, Any], ...] = ()
    invites: int = 1


_HUNG_UP = ("completed", "USER_HUNG_UP_IN_CALL")
_NOT_PICKED_UP = ("failed", "USER_DID_NOT_PICK_UP")
_IDLE = ("completed", "IDLE_TIMEOUT")
_CUT_OFF = ("completed", "CONNECTION_LOST")
_EXPIRED = ("failed", "EXPIRED_IN_QUEUE")
_BRIEFLY = {"ring_timeout_s": 5}
_FULL = {"sip_code": 503, "text": "concurrent call limit exceeded"}

# In the order in which they begin: first those that only a sweep ends, last the one that rings after a while.
TROUBLES = {
    "the webhooks of the end are lost": Trouble({**_TALKS, "hooks": "last_lost"}, *_IDLE),
    "every webhook is lost": Trouble({**_TALKS, "hooks": "all_lost"}, *_IDLE),
    "the SIP bridge is killed in the call": Trouble(
        {**_STAYS_ON, "line": "bridge_dies_active"}, "completed", "CONNECTION_LOST"
    ),
    "the agent crashes": Trouble({**_STAYS_ON, "agent": {"deed": "crash", "after_s": 1}}, "completed", "AGENT_FAILED"),
    "the dial's connection drops and the phone answers": Trouble({**_TALKS, "dial": "connection_dropped"}, *_HUNG_UP),
    "the dial's connection drops and the phone rings out": Trouble(
        {**_RINGS_OUT, "dial": "connection_dropped"}, *_NOT_PICKED_UP, _BRIEFLY
    ),
    "the dial is answered with 502 and the phone answers": Trouble({**_TALKS, "dial": "bad_gateway"}, *_HUNG_UP),
    # The dial's request gives up after 10 s, the phone talks until 14 s.
    "the dial times out and the phone answers": Trouble(
        {**_TALKS, "hangs_up_after_s": 13, "dial": "hangs"}, *_HUNG_UP, _BRIEFLY
    ),
    "the dial times out and the phone rings out": Trouble({**_RINGS_OUT, "dial": "hangs"}, *_NOT_PICKED_UP, _BRIEFLY),
    "every webhook comes twice": Trouble({**_TALKS, "hooks": "doubled"}, *_HUNG_UP),
    "webhooks overtake each other": Trouble({**_TALKS, "hooks": "reordered"}, *_HUNG_UP),
    "every webhook is late": Trouble({**_TALKS, "hooks": "late"}, *_HUNG_UP),
    "the SIP bridge is killed while the phone rings": Trouble(
        {**_RINGS_OUT, "line": "bridge_dies_ringing"}, "failed", "DIAL_STATE_UNKNOWN", _BRIEFLY
    ),
    # We close the room, and the leg's leaving says so: nobody's agent has hung up.
    "the SIP bridge is killed while the phone rings, and LiveKit's word that the room is closed gets lost": Trouble(
        {**_RINGS_OUT, "line": "bridge_dies_ringing"},
        "failed",
        "DIAL_STATE_UNKNOWN",
        _BRIEFLY,
        ({"kind": "drop_api_answer", "names": ["DeleteRoom"], "times": 1},),
    ),
    "the agent leaves": Trouble({**_STAYS_ON, "agent": {"deed": "leave", "after_s": 1}}, "completed", "AGENT_FAILED"),
    "the carrier finds us too fast, twice": Trouble(
        {**_TALKS, "refusal": {"sip_code": 503, "text": "cps limit exceeded"}, "refuses_times": 2}, *_HUNG_UP, invites=3
    ),
    "no agent comes to a phone that rings without one": Trouble(
        {**_STAYS_ON, "agent": {"deed": "absent"}}, "failed", "AGENT_DID_NOT_JOIN", {"agent_first": False}
    ),
    "there is no SIP bridge at first": Trouble({**_TALKS, "dial": "no_bridge_at_first"}, *_HUNG_UP),
}
_FULL_CARRIER = "the carrier has no room for the call until it expires"
_LOST_HANG_UPS = ("the webhooks of the end are lost", "every webhook is lost")


@dataclass(frozen=True, slots=True)
class Followed:
    """A call followed to its end. `mended_after_s` is from the end of its leg to the customer's call_end."""

    call: TroubledCall
    ending: Ending
    mended_after_s: float


type Outcomes = Mapping[str, Followed | BaseException]


@pytest.fixture(scope="module")
def outcomes(stack: Stack) -> Outcomes:
    """Every call of this module, side by side, from its creation until nothing is left to tell of it."""
    return asyncio.run(_follow_all(stack))


async def _follow_all(stack: Stack) -> Outcomes:
    async with troubled_calls(stack) as calls:
        # First, while no other call has a dialer: the process that is killed may dial for several.
        placed = await _calls_whose_dialer_is_killed(stack, calls)
        works = {name: asyncio.create_task(_lived_through(name, call)) for name, call in placed.items()}
        # Those that take longest begin; all others wait for them in the end.
        expires_at = (datetime.now(UTC) + timedelta(seconds=20)).isoformat()
        full_carrier = Trouble({"rings_after_s": None, "refusal": _FULL}, *_EXPIRED, {"expires_at": expires_at})
        slow_server = Trouble(_TALKS, *_HUNG_UP)
        for name, trouble in {_FULL_CARRIER: full_carrier, _SLOW_SERVER: slow_server, **TROUBLES}.items():
            listener = _SlowListener() if name == _SLOW_SERVER else None
            placed[name] = await calls.place(trouble.does, listener, **trouble.asks)
            works[name] = asyncio.create_task(_lived_through(name, placed[name]))
            # One after the other: a dialer's process that is started for each at once would keep all of them waiting.
            room = (await placed[name].phone())["room"]
            for fault in trouble.faults:
                await phones(stack, "POST", "faults", {**fault, "room": room})
        failures = dict(zip(works, await asyncio.gather(*works.values(), return_exceptions=True), strict=True))
        await calls.come_to_rest()
        return {name: failures[name] or await _followed(call) for name, call in placed.items()}


async def _lived_through(name: str, call: TroubledCall) -> None:
    if name == _KILLED_THEN_ANSWERED:
        await call.hears("call_active", within_s=SWEPT_WITHIN_S)
        await phones(call.stack, "POST", f"calls/{(await call.phone())['id']}/hangup")
    await call.hears("call_end", within_s=SWEPT_WITHIN_S)


async def _followed(call: TroubledCall) -> Followed:
    left_at = (await call.phone())["ended_at"]
    return Followed(call, await call.ending(), await call.hears("call_end") - left_at)


def _outcome(outcomes: Outcomes, name: str) -> Followed:
    outcome = outcomes[name]
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


@pytest.mark.parametrize("name", TROUBLES)
def test_a_call_in_trouble_ends_as_it_really_did(outcomes: Outcomes, name: str) -> None:
    trouble = TROUBLES[name]
    right = replace(right_ending(trouble.status, trouble.end_reason), invites=trouble.invites)
    assert _outcome(outcomes, name).ending == right


@pytest.mark.parametrize("name", _LOST_HANG_UPS)
def test_a_lost_hang_up_is_mended_within_90_s(outcomes: Outcomes, name: str) -> None:
    after_s = _outcome(outcomes, name).mended_after_s
    print(f"{name}: told {after_s:.1f} s after the leg's end")
    assert after_s <= MENDED_WITHIN_S


def test_a_call_that_its_carrier_has_no_room_for_expires_in_the_queue(outcomes: Outcomes) -> None:
    full = _outcome(outcomes, _FULL_CARRIER)
    assert full.ending == replace(right_ending(*_EXPIRED), invites=full.ending.invites)
    assert full.ending.invites >= 2


# --- the dialer dies -------------------------------------------------------------------------------------------------

_KILLED_THEN_ANSWERED = "the dialer is killed, then the phone answers"
_KILLED_THEN_RUNG_OUT = "the dialer is killed, then the phone rings out"
_KILLED_THEN_DECLINED = "the dialer is killed, then the phone declines"


async def _calls_whose_dialer_is_killed(stack: Stack, calls: TroubledCalls) -> dict[str, TroubledCall]:
    manners: dict[str, Mapping[str, Any]] = {
        _KILLED_THEN_ANSWERED: {**_STAYS_ON, "answers_after_s": 5.0},
        _KILLED_THEN_RUNG_OUT: _RINGS_OUT,
        _KILLED_THEN_DECLINED: {"refusal": 603, "refuses_after_s": 5.0},
    }
    placed = {}
    for name, does in manners.items():
        call = placed[name] = await calls.place(does, ring_timeout_s=8)
        await eventually(call.rings)
        assert _kill_dialers(stack) == 1
        phone = await call.phone()
        assert (phone["answered_at"], phone["ended_at"]) == (None, None), "killed while it rang"
    return placed


def _kill_dialers(stack: Stack) -> int:
    """Kills each process of the stack's dialer that has a request to LiveKit under way. Returns how many."""
    port = int(stack.livekit_url.rpartition(":")[2])
    killed = 0
    for process in psutil.process_iter():
        try:
            if process.environ().get("AWS_LAMBDA_FUNCTION_NAME") != stack.functions["DialNextFunction"]:
                continue
            if any(each.raddr and each.raddr.port == port for each in process.net_connections("tcp")):
                process.kill()
                killed += 1
        except psutil.Error:
            continue  # it has just ended, or it is not one of ours
    return killed


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        (_KILLED_THEN_ANSWERED, right_ending(*_HUNG_UP)),
        (_KILLED_THEN_RUNG_OUT, right_ending(*_NOT_PICKED_UP)),
        (_KILLED_THEN_DECLINED, right_ending("failed", "USER_HUNG_UP_RINGING")),
    ],
)
def test_a_call_whose_dialer_was_killed_while_it_rang_ends_as_it_really_did(
    outcomes: Outcomes, name: str, ending: Ending
) -> None:
    assert _outcome(outcomes, name).ending == ending


# --- the customer's server is slow -----------------------------------------------------------------------------------

_SLOW_SERVER = "the customer's server is slow"


class _SlowListener(Listener):
    """Answers the first try of each webhook only after 12 s, when the delivery has long given up, and the next at
    once."""

    def __init__(self) -> None:
        super().__init__()
        self._begun: set[str] = set()

    async def take(self, request: web.Request) -> web.Response:
        is_first_try = request.headers["webhook-id"] not in self._begun
        self._begun.add(request.headers["webhook-id"])
        answer = await super().take(request)
        if is_first_try:
            await asyncio.sleep(12)
        return answer


def test_a_slow_webhook_server_is_told_again_of_the_same_end_and_holds_up_nobody_else(outcomes: Outcomes) -> None:
    slow = _outcome(outcomes, _SLOW_SERVER)
    ends = [(at, got.webhook_id) for at, got in slow.call.heard if got.event_type == "call_end"]
    assert slow.ending == Ending(*_HUNG_UP, told=("USER_HUNG_UP_IN_CALL",) * 2)
    assert len({webhook_id for _, webhook_id in ends}) == 1
    first, second = (at for at, _ in ends)
    others = [each for each in outcomes.values() if isinstance(each, Followed) and each is not slow]
    meanwhile = [at for other in others for at, got in other.call.heard if first < at < second]
    assert len(meanwhile) > 1, "others were told of their calls while this server kept us waiting"
