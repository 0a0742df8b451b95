"""`sync`: what was changed or lost at LiveKit is mended where it is ours, and told where it is not."""

from collections.abc import Iterator
from copy import replace
from typing import Any

import pytest

from ringline.routing.records import Agent, Number
from ringline.runtime.web.problems import Problem
from ringline.setup.store import Change, SetupStore, line_of
from ringline.trunking.model.drift import Drift
from ringline.trunking.model.lines import CallerRule, CarrierTrunk, InboundTrunk, Link, Mark
from ringline.trunking.tables.links import Links
from ringline.trunking.tables.trunks import TrunkStore
from tests.component.trunking.livekit import FakeLivekit
from tests.component.trunking.office import ACCOUNT, NUMBER, OTHER, Office, an_office, office_on

THEIRS = InboundTrunk(
    id="ST_theirs", name="theirs", mark=None, numbers=(NUMBER,), allowed_addresses=(), media_encryption="disable"
)


@pytest.fixture
def office() -> Iterator[Office]:
    with an_office() as office:
        trunk = office.a_trunk()
        office.numbers.bring(ACCOUNT, NUMBER, {"account_trunk_id": trunk.trunk_id, "agent_id": "front-desk"})
        yield office


def told(drift: tuple[Drift, ...]) -> list[tuple[str, str, bool]]:
    return [(each.kind, each.what, each.repaired) for each in drift]


def test_what_is_as_it_should_be_is_left_alone(office: Office) -> None:
    before = office.livekit.everything
    asked = list(office.livekit.asked)
    synced = office.sync.run(ACCOUNT)
    assert (synced.synced, synced.new, synced.drift) == (1, 0, ())
    assert (office.livekit.everything, office.livekit.asked) == (before, asked)


@pytest.mark.parametrize(
    ("lost", "what"),
    [
        (("outbound",), "outbound_trunk"),
        (("inbound",), "inbound_trunk"),
        (("ruling",), "dispatch_rule"),
        (("inbound", "ruling"), "inbound_trunk"),
        (("outbound", "inbound", "ruling"), "outbound_trunk"),
    ],
)
def test_what_is_lost_at_livekit_is_made_anew(office: Office, lost: tuple[str, ...], what: str) -> None:
    for kind in lost:
        getattr(office.livekit, kind).clear()
    synced = office.sync.run(ACCOUNT)
    assert ("missing", what, True) in told(synced.drift) and all(each.repaired for each in synced.drift)
    assert [len(each) for each in (office.livekit.outbound, office.livekit.inbound, office.livekit.ruling)] == [1, 1, 1]
    (rule,) = office.livekit.ruling.values()
    assert rule.trunk_ids == (*office.livekit.inbound,)
    number = office.routing.number(ACCOUNT, NUMBER)
    assert number is not None and number.trunk_id in office.livekit.outbound
    assert office.livekit.passwords[number.trunk_id] == "secret"
    assert office.sync.run(ACCOUNT).drift == ()


def test_what_was_changed_at_livekit_is_changed_back(office: Office) -> None:
    (trunk_id,), (rule_id,) = office.livekit.inbound, office.livekit.ruling
    before = office.livekit.everything
    office.livekit.inbound[trunk_id] = replace(office.livekit.inbound[trunk_id], numbers=("+15550100001",))
    office.livekit.ruling[rule_id] = replace(office.livekit.ruling[rule_id], number="+15550100001")
    synced = office.sync.run(ACCOUNT)
    assert told(synced.drift) == [("changed", "inbound_trunk", True), ("changed", "dispatch_rule", True)]
    assert office.livekit.everything == before


def test_what_bears_our_mark_and_is_nobodys_is_removed(office: Office) -> None:
    stray = replace(
        THEIRS, id="ST_stray", numbers=("+15550100002",), mark=Mark("ringline/test", ACCOUNT, "+15550100002")
    )
    office.livekit.inbound["ST_stray"] = stray
    assert told(office.sync.run(ACCOUNT).drift) == [("orphan", "inbound_trunk", True)]
    assert "ST_stray" not in office.livekit.inbound


@pytest.mark.parametrize(
    "mark",
    [None, Mark("ringline/other", ACCOUNT, "+15550100002"), Mark("ringline/test", OTHER, "+15550100002")],
    ids=["nobody's", "another stack's", "another account's"],
)
def test_what_is_not_ours_is_told_and_never_touched(office: Office, mark: Mark | None) -> None:
    (inbound,) = office.livekit.inbound
    trunk = replace(THEIRS, mark=mark)
    rule = CallerRule(id="SDR_theirs", name="theirs", mark=mark, trunk_ids=(inbound,), numbers=(), number=None)
    office.livekit.inbound["ST_theirs"], office.livekit.ruling["SDR_theirs"] = trunk, rule
    synced = office.sync.run(ACCOUNT)
    assert told(synced.drift) == [("foreign", "inbound_trunk", False), ("foreign", "dispatch_rule", False)]
    assert (office.livekit.inbound["ST_theirs"], office.livekit.ruling["SDR_theirs"]) == (trunk, rule)


def test_two_stacks_on_one_livekit_leave_each_other_alone(office: Office) -> None:
    other = office_on(office.aws, office.livekit, "ringline/other")
    before = office.livekit.everything
    assert other.sync.run(OTHER).drift == ()
    assert office.sync.run(OTHER).drift == ()
    assert office.livekit.everything == before


def test_a_number_that_is_being_set_up_is_not_taken_for_an_orphan(office: Office) -> None:
    office.links.take(ACCOUNT, NUMBER)
    before = office.livekit.everything
    office.livekit.ruling["SDR_new"] = replace(next(iter(office.livekit.ruling.values())), id="SDR_new")
    office.sync.run(ACCOUNT)
    assert set(office.livekit.everything) == {*before, "SDR_new"}


def test_a_changed_trunk_reaches_livekit_with_its_numbers_and_its_password(office: Office) -> None:
    (trunk,) = office.trunks.store.trunks(ACCOUNT)
    changed = office.trunks.change(
        ACCOUNT, trunk.trunk_id, {"sip_domain": "new.example", "media_encryption": "require"}, "another", None
    )
    office.sync.bring(ACCOUNT, changed)
    (outbound,), (inbound,) = office.livekit.outbound.values(), office.livekit.inbound.values()
    assert (outbound.address, outbound.media_encryption, inbound.media_encryption) == ("new.example", *["require"] * 2)
    assert office.livekit.passwords[outbound.id] == "another"


def test_a_password_alone_reaches_livekit(office: Office) -> None:
    (trunk,) = office.trunks.store.trunks(ACCOUNT)
    office.sync.bring(ACCOUNT, office.trunks.change(ACCOUNT, trunk.trunk_id, {}, "another", None))
    assert list(office.livekit.passwords.values()) == ["another"]


def test_a_change_that_livekit_does_not_have_yet_is_brought_by_the_next_comparison(office: Office) -> None:
    (trunk,) = office.trunks.store.trunks(ACCOUNT)
    changed = office.trunks.change(ACCOUNT, trunk.trunk_id, {"sip_domain": "new.example"}, None, None)
    office.livekit.is_down = True
    with pytest.raises(Problem) as refusal:
        office.sync.bring(ACCOUNT, changed)
    assert refusal.value.code == "livekit_away"
    office.livekit.is_down = False
    assert told(office.sync.run(ACCOUNT).drift) == [("changed", "outbound_trunk", True)]


def test_an_adopted_trunk_that_is_gone_is_told(office: Office) -> None:
    office.livekit.inbound["ST_theirs"] = replace(THEIRS, numbers=("+15550100003",))
    office.trunks.create(ACCOUNT, {"name": "PBX", "type": "livekit", "provider_trunk_id": "ST_theirs"}, None)
    assert office.sync.run(ACCOUNT).new == 1
    del office.livekit.inbound["ST_theirs"]
    assert ("missing", "provider_trunk", False) in told(office.sync.run(ACCOUNT).drift)


def test_livekit_away_is_told_as_such() -> None:
    with an_office() as office:
        office.livekit.is_down = True
        with pytest.raises(Problem) as refusal:
            office.sync.run(ACCOUNT)
        assert refusal.value.code == "livekit_away"
        assert office.livekit.everything == FakeLivekit().everything


def test_a_trunk_whose_deletion_was_cut_off_is_deleted_when_its_time_is_up() -> None:
    with an_office() as office:
        trunk = office.a_trunk()
        office.livekit.is_down = True
        with pytest.raises(Problem):
            office.trunks.delete(ACCOUNT, trunk.trunk_id, None)
        office.livekit.is_down = False
        assert office.sync.run(ACCOUNT).drift == () and len(office.livekit.outbound) == 1
        office.clock.move(60)
        assert told(office.sync.run(ACCOUNT).drift) == [("orphan", "trunk", True)]
        assert office.livekit.everything == {} and office.trunks.store.trunks(ACCOUNT) == []
        assert office.links.all(ACCOUNT) == {}


def test_a_trunk_that_was_to_be_deleted_and_has_numbers_takes_numbers_again(office: Office) -> None:
    (trunk,) = office.trunks.store.trunks(ACCOUNT)
    assert office.trunks.store.change(ACCOUNT, trunk, replace(trunk, leaving=True, revision=trunk.revision + 1))
    office.clock.move(60)
    assert told(office.sync.run(ACCOUNT).drift) == [("changed", "trunk", True)]
    office.numbers.bring(ACCOUNT, "+15550100778", {"account_trunk_id": trunk.trunk_id})


@pytest.fixture
def on_its_way_out() -> Iterator[tuple[Office, CarrierTrunk]]:
    """A trunk whose deletion was cut off, when its time is up."""
    with an_office() as office:
        trunk = office.a_trunk()
        office.livekit.is_down = True
        with pytest.raises(Problem):
            office.trunks.delete(ACCOUNT, trunk.trunk_id, None)
        office.livekit.is_down = False
        office.clock.move(60)
        yield office, trunk


def name_its_trunk(office: Office) -> None:
    """A pipe calls through the trunk from now on, by LiveKit's id of it."""
    pipe = office.routing.pipe(ACCOUNT, "pipe_1")
    (livekit_id,) = office.livekit.outbound
    assert pipe is not None
    store = SetupStore(office.aws.dynamodb, office.aws.table_name)
    seen = store.seen_trunk(ACCOUNT, livekit_id)
    after = replace(pipe, trunk_id=livekit_id, revision=pipe.revision + 1)
    assert store.save(ACCOUNT, [Change(after, pipe)], line_of(after), seen) is None


def test_a_trunk_that_was_to_be_deleted_and_that_a_pipe_names_stays(
    on_its_way_out: tuple[Office, CarrierTrunk],
) -> None:
    office, trunk = on_its_way_out
    name_its_trunk(office)
    assert told(office.sync.run(ACCOUNT).drift) == [("changed", "trunk", True)]
    assert len(office.livekit.outbound) == 1 and not office.trunks.find(ACCOUNT, trunk.trunk_id).leaving


def test_a_trunk_that_a_pipe_begins_to_name_while_it_is_taken_down_at_last_stays(
    on_its_way_out: tuple[Office, CarrierTrunk], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, trunk = on_its_way_out
    close = TrunkStore.close

    def named_before(self: TrunkStore, *said: Any) -> bool:
        monkeypatch.setattr(TrunkStore, "close", close)
        name_its_trunk(office)
        return close(self, *said)

    monkeypatch.setattr(TrunkStore, "close", named_before)
    (drift,) = office.sync.run(ACCOUNT).drift
    assert (drift.kind, drift.repaired, drift.detail) == ("orphan", False, "The trunk is used by pipe pipe_1")
    assert len(office.livekit.outbound) == 1 and not office.trunks.find(ACCOUNT, trunk.trunk_id).leaving


def test_nobody_begins_to_name_a_trunk_that_is_taken_down_at_last(on_its_way_out: tuple[Office, CarrierTrunk]) -> None:
    """Whoever had looked at it before finds its uses moved."""
    office, _ = on_its_way_out
    (livekit_id,) = office.livekit.outbound
    before = office.trunks.store.uses(ACCOUNT, livekit_id)
    office.sync.run(ACCOUNT)
    assert office.trunks.store.uses(ACCOUNT, livekit_id) == before + 1


def test_what_was_made_for_a_number_at_the_moment_of_its_deletion_is_removed(office: Office) -> None:
    number = office.routing.number(ACCOUNT, NUMBER)
    assert number is not None
    office.numbers.rows.delete(ACCOUNT, number)
    assert told(office.sync.run(ACCOUNT).drift) == [("orphan", "dispatch_rule", True)]
    assert not office.livekit.inbound and not office.livekit.ruling and len(office.livekit.outbound) == 1
    assert office.sync.run(ACCOUNT).drift == ()


def test_what_was_made_for_a_trunk_at_the_moment_of_its_deletion_is_removed_and_its_numbers_told(
    office: Office,
) -> None:
    (trunk,) = office.trunks.store.trunks(ACCOUNT)
    assert office.trunks.store.delete(ACCOUNT, trunk)
    drift = told(office.sync.run(ACCOUNT).drift)
    assert ("orphan", "outbound_trunk", True) in drift and ("missing", "trunk", False) in drift
    assert office.livekit.everything == {}


def test_a_number_that_is_brought_again_while_its_leftovers_are_looked_for_keeps_its_parts(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = office.routing.number(ACCOUNT, NUMBER)
    assert number is not None
    office.numbers.rows.delete(ACCOUNT, number)
    take = Links.take

    def brought_before(self: Links, account_id: str, thing: str) -> tuple[Link, bool]:
        monkeypatch.setattr(Links, "take", take)
        office.numbers.rows.write(ACCOUNT, None, number)
        return take(self, account_id, thing)

    monkeypatch.setattr(Links, "take", brought_before)
    before = office.livekit.everything
    office.sync.run(ACCOUNT)
    assert office.livekit.everything == before and office.sync.run(ACCOUNT).drift == ()


def test_a_number_of_a_trunk_that_is_deleted_meanwhile_is_not_imported_and_told(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.livekit.inbound["ST_theirs"] = replace(THEIRS, numbers=("+15550100003",))
    said = {"name": "PBX", "type": "livekit", "provider_trunk_id": "ST_theirs"}
    trunk, _ = office.trunks.create(ACCOUNT, said, None)
    find = office.routing.number

    def deleted_meanwhile(account_id: str, number: str) -> Number | None:
        if number == "+15550100003":
            office.trunks.store.delete(ACCOUNT, trunk)
        return find(account_id, number)

    monkeypatch.setattr(office.routing, "number", deleted_meanwhile)
    synced = office.sync.run(ACCOUNT)
    assert synced.new == 0 and ("foreign", "number", False) in told(synced.drift)


def test_a_rule_names_the_agent_who_takes_its_callers_and_follows_it(office: Office) -> None:
    def named() -> list[str | None]:
        return [rule.agent_name for rule in office.livekit.ruling.values()]

    def is_dispatched_as(agent_id: str, name: str | None) -> None:
        office.routing.put_agent(ACCOUNT, Agent(agent_id=agent_id, name=agent_id, dispatch_name=name))

    is_dispatched_as("sales", "acme-sales")
    assert named() == [None]
    office.numbers.move(ACCOUNT, NUMBER, "sales", None)
    assert named() == ["acme-sales"]
    office.numbers.change(ACCOUNT, NUMBER, {"agent_id": None, "pipe_id": "pipe_1"}, None)
    assert named() == [None] and office.sync.run(ACCOUNT).drift == ()
    is_dispatched_as("front-desk", "acme-desk")
    assert told(office.sync.run(ACCOUNT).drift) == [("changed", "dispatch_rule", True)]
    assert named() == ["acme-desk"] and office.sync.run(ACCOUNT).drift == ()
