"""A trunk and a number are brought: what LiveKit has then, whatever fails on the way."""

from collections.abc import Iterator
from copy import replace
from typing import Any

import pytest

from ringline.routing.records import Number, Trunk
from ringline.routing.resolve import OutboundRouting
from ringline.runtime.web.problems import Problem
from ringline.trunking.model.lines import CarrierTrunk, InboundTrunk, Link, Mark, OutboundTrunk
from ringline.trunking.tables.numbers import NumberRows
from tests.component.trunking.livekit import Fault
from tests.component.trunking.office import ACCOUNT, NUMBER, OTHER, Office, an_office

STACK = "ringline/test"


@pytest.fixture
def office() -> Iterator[Office]:
    with an_office() as office:
        yield office


def bring(office: Office, trunk_id: str, **said: str) -> None:
    office.numbers.bring(ACCOUNT, NUMBER, {"account_trunk_id": trunk_id, "agent_id": "front-desk", **said})


def refused(code: str) -> "pytest.RaisesExc[Problem]":
    return pytest.RaisesExc(Problem, check=lambda problem: problem.code == code)


def test_a_number_is_let_in_by_a_trunk_and_a_rule_that_say_whose_it_is(office: Office) -> None:
    trunk = office.a_trunk(allowed_addresses=("54.172.60.0/30",), media_encryption="require")
    bring(office, trunk.trunk_id)
    (inbound,) = office.livekit.inbound.values()
    (rule,) = office.livekit.ruling.values()
    (outbound,) = office.livekit.outbound.values()
    assert (inbound.numbers, inbound.allowed_addresses) == ((NUMBER,), ("54.172.60.0/30",))
    assert inbound.media_encryption == outbound.media_encryption == "require"
    assert (rule.trunk_ids, rule.number, rule.numbers) == ((inbound.id,), NUMBER, ())
    assert (outbound.address, outbound.transport, outbound.auth_username) == ("sip.carrier.example", "tls", "acme")
    assert office.livekit.passwords == {outbound.id: "secret"}
    assert inbound.mark == rule.mark == Mark(STACK, ACCOUNT, NUMBER)
    assert outbound.mark == Mark(STACK, ACCOUNT, trunk.trunk_id)


def test_calls_of_the_agent_go_out_from_the_number_through_its_trunk(office: Office) -> None:
    bring(office, office.a_trunk().trunk_id)
    route = OutboundRouting(office.routing).resolve(ACCOUNT, agent_id="front-desk")
    (outbound,) = office.livekit.outbound
    assert (route.from_number, route.trunk_id) == (NUMBER, outbound)


def test_the_password_is_kept_sealed_and_nowhere_else(office: Office) -> None:
    office.a_trunk()
    assert "secret" not in str(office.aws.items())


def test_another_account_cannot_bring_the_same_number(office: Office) -> None:
    bring(office, office.a_trunk().trunk_id)
    before = office.livekit.everything
    with refused("number_taken"):
        office.numbers.bring(OTHER, NUMBER, {"agent_id": "front-desk"})
    assert office.livekit.everything == before


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER])
@pytest.mark.parametrize("step", range(3))
def test_the_same_request_again_goes_on_where_livekit_was_away(office: Office, step: int, fault: Fault) -> None:
    office.livekit.faults = [*([None] * step), fault]
    with refused("livekit_away"):
        bring(office, office.a_trunk().trunk_id)
    begun = office.trunks.store.trunks(ACCOUNT)
    bring(office, office.a_trunk().trunk_id if step == 0 else begun[0].trunk_id)
    assert office.trunks.store.trunks(ACCOUNT) == begun
    assert len(office.livekit.outbound) == len(office.livekit.inbound) == len(office.livekit.ruling) == 1
    link = office.links.of(ACCOUNT, NUMBER)
    assert (link.inbound_trunk_id, link.dispatch_rule_id) == (*office.livekit.inbound, *office.livekit.ruling)
    assert (link.failed_part, link.busy_until) == (None, None)


@pytest.mark.parametrize("step", range(2))
def test_what_livekit_refuses_leaves_nothing_behind(office: Office, step: int) -> None:
    trunk = office.a_trunk()
    office.livekit.faults = [*([None] * step), Fault.REFUSED]
    with refused("livekit_refused"):
        bring(office, trunk.trunk_id)
    assert not office.livekit.inbound and not office.livekit.ruling
    assert office.routing.numbers(ACCOUNT) == [] and office.routing.owner_of(NUMBER) is None
    agent = office.routing.agent(ACCOUNT, "front-desk")
    assert agent is not None and agent.number is None


def gate_is_busy(_account_id: str) -> None:
    raise Problem(503, "contended", "The number was not given up")


def test_a_number_that_cannot_be_said_to_leave_keeps_its_callers(office: Office) -> None:
    bring(office, office.a_trunk().trunk_id)
    with refused("contended"):
        replace(office.numbers, number_leaves=gate_is_busy).delete(ACCOUNT, NUMBER, None)
    assert len(office.livekit.inbound) == len(office.livekit.ruling) == 1
    assert [each.number for each in office.routing.numbers(ACCOUNT)] == [NUMBER]


def test_a_refused_number_that_cannot_be_said_to_leave_is_told_as_refused(office: Office) -> None:
    trunk = office.a_trunk()
    office.livekit.faults = [Fault.REFUSED]
    with pytest.raises(Problem, match="leads nowhere") as refusal:
        replace(office.numbers, number_leaves=gate_is_busy).bring(
            ACCOUNT, NUMBER, {"agent_id": "front-desk", "account_trunk_id": trunk.trunk_id}
        )
    assert refusal.value.code == "livekit_refused"
    office.numbers.delete(ACCOUNT, NUMBER, None)


def test_a_number_that_overflows_to_another_one_is_taken_back_as_well(office: Office) -> None:
    trunk = office.a_trunk()
    office.numbers.bring(ACCOUNT, "+15550100778", {})
    office.livekit.faults = [Fault.REFUSED]
    with pytest.raises(Problem, match="The number was not brought"):
        bring(office, trunk.trunk_id, overflow_number="+15550100778")
    assert [each.number for each in office.routing.numbers(ACCOUNT)] == ["+15550100778"]
    assert office.routing.owner_of(NUMBER) is None
    bring(office, trunk.trunk_id, overflow_number="+15550100778")
    assert len(office.livekit.ruling) == 1


def test_a_trunk_that_livekit_refuses_is_not_kept(office: Office) -> None:
    office.livekit.faults = [Fault.REFUSED]
    with refused("livekit_refused"):
        office.a_trunk()
    assert office.trunks.store.trunks(ACCOUNT) == [] and office.links.all(ACCOUNT) == {}


def test_a_trunk_that_was_begun_before_is_kept_where_livekit_refuses_it_with_the_number_that_came_to_it(
    office: Office,
) -> None:
    office.livekit.faults = [Fault.BEFORE]
    with refused("livekit_away"):
        office.a_trunk()
    (begun,) = office.trunks.store.trunks(ACCOUNT)
    number = Number(number=NUMBER, number_id="num_1", account_trunk_id=begun.trunk_id)
    office.numbers.rows.write(ACCOUNT, None, number)
    office.livekit.faults = [Fault.REFUSED]
    with refused("livekit_refused"):
        office.a_trunk()
    assert office.trunks.store.trunks(ACCOUNT) == [begun]
    assert office.a_trunk() == begun and len(office.livekit.outbound) == 1


def test_a_request_that_is_cut_off_is_gone_on_with_when_its_time_is_up(office: Office) -> None:
    trunk = office.a_trunk()
    office.links.take(ACCOUNT, NUMBER)
    with refused("busy_at_livekit"):
        bring(office, trunk.trunk_id)
    office.clock.move(60)
    bring(office, trunk.trunk_id)
    assert len(office.livekit.ruling) == 1


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER])
@pytest.mark.parametrize("step", range(2))
def test_detaching_takes_down_what_was_made_however_often_it_is_asked(office: Office, step: int, fault: Fault) -> None:
    bring(office, office.a_trunk().trunk_id)
    office.livekit.faults = [*([None] * step), fault]
    with refused("livekit_away"):
        office.numbers.detach(ACCOUNT, NUMBER, None)
    office.numbers.detach(ACCOUNT, NUMBER, None)
    assert not office.livekit.inbound and not office.livekit.ruling
    assert office.links.of(ACCOUNT, NUMBER) == Link(thing=NUMBER)
    assert len(office.livekit.outbound) == 1


def test_a_number_that_is_given_up_leaves_nothing_and_may_be_anybodys(office: Office) -> None:
    bring(office, office.a_trunk().trunk_id)
    office.numbers.delete(ACCOUNT, NUMBER, None)
    assert not office.livekit.inbound and not office.livekit.ruling
    assert office.left == [ACCOUNT], "calls that wait may be about to go out on it"
    office.numbers.bring(OTHER, NUMBER, {"agent_id": "front-desk"})


def test_a_number_that_another_pipe_calls_from_is_not_given_up(office: Office) -> None:
    bring(office, office.a_trunk().trunk_id)
    pipe = office.routing.pipe(ACCOUNT, "pipe_1")
    assert pipe is not None
    office.routing.put_pipe(ACCOUNT, replace(pipe, number=NUMBER))
    with refused("number_in_use"):
        office.numbers.delete(ACCOUNT, NUMBER, None)


def test_a_trunk_with_numbers_is_not_deleted_and_takes_numbers_still(office: Office) -> None:
    trunk = office.a_trunk()
    bring(office, trunk.trunk_id)
    with refused("trunk_in_use"):
        office.trunks.delete(ACCOUNT, trunk.trunk_id, None)
    office.numbers.bring(ACCOUNT, "+15550100778", {"account_trunk_id": trunk.trunk_id, "agent_id": "sales"})
    for number in (NUMBER, "+15550100778"):
        office.numbers.delete(ACCOUNT, number, None)
    office.trunks.delete(ACCOUNT, trunk.trunk_id, None)
    assert office.livekit.everything == {} and office.links.all(ACCOUNT) == {}


def test_an_attached_number_moves_and_its_agents_call_from_what_they_have(office: Office) -> None:
    bring(office, office.a_trunk().trunk_id)
    rule = dict(office.livekit.ruling)
    office.numbers.move(ACCOUNT, NUMBER, "sales", None)
    front_desk, sales = office.routing.agent(ACCOUNT, "front-desk"), office.routing.agent(ACCOUNT, "sales")
    assert front_desk is not None and sales is not None
    assert (front_desk.number, sales.number) == (None, NUMBER)
    assert office.livekit.ruling == rule


def test_attaching_elsewhere_and_moving_what_is_not_attached_are_refused(office: Office) -> None:
    bring(office, office.a_trunk().trunk_id)
    with refused("number_already_assigned"):
        office.numbers.attach(ACCOUNT, NUMBER, "sales", None)
    office.numbers.detach(ACCOUNT, NUMBER, None)
    with refused("not_attached"):
        office.numbers.move(ACCOUNT, NUMBER, "sales", None)
    with refused("unknown_agent"):
        office.numbers.attach(ACCOUNT, NUMBER, "nobody", None)


def test_a_number_goes_to_another_trunk_with_what_livekit_has_for_it(office: Office) -> None:
    bring(office, office.a_trunk().trunk_id)
    second = office.a_trunk(name="Second", sip_domain="second.example")
    kept = office.numbers.change(ACCOUNT, NUMBER, {"account_trunk_id": second.trunk_id}, None)
    assert len(office.livekit.inbound) == len(office.livekit.ruling) == 1
    outbound = office.livekit.outbound[kept.number.trunk_id or ""]
    assert outbound.address == "second.example"


def test_an_adopted_trunk_is_used_and_never_touched(office: Office) -> None:
    theirs = OutboundTrunk(
        id="ST_theirs",
        name="theirs",
        mark=None,
        address="pbx.example",
        transport=None,
        auth_username="",
        numbers=("+15550100779",),
        media_encryption="disable",
    )
    office.livekit.outbound["ST_theirs"] = theirs
    trunk, _ = office.trunks.create(ACCOUNT, {"name": "PBX", "type": "livekit", "provider_trunk_id": "ST_theirs"}, None)
    bring(office, trunk.trunk_id)
    with refused("provider_trunk_taken"):
        office.trunks.create(OTHER, {"name": "PBX", "type": "livekit", "provider_trunk_id": "ST_theirs"}, None)
    number = office.routing.number(ACCOUNT, NUMBER)
    assert number is not None and number.trunk_id == "ST_theirs"
    synced = office.sync.run(ACCOUNT)
    assert (synced.new, synced.synced, synced.drift) == (1, 2, ())
    for each in office.routing.numbers(ACCOUNT):
        office.numbers.delete(ACCOUNT, each.number, None)
    office.trunks.delete(ACCOUNT, trunk.trunk_id, None)
    assert office.livekit.everything == {"ST_theirs": theirs}


def test_a_trunk_that_was_adopted_twice_is_anybodys_when_both_are_gone(office: Office) -> None:
    pbx = {"name": "PBX", "type": "livekit", "provider_trunk_id": "ST_theirs"}
    office.livekit.outbound["ST_theirs"] = OutboundTrunk(
        id="ST_theirs",
        name="theirs",
        mark=None,
        address="pbx.example",
        transport=None,
        auth_username="",
        numbers=(),
        media_encryption="disable",
    )
    (first, _), (second, _) = (office.trunks.create(ACCOUNT, pbx, None) for _ in range(2))
    office.trunks.delete(ACCOUNT, first.trunk_id, None)
    with refused("provider_trunk_taken"):
        office.trunks.create(OTHER, pbx, None)
    office.trunks.delete(ACCOUNT, second.trunk_id, None)
    assert office.trunks.create(OTHER, pbx, None)[0].provider_trunk_id == "ST_theirs"


def test_a_trunk_that_the_operator_gave_to_one_account_is_adopted_by_no_other(office: Office) -> None:
    office.livekit.outbound["ST_given"] = OutboundTrunk(
        id="ST_given",
        name="given",
        mark=None,
        address="pbx.example",
        transport=None,
        auth_username="",
        numbers=(),
        media_encryption="disable",
    )
    office.routing.put_trunk(Trunk(trunk_id="ST_given", account_id=ACCOUNT))
    with refused("provider_trunk_taken"):
        office.trunks.create(OTHER, {"name": "PBX", "type": "livekit", "provider_trunk_id": "ST_given"}, None)


@pytest.mark.parametrize("named", ["+abc", "+", "1" * 1100, "+0123456789"])
def test_what_is_no_number_is_not_found(office: Office, named: str) -> None:
    with refused("number_not_found"):
        office.numbers.find(ACCOUNT, named)


def test_limits_of_a_number_are_set_when_they_are_said_and_taken_off_by_null(office: Office) -> None:
    office.numbers.bring(ACCOUNT, NUMBER, {"max_calls": 2, "calls_per_day": 50})
    office.numbers.change(ACCOUNT, NUMBER, {"agent_id": "sales"}, None)
    office.numbers.change(ACCOUNT, NUMBER, {"max_calls": None}, None)
    assert office.limits == [(ACCOUNT, NUMBER, 2, 50), (ACCOUNT, NUMBER, None, 50)]


def adopted(office: Office) -> str:
    """A trunk of the account that LiveKit takes callers by already, whoever they call."""
    office.livekit.inbound["ST_pbx"] = InboundTrunk(
        id="ST_pbx", name="pbx", mark=None, numbers=(), allowed_addresses=(), media_encryption="disable"
    )
    said = {"name": "PBX", "type": "livekit", "provider_trunk_id": "ST_pbx"}
    return office.trunks.create(ACCOUNT, said, None)[0].trunk_id


def other_trunk(office: Office, kind: str) -> str:
    if kind == "adopted":
        return adopted(office)
    return office.a_trunk(name="Second", allowed_addresses=("192.0.2.1/32",)).trunk_id


@pytest.mark.parametrize(("kind", "steps"), [("of ours", (0,)), ("adopted", (0,))])
def test_a_change_of_trunk_that_livekit_refuses_leaves_in_force_what_there_was(
    office: Office, kind: str, steps: tuple[int, ...]
) -> None:
    bring(office, office.a_trunk().trunk_id)
    second = other_trunk(office, kind)
    at_livekit, number = office.livekit.everything, office.routing.number(ACCOUNT, NUMBER)
    assert number is not None
    for step in steps:
        office.livekit.faults = [*([None] * step), Fault.REFUSED]
        with refused("livekit_refused") as refusal:
            office.numbers.change(ACCOUNT, NUMBER, {"account_trunk_id": second, "max_calls": 3}, None)
        assert "What was there before is in force" in refusal.value.title
        assert office.livekit.everything == at_livekit
        kept = office.routing.number(ACCOUNT, NUMBER)
        assert kept is not None and replace(kept, revision=number.revision) == number
        assert office.links.of(ACCOUNT, NUMBER).failed_part is None
    assert (ACCOUNT, NUMBER, 3, None) not in office.limits


def test_what_a_refused_change_had_changed_already_is_changed_back(office: Office) -> None:
    bring(office, adopted(office))
    second = other_trunk(office, "of ours")
    at_livekit = office.livekit.everything
    office.livekit.faults = [None, Fault.REFUSED]
    with refused("livekit_refused"):
        office.numbers.change(ACCOUNT, NUMBER, {"account_trunk_id": second}, None)
    assert office.livekit.everything == at_livekit


def test_what_could_not_be_put_back_is_told_and_synced_later(office: Office) -> None:
    bring(office, adopted(office))
    second = other_trunk(office, "of ours")
    at_livekit = office.livekit.everything
    office.livekit.faults = [None, Fault.REFUSED, Fault.BEFORE, Fault.BEFORE]
    with refused("livekit_refused") as refusal:
        office.numbers.change(ACCOUNT, NUMBER, {"account_trunk_id": second}, None)
    assert "LiveKit has not all of that yet" in refusal.value.title
    office.sync.run(ACCOUNT)
    assert office.livekit.everything == at_livekit


@pytest.mark.parametrize("kind", ["of ours", "adopted"])
def test_a_number_that_changes_its_trunk_is_let_in_at_every_moment(office: Office, kind: str) -> None:
    bring(office, office.a_trunk().trunk_id)
    (rule,) = office.livekit.ruling
    office.numbers.change(ACCOUNT, NUMBER, {"account_trunk_id": other_trunk(office, kind)}, None)
    assert (*office.livekit.ruling,) == (rule,) and "delete_rule" not in office.livekit.asked
    if kind == "adopted":
        assert office.livekit.ruling[rule].trunk_ids == ("ST_pbx",) and (*office.livekit.inbound,) == ("ST_pbx",)
    else:
        (inbound,) = office.livekit.inbound.values()
        assert inbound.allowed_addresses == ("192.0.2.1/32",)
    assert office.sync.run(ACCOUNT).drift == ()


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER])
@pytest.mark.parametrize("step", range(2))
def test_a_change_of_trunk_goes_on_where_livekit_was_away(office: Office, step: int, fault: Fault) -> None:
    bring(office, office.a_trunk().trunk_id)
    second = adopted(office)
    office.livekit.faults = [*([None] * step), fault]
    with refused("livekit_away"):
        office.numbers.change(ACCOUNT, NUMBER, {"account_trunk_id": second}, None)
    office.numbers.change(ACCOUNT, NUMBER, {"account_trunk_id": second}, None)
    (rule,) = office.livekit.ruling.values()
    assert rule.trunk_ids == ("ST_pbx",) and (*office.livekit.inbound,) == ("ST_pbx",)
    assert office.sync.run(ACCOUNT).drift == ()


def test_a_number_that_is_brought_again_has_no_limits_of_those_who_had_it(office: Office) -> None:
    office.numbers.bring(ACCOUNT, NUMBER, {"max_calls": 2})
    office.numbers.delete(ACCOUNT, NUMBER, None)
    office.numbers.bring(ACCOUNT, NUMBER, {})
    assert office.limits == [(ACCOUNT, NUMBER, 2, None), *[(ACCOUNT, NUMBER, None, None)] * 2]


def test_a_change_that_stopped_half_way_goes_on_with_the_same_revision(office: Office) -> None:
    bring(office, office.a_trunk().trunk_id)
    second = office.a_trunk(name="Second", allowed_addresses=("192.0.2.1/32",)).trunk_id
    said, number = {"account_trunk_id": second, "max_calls": 2}, office.routing.number(ACCOUNT, NUMBER)
    assert number is not None
    office.livekit.faults = [Fault.BEFORE]
    with refused("livekit_away"):
        office.numbers.change(ACCOUNT, NUMBER, said, number.revision)
    kept = office.numbers.change(ACCOUNT, NUMBER, said, number.revision)
    assert kept.number.revision == number.revision + 1 and office.limits[-1] == (ACCOUNT, NUMBER, 2, None)
    with refused("revision_conflict"):
        office.numbers.change(ACCOUNT, NUMBER, {"max_calls": 3}, number.revision)


def test_limits_that_were_not_set_for_the_crowd_are_set_by_the_same_request(office: Office) -> None:
    bring(office, office.a_trunk().trunk_id)
    number = office.routing.number(ACCOUNT, NUMBER)
    assert number is not None

    def crowded(account_id: str, number: str, max_calls: int | None, calls_per_day: int | None) -> None:
        raise Problem(503, "contended", "The number's limits were not set; ask again")

    with refused("contended"):
        replace(office.numbers, set_limits=crowded).change(ACCOUNT, NUMBER, {"max_calls": 2}, number.revision)
    office.numbers.change(ACCOUNT, NUMBER, {"max_calls": 2}, number.revision)
    assert office.limits[-1] == (ACCOUNT, NUMBER, 2, None)
    replace(office.numbers, set_limits=crowded).delete(ACCOUNT, NUMBER, None)
    assert office.routing.number(ACCOUNT, NUMBER) is None


def test_a_trunk_changes_and_goes_by_the_same_request_again_though_its_revision_is_named(office: Office) -> None:
    trunk = office.a_trunk()

    def change() -> CarrierTrunk:
        changed = office.trunks.change(ACCOUNT, trunk.trunk_id, {"name": "New"}, "another", trunk.revision)
        office.sync.bring(ACCOUNT, changed)
        return changed

    office.livekit.faults = [Fault.BEFORE]
    with refused("livekit_away"):
        change()
    changed = change()
    assert changed.revision == trunk.revision + 1 and [*office.livekit.passwords.values()] == ["another"]
    office.livekit.faults = [Fault.BEFORE]
    with refused("livekit_away"):
        office.trunks.delete(ACCOUNT, trunk.trunk_id, changed.revision)
    office.trunks.delete(ACCOUNT, trunk.trunk_id, changed.revision)
    assert office.livekit.everything == {}


def test_a_trunk_that_is_not_deleted_for_its_numbers_is_of_the_same_revision(office: Office) -> None:
    trunk = office.a_trunk()
    bring(office, trunk.trunk_id)
    with refused("trunk_in_use"):
        office.trunks.delete(ACCOUNT, trunk.trunk_id, trunk.revision)
    assert office.trunks.find(ACCOUNT, trunk.trunk_id) == trunk


def test_a_number_that_somebody_began_to_use_while_it_was_taken_down_is_let_in_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(office, office.a_trunk().trunk_id)
    delete = NumberRows.delete

    def used_meanwhile(self: NumberRows, *said: Any, **more: Any) -> None:
        monkeypatch.setattr(NumberRows, "delete", delete)
        office.numbers.bring(ACCOUNT, "+15550100778", {"overflow_number": NUMBER})
        delete(self, *said, **more)

    monkeypatch.setattr(NumberRows, "delete", used_meanwhile)
    with refused("number_in_use"):
        office.numbers.delete(ACCOUNT, NUMBER, None)
    assert len(office.livekit.inbound) == len(office.livekit.ruling) == 1


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:6379", "169.254.169.254", "10.0.0.7:5060", "[::1]:5060", "::1", "[fd00::7]", "0x7f000001", "127.1"],
)
def test_a_carrier_at_a_private_address_is_refused(office: Office, host: str) -> None:
    with pytest.raises(Problem) as refused:
        office.a_trunk(sip_domain=host)
    assert (refused.value.status, refused.value.errors[0].field) == (422, "sip_domain")
    trunk = office.a_trunk()
    with pytest.raises(Problem):
        office.trunks.change(ACCOUNT, trunk.trunk_id, {"sip_domain": host}, None, None)
    assert office.trunks.find(ACCOUNT, trunk.trunk_id).sip_domain == trunk.sip_domain


@pytest.mark.parametrize("host", ["8.8.8.8", "8.8.8.8:5061", "[2606:4700::1111]:5060", "sip.carrier.example:5060"])
def test_a_carrier_at_a_public_address_or_a_name_is_taken(office: Office, host: str) -> None:
    assert office.a_trunk(sip_domain=host).sip_domain == host
