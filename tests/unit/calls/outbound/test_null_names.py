"""A field that is null is as if it was not sent: also under the other name that the SDK has for it."""

import pytest

from ringline.calls.outbound.requests import CreateCallRequest


@pytest.mark.parametrize(
    "body",
    [
        {"to_number": "+15550100777", "agent_id": "a", "agent": None},
        {"to_number": "+15550100777", "user_number": None, "agent_id": "a"},
        {"to_number": None, "user_number": "+15550100777", "agent": "a", "agent_id": None},
    ],
)
def test_a_null_beside_the_other_name_asks_for_nothing(body: dict[str, str | None]) -> None:
    asked = CreateCallRequest.model_validate(body)
    assert (asked.to_number, asked.agent_id) == ("+15550100777", "a")
