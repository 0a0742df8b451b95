"""The phone network does what the real LiveKit was recorded doing, trace by trace."""

import asyncio
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.phones.phone_network import a_lab
from tests.contract.replay.trace_differences import differences
from tests.contract.replay.trace_replay import Replay, prepare

type Trace = dict[str, Any]

TRACES = Path(__file__).parents[1] / "traces"
NAMES = sorted(path.stem for path in TRACES.glob("*.json"))
TIME_SCALE = 0.4  # the longest trace takes 36 s
STARTS_APART_S = 0.1


def a_trace(name: str) -> Trace:
    trace: Trace = json.loads((TRACES / f"{name}.json").read_text())
    return trace


async def _replay_all(names: list[str]) -> dict[str, Trace]:
    """Replays, one started shortly after the other, in one network. The longest goes first."""
    traces = sorted((a_trace(name) | {"name": name} for name in names), key=lambda each: -each["events"][-1]["t"])
    async with a_lab(TIME_SCALE) as lab:
        await prepare(lab)
        async with asyncio.TaskGroup() as group:
            tasks = []
            for trace in traces:
                tasks.append(group.create_task(Replay(lab, trace).run()))
                await asyncio.sleep(STARTS_APART_S)
        return {trace["name"]: task.result() for trace, task in zip(traces, tasks, strict=True)}


@pytest.fixture(scope="module")
def replays(request: pytest.FixtureRequest) -> dict[str, Trace]:
    """The replays of the traces whose tests were asked for, all played at once."""
    wanted = {
        str(item.callspec.params["name"])
        for item in request.session.items
        if item.path == request.path and isinstance(item, pytest.Function) and hasattr(item, "callspec")
        if "name" in item.callspec.params
    }
    return asyncio.run(_replay_all(sorted(wanted)))


@pytest.mark.parametrize("name", NAMES)
def test_the_phone_network_does_what_livekit_did(name: str, replays: dict[str, Trace]) -> None:
    found = differences(a_trace(name), replays[name])
    if found:
        # A machine that stands still for a moment while forty are played lengthens one's briefest states: what is wrong
        # with the network is wrong when the trace is played by itself, too.
        found = differences(a_trace(name), asyncio.run(_replay_all([name]))[name])
    assert found == []


def _webhook(trace: Trace, event: str) -> dict[str, Any]:
    return next(each for each in trace["events"] if each.get("body", {}).get("event") == event)


def _another_reason(trace: Trace) -> None:
    _webhook(trace, "participant_left")["body"]["participant"]["disconnectReason"] = "ROOM_CLOSED"


def _another_status(trace: Trace) -> None:
    _webhook(trace, "participant_left")["body"]["participant"]["attributes"]["sip.callStatus"] = "active"


def _another_sip_code(trace: Trace) -> None:
    answer = next(each for each in trace["events"] if each.get("method") == "CreateSIPParticipant" and "error" in each)
    answer["metadata"]["sip_status_code"] = "603"


def _a_field_too_many(trace: Trace) -> None:
    _webhook(trace, "participant_joined")["body"]["participant"]["region"] = "moon"


def _another_participant_left(trace: Trace) -> None:
    _webhook(trace, "participant_left")["body"]["participant"]["sid"] = "PA_somebodyelse"


def _one_webhook_less(trace: Trace) -> None:
    trace["events"].remove(_webhook(trace, "room_finished"))


def _left_too_late(trace: Trace) -> None:
    _webhook(trace, "participant_left")["t"] += 4.0


def _finished_before_it_started(trace: Trace) -> None:
    started, finished = _webhook(trace, "room_started"), _webhook(trace, "room_finished")
    started["t"], finished["t"] = finished["t"], started["t"]


def _never_rang(trace: Trace) -> None:
    for event in trace["events"]:
        for shown in event.get("now", {}).values():
            if shown["callStatus"] == "ringing":
                shown["callStatus"] = "dialing"


def _room_lives_on(trace: Trace) -> None:
    trace["events"][-1]["room_exists"] = True


@pytest.mark.parametrize(
    "falsify",
    [
        _another_reason,
        _another_status,
        _another_sip_code,
        _a_field_too_many,
        _another_participant_left,
        _one_webhook_less,
        _left_too_late,
        _finished_before_it_started,
        _never_rang,
        _room_lives_on,
    ],
)
def test_a_wrong_value_is_a_difference(falsify: Callable[[Trace], None]) -> None:
    trace = a_trace("busy-after-ringing")
    falsified = copy.deepcopy(trace)
    falsify(falsified)
    assert differences(trace, trace) == []
    assert differences(trace, falsified) != []
