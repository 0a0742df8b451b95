"""What a job is dispatched with, read."""

import json
from typing import Any

import pytest

from speech.worker.calls.dispatch import Dispatch, DispatchError


def told(**fields: Any) -> str:
    return json.dumps({"call_id": "SCL_1", "token": "t", "direction": "outbound", "to_number": "+1555"} | fields)


URLS = {"brain_url": "https://a/brain", "agent_events_url": "https://a/events"}


def test_the_urls_are_the_dispatchs_own_or_the_apis() -> None:
    own = Dispatch.read(told(**URLS), room_id="RM_1", ringline_url="https://api")
    assert (own.brain_url, own.events_url) == ("https://a/brain", "https://a/events")
    apis = Dispatch.read(told(agent_events_url=None), room_id="RM_1", ringline_url="https://api/")
    assert apis.brain_url == "https://api/v1/calls/SCL_1/brain"
    assert apis.events_url == "https://api/v1/calls/SCL_1/agent-events"


def test_the_call_is_known() -> None:
    dispatch = Dispatch.read(told(**URLS, leg_identity="leg", dispatch=2, data={"a": 1}), room_id="RM_1")
    assert (dispatch.facts.call_id, dispatch.facts.room_id, dispatch.facts.user_number) == ("SCL_1", "RM_1", "+1555")
    assert dispatch.facts.can_report == ("user_spoke", "silence", "voicemail", "transcript", "dtmf")
    assert dispatch.is_outbound and dispatch.number == 2 and dispatch.leg_identity == "leg"
    assert not Dispatch.read(told(**URLS, direction="inbound"), room_id="RM_1").is_outbound


def test_whether_somebody_was_there_before_is_the_control_planes_word() -> None:
    def was_answered(**fields: Any) -> bool:
        return Dispatch.read(told(**URLS, **fields), room_id="RM_1").was_answered

    assert not was_answered(dispatch=2, answered=False)
    assert was_answered(dispatch=2, answered=True)
    assert was_answered(dispatch=2) and not was_answered(dispatch=1), "as a release before tells"


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ("", "no JSON"),
        ("[]", "no object"),
        ("{}", "lacks call_id, token"),
        (told(token=""), "lacks token"),
        (told(), "lacks brain_url or agent_events_url"),
    ],
)
def test_what_is_not_ours_is_refused_without_showing_it(metadata: str, why: str) -> None:
    with pytest.raises(DispatchError, match=why):
        Dispatch.read(metadata, room_id="RM_1")
