"""What may stand in the body of a call: nothing that is left out without a word."""

import inspect
from typing import Any

import pytest
from unpod import AsyncClient
from unpod.models.call import Call

from ringline.calls.outbound.requests import ABOUT_ITS_OWNER, OTHER_NAMES, CreateCallRequest
from ringline.runtime.web.bodies import read_body
from ringline.runtime.web.problems import Problem

BODY = {"to_number": "+15550100200", "pipe_id": "PIPE_1"}


def read(**fields: Any) -> CreateCallRequest:
    return read_body(CreateCallRequest, BODY | fields)


def refused(**fields: Any) -> dict[str, str]:
    with pytest.raises(Problem) as problem:
        read(**fields)
    assert (problem.value.status, problem.value.code) == (422, "invalid_request")
    return {each.field: each.message for each in problem.value.errors}


@pytest.mark.parametrize(
    "field",
    [
        {"headers": {"X-Campaign": "7"}},
        {"dtmf": "1w2"},
        {"timezone": "Europe/Berlin"},
        {"calling_window": {"from": "09:00", "to": "18:00"}},
        {"ring_timeout": 20},
        {"trunk_id": "ST_2"},
        {"direction": "inbound"},
        {"voice_profile_id": "VP_1"},
        {"callback_url": "https://example.com"},
        {"headers": {}},
        {"dtmf": ""},
        {"timezone": False},
    ],
)
def test_what_is_not_known_is_refused_by_its_name(field: dict[str, Any]) -> None:
    assert refused(**field) == dict.fromkeys(field, "is not known here: nothing would be done about it")


def test_every_field_that_is_wrong_is_named_beside_those_that_are_not_known() -> None:
    assert set(refused(dtmf="1", headers={}, ring_timeout_s=1, retry={"max_attempts": 2, "until": "answered"})) == {
        "dtmf",
        "headers",
        "ring_timeout_s",
        "retry.until",
    }


@pytest.mark.parametrize(
    "field", [{"headers": None}, {"direction": "outbound"}, *({name: "x"} for name in sorted(ABOUT_ITS_OWNER))]
)
def test_what_changes_nothing_about_the_call_is_ignored(field: dict[str, Any]) -> None:
    assert read(**field) == read()


def test_the_sdks_other_names_are_its_own() -> None:
    other = {"user_number": "+15550100200", "agent": "front-desk"}
    asked = read_body(CreateCallRequest, other | {"to_number": None})
    assert (asked.to_number, asked.agent_id) == ("+15550100200", "front-desk")
    assert read(user_number="+15550100200").to_number == "+15550100200"
    assert set(refused(user_number="+15550100299")) == {"user_number"}
    assert set(refused(agent="a", agent_id="b")) == {"agent"}


def test_all_that_the_sdk_can_send_is_taken() -> None:
    parameters = set(
        inspect.signature(AsyncClient(api_key="sk_x", base_url="http://127.0.0.1:9").calls.create).parameters
    )
    assert parameters - {"self"} <= set(CreateCallRequest.model_fields) | set(OTHER_NAMES)
    assert set(Call.model_fields) >= ABOUT_ITS_OWNER
