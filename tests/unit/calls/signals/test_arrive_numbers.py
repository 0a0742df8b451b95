"""Numbers as trunks tell them: the caller reaches whom they dialled, or whoever can see the call sees that not."""

from copy import replace

import pytest

from ringline.calls.model.call import State
from ringline.calls.model.livekit_event import What
from ringline.calls.model.reasons import EndReason
from ringline.routing.records import Trunk
from tests.builders import ACCOUNT, NOW
from tests.unit.calls.signals.test_arrive import CALLER, GAVE_UP, OURS, ROOM, House

BY_TRUNK = replace(CALLER, trunk_id="ST_in")


@pytest.mark.parametrize(
    "told",
    [
        "tel:+15550100900",
        "+1 555 010 0900",
        "+1 (555) 010-0900",
        "0015550100900",
        "01115550100900",
        "15550100900",
        "sip:+15550100900@sbc.example.com",
    ],
)
def test_a_number_with_its_country_reaches_whom_it_belongs_to(told: str) -> None:
    house = House()
    assert house.hears(replace(CALLER, our_number=told)) == ["arrived"]
    assert (house.call.to_number, house.call.state) == (OURS, State.RINGING)


@pytest.mark.parametrize(
    ("country", "trunks"), [("US", {}), (None, {"ST_in": Trunk(trunk_id="ST_in", country="US")})], ids=["usual", "own"]
)
def test_a_number_without_its_country_is_one_of_the_trunks_or_the_usual_country(
    country: str | None, trunks: dict[str, Trunk]
) -> None:
    house = House(country=country, trunks=trunks)
    assert house.hears(replace(BY_TRUNK, our_number="5550100900")) == ["arrived"]
    assert house.call.to_number == OURS


def test_a_trunks_own_country_goes_before_the_usual_one() -> None:
    house = House(
        country="US", trunks={"ST_in": Trunk(trunk_id="ST_in", country="GB")}, owners={"+442071838750": "acc_1"}
    )
    assert house.hears(replace(BY_TRUNK, our_number="020 7183 8750")) == ["arrived"]
    assert house.call.to_number == "+442071838750"


def test_a_number_that_is_two_accounts_by_two_readings_is_nobodys() -> None:
    house = House(country="US", owners={OURS: ACCOUNT, "+5550100900": "acc_2"})
    assert house.hears(replace(CALLER, our_number="5550100900")) == ["number_not_ours"]
    assert (house.calls, house.asked) == ([], [f"turn away {ROOM}"])


@pytest.mark.parametrize("number", [None, "anonymous", "5550100900", "+15550100902", "tel:+1-555-010-0902"])
@pytest.mark.parametrize("named_by", ["rule", "trunk"])
@pytest.mark.parametrize("event", [CALLER, GAVE_UP], ids=["came", "is gone"])
def test_whom_the_rule_or_the_trunk_names_sees_the_call_that_reached_nobody(event, number, named_by: str) -> None:  # type: ignore[no-untyped-def]
    house = House(trunks={"ST_in": Trunk(trunk_id="ST_in", account_id=ACCOUNT)} if named_by == "trunk" else {})
    told = replace(event, our_number=number, trunk_id="ST_in", account_id=ACCOUNT if named_by == "rule" else None)
    assert house.hears(told, told) == ["number_not_routed", "call_is_over"]
    call = house.call
    assert (call.account_id, call.state, call.end_reason) == (ACCOUNT, State.NOT_CONNECTED, EndReason.NUMBER_NOT_ROUTED)
    assert (call.ended_at, call.due_at) == (NOW, NOW), "the mark of an end that nobody has announced"
    assert (call.to_number is None) is (number is None)
    assert house.asked[:1] == ([f"turn away {ROOM}"] if event.what is What.JOINED else house.asked[:1])


def test_a_readable_number_of_nobody_is_shown_as_e164() -> None:
    house = House()
    house.hears(replace(CALLER, our_number="tel:+1-555-010-0902", account_id=ACCOUNT))
    assert house.call.to_number == "+15550100902"


@pytest.mark.parametrize("named", ["acc_nobody", "no/account", None])
def test_a_caller_of_nobodys_number_whom_no_account_can_see_is_only_logged(named: str | None) -> None:
    house = House()
    assert house.hears(replace(CALLER, our_number="anonymous", account_id=named)) == ["number_not_ours"]
    assert (house.calls, house.asked) == ([], [f"turn away {ROOM}"])


def test_a_caller_whom_somebody_elses_agent_takes_is_nobodys_call_of_ours() -> None:
    house = House()
    house.turn_away = lambda room: False  # type: ignore[method-assign]
    assert house.hears(replace(CALLER, our_number="+15550100902", account_id=ACCOUNT)) == ["number_not_ours"]
    assert house.calls == []


def test_who_calls_without_a_country_is_of_the_trunks_whichever_way_the_dialled_number_is_told() -> None:
    house = House(country="DE", trunks={"ST_in": Trunk(trunk_id="ST_in", country="US")})
    assert house.hears(replace(BY_TRUNK, their_number="4155550123")) == ["arrived"]
    assert house.call.from_number == "+14155550123"


def test_the_trunk_of_a_caller_both_of_whose_numbers_tell_their_country_is_not_read() -> None:
    class Unread(House):
        def trunk(self, trunk_id: str) -> Trunk | None:
            raise AssertionError(trunk_id)

    assert Unread(country="DE").hears(BY_TRUNK) == ["arrived"]


@pytest.mark.parametrize(
    ("told", "country", "kept"),
    [
        ("+1 555 010 7777", None, "+15550107777"),
        ("tel:+1-555-010-7777", None, "+15550107777"),
        ("5550107777", "US", "+15550107777"),
        ("5550107777", None, "5550107777"),
        ("anonymous", None, "anonymous"),
        (None, None, None),
    ],
)
def test_who_calls_is_kept_as_e164_where_it_can_be_told(
    told: str | None, country: str | None, kept: str | None
) -> None:
    house = House(country=country)
    house.hears(replace(CALLER, their_number=told))
    assert house.call.from_number == kept
