"""Attaching a number through the API: which number is meant, where the path and the body each name one."""

import pytest

from ringline.routing.records import Number
from ringline.trunking.model.lines import CarrierTrunk
from tests.component.setup.api import ACCOUNT, SetupApi

NUMBER, ANOTHER = "+14155550101", "+14155550102"


@pytest.fixture
def two_numbers(api: SetupApi) -> SetupApi:
    for agent_id in ("desk", "sales"):
        api.made("/v1/agents", {"agent_id": agent_id, "brain": {"type": "runner"}})
    for number_id, number in (("num_1", NUMBER), ("num_2", ANOTHER)):
        api.rows.put_number(ACCOUNT, Number(number=number, number_id=number_id))
    return api


def takers(api: SetupApi) -> list[str | None]:
    return [api.ask("GET", f"/v1/numbers/{each}").body["agent_id"] for each in ("num_1", "num_2")]


@pytest.mark.parametrize("named", ["num_1", NUMBER, NUMBER.removeprefix("+"), "+14155550199"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_body_that_names_another_number_than_its_path_is_refused(
    two_numbers: SetupApi, method: str, named: str
) -> None:
    refused = two_numbers.ask(method, f"/v1/numbers/{named}/attach", {"agent_id": "desk", "number": ANOTHER})
    assert (refused.status, refused.fields) == (422, ["number"])
    assert takers(two_numbers) == [None, None]


def test_the_same_number_may_be_said_twice(two_numbers: SetupApi) -> None:
    attached = two_numbers.ask("POST", "/v1/numbers/num_1/attach", {"agent_id": "desk", "number": NUMBER})
    assert (attached.status, takers(two_numbers)) == (200, ["desk", None])


def test_the_bodys_number_is_attached_where_the_path_names_none(two_numbers: SetupApi) -> None:
    attached = two_numbers.ask("POST", "/v1/numbers/num_of_the_sdk/attach", {"agent_id": "desk", "number": ANOTHER})
    assert (attached.status, attached.body["number_id"]) == (200, "num_2")
    assert takers(two_numbers) == [None, "desk"]


def test_two_trunks_for_one_number_are_refused(two_numbers: SetupApi) -> None:
    for n in ("1", "2"):
        two_numbers.trunks.add(
            ACCOUNT,
            CarrierTrunk(
                trunk_id=f"trunk_{n}", name="PBX", type="livekit", provider_trunk_id=f"ST_{n}", provider_side="outbound"
            ),
        )
    said = {"agent_id": "desk", "outbound_trunk_id": "ST_1"}
    refused = two_numbers.ask("POST", "/v1/numbers/num_1/attach", {**said, "inbound_trunk_id": "ST_2"})
    assert (refused.status, refused.fields) == (422, ["inbound_trunk_id"])
    one = two_numbers.ask("POST", "/v1/numbers/num_1/attach", {**said, "inbound_trunk_id": "trunk_1"})
    assert one.status != 422, "one and the same trunk, by its id and by LiveKit's"


MANY = "/v1/telephony/numbers/attach"


def test_the_pipe_of_many_numbers_is_attached_whether_or_not_it_says_so(two_numbers: SetupApi) -> None:
    pipe_id = two_numbers.made("/v1/pipes", {"name": "p", "agent_id": "desk"})["pipe_id"]
    both = {"numbers": ["num_1"], "agent_id": "desk", "pipe_id": pipe_id}
    assert two_numbers.ask("POST", MANY, both).status == 201
    assert two_numbers.ask("POST", MANY, {"numbers": ["num_2"], "pipe_id": pipe_id}).status == 201
    shown = [two_numbers.ask("GET", f"/v1/numbers/{each}").body for each in ("num_1", "num_2")]
    assert [(each["agent_id"], each["pipe_id"]) for each in shown] == [("desk", pipe_id), (None, pipe_id)]


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"attach_type": "agent", "agent_id": "desk", "pipe_id": "pipe_1"},
        {"attach_type": "agent", "pipe_id": "pipe_1"},
        {"attach_type": "pipeline", "agent_id": "desk"},
    ],
)
def test_many_numbers_are_attached_to_what_the_type_says_alone(two_numbers: SetupApi, said: dict[str, str]) -> None:
    assert two_numbers.ask("POST", MANY, {"numbers": ["num_1"], **said}).status == 422
    assert takers(two_numbers) == [None, None]


@pytest.mark.parametrize("said", ["status=foo", "status_filter=foo", "trunk_type=sip", "country=usa", "country=1"])
def test_a_filter_of_numbers_that_none_can_have_is_refused_by_its_name(two_numbers: SetupApi, said: str) -> None:
    refused = two_numbers.ask("GET", f"/v1/numbers?{said}")
    assert (refused.status, refused.fields) == (422, [said.partition("=")[0]])


def test_numbers_are_filtered_by_what_is_said_and_an_empty_word_says_nothing(two_numbers: SetupApi) -> None:
    two_numbers.rows.put_number(ACCOUNT, Number(number="+493055501", number_id="num_3", country="DE"))

    def listed(query: str) -> list[str]:
        return [each["number_id"] for each in two_numbers.ask("GET", f"/v1/numbers?{query}").body["data"]]

    assert listed("country=de") == listed("country=DE") == ["num_3"]
    assert sorted(listed("country=&status=&trunk_type=")) == ["num_1", "num_2", "num_3"]
    assert sorted(listed("status=available&trunk_type=livekit")) == ["num_1", "num_2", "num_3"]
    assert listed("status=assigned") == []
