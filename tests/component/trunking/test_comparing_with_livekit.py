"""`sync`: what was changed or lost at LiveKit is mended where it is ours, and told where it is not."""

from collections.abc import Iterator
from copy import replace

import pytest

from ringline.runtime.web.problems import Problem
from ringline.trunking.comparing import Drift
from ringline.trunking.model.lines import CallerRule, InboundTrunk, Mark
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
