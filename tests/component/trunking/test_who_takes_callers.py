"""A number says who else takes its callers, and who is asked about them: what it names must be there, and stays."""

from collections.abc import Iterator
from copy import replace
from typing import Any

import pytest

from ringline.routing.records import Number
from ringline.runtime.vault.sealed import is_sealed
from ringline.runtime.web.problems import Problem
from ringline.setup.store import Kind, Reference, SetupStore, User
from ringline.trunking.tables.numbers import HolderGone, NumberChanged, NumberRows
from ringline.trunking.views import number_view
from tests.component.trunking.office import ACCOUNT, NUMBER, Office, an_office

ANOTHER = "+14155550999"
URL = "https://decide.example/callers"


@pytest.fixture
def office() -> Iterator[Office]:
    with an_office() as office:
        office.numbers.bring(ACCOUNT, NUMBER, {"agent_id": "front-desk"})
        office.numbers.bring(ACCOUNT, ANOTHER, {})
        yield office


def change(office: Office, **said: Any) -> Number:
    return office.numbers.change(ACCOUNT, NUMBER, said, None).number


def refused(code: str, field: str | None = None) -> "pytest.RaisesExc[Problem]":
    return pytest.RaisesExc(
        Problem,
        check=lambda problem: problem.code == code and (field is None or [e.field for e in problem.errors] == [field]),
    )


@pytest.mark.parametrize(
    ("said", "kind", "thing_id"),
    [
        ({"overflow_pipe_id": "pipe_1"}, Kind.PIPE, "pipe_1"),
        ({"overflow_agent_id": "sales"}, Kind.AGENT, "sales"),
        ({"decision_default": "pipe_1"}, Kind.PIPE, "pipe_1"),
    ],
)
def test_what_a_number_names_counts_as_used_from_that_moment(
    office: Office, said: dict[str, str], kind: Kind, thing_id: str
) -> None:
    setup, named = SetupStore(office.aws.dynamodb, office.aws.table_name), Reference(kind, thing_id)
    before = setup.uses(ACCOUNT, named)
    change(office, **said)
    assert setup.uses(ACCOUNT, named) == before + 1
    assert User("number", NUMBER) in setup.users(ACCOUNT, named)
    change(office, **dict.fromkeys(said))
    assert User("number", NUMBER) not in setup.users(ACCOUNT, named)


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"overflow_pipe_id": "nowhere"}, "unknown_pipe", "overflow.pipe_id"),
        ({"overflow_agent_id": "nobody"}, "unknown_agent", "overflow.agent_id"),
        ({"overflow_number": "+14155550000"}, "unknown_number", "overflow.number"),
        ({"overflow_number": NUMBER}, "invalid_request", "overflow.number"),
        ({"decision_default": "nowhere"}, "unknown_pipe", "decision_default"),
        ({"decision_url": "https://10.0.0.1/callers"}, "invalid_request", "decision_url"),
        ({"decision_url": "http://decide.example/callers"}, "invalid_request", "decision_url"),
    ],
)
def test_what_is_not_the_accounts_or_leads_inward_is_refused_by_its_field(
    office: Office, said: dict[str, str], code: str, field: str
) -> None:
    before = office.numbers.find(ACCOUNT, NUMBER)
    with refused(code, field):
        change(office, **said)
    assert office.numbers.find(ACCOUNT, NUMBER) == before


def test_the_agent_that_a_number_is_attached_to_may_be_its_overflow_too(office: Office) -> None:
    kept = office.numbers.change(ACCOUNT, NUMBER, {"agent_id": "sales", "overflow_agent_id": "sales"}, None)
    assert (kept.number.agent_id, kept.number.overflow_agent_id) == ("sales", "sales")
    kept = office.numbers.detach(ACCOUNT, NUMBER, None)
    assert number_view(kept)["overflow"] == {"agent_id": "sales"}


def test_a_number_that_another_one_overflows_to_is_not_deleted_until_it_is_named_no_more(office: Office) -> None:
    change(office, overflow_number=ANOTHER)
    with refused("number_in_use", "number") as told:
        office.numbers.delete(ACCOUNT, ANOTHER, None)
    assert told.value.errors[0].message == NUMBER
    change(office, overflow_number=None)
    office.numbers.delete(ACCOUNT, ANOTHER, None)
    assert office.routing.number(ACCOUNT, ANOTHER) is None


def test_a_number_that_is_named_while_it_is_deleted_stays(office: Office) -> None:
    rows, other = office.numbers.rows, office.numbers.find(ACCOUNT, ANOTHER)
    seen = rows.uses(ACCOUNT, ANOTHER)
    change(office, overflow_number=ANOTHER)
    with pytest.raises(NumberChanged):
        rows.delete(ACCOUNT, other, uses=seen)
    assert office.routing.number(ACCOUNT, ANOTHER) == other


def test_what_is_deleted_while_it_is_named_is_not_named(office: Office) -> None:
    before = office.numbers.find(ACCOUNT, NUMBER)
    after = office.numbers.callers.changed(ACCOUNT, before, {"overflow_number": ANOTHER})
    office.numbers.delete(ACCOUNT, ANOTHER, None)
    with pytest.raises(HolderGone):
        office.numbers.rows.write(ACCOUNT, before, after)
    assert office.numbers.find(ACCOUNT, NUMBER) == before


def test_the_decision_secret_is_made_once_and_shown_by_no_view(office: Office) -> None:
    made = office.numbers.change(ACCOUNT, NUMBER, {"decision_url": URL}, None)
    secret = made.new_secret
    assert secret is not None and secret.startswith("whsec_")
    sealed = made.number.decision_secret
    assert sealed is not None and is_sealed(sealed)
    assert office.numbers.secrets.open(ACCOUNT, NUMBER, sealed) == secret
    moved = office.numbers.change(ACCOUNT, NUMBER, {"decision_url": URL + "/2", "decision_default": "reject"}, None)
    assert (moved.new_secret, moved.number.decision_secret) == (None, sealed)
    assert secret not in str(number_view(moved)) + repr(made) + repr(moved)


def test_another_decision_secret_takes_the_place_of_the_old_one(office: Office) -> None:
    old = office.numbers.change(ACCOUNT, NUMBER, {"decision_url": URL}, None).new_secret
    rotated = office.numbers.rotate_decision_secret(ACCOUNT, NUMBER, None)
    assert rotated.new_secret not in {None, old}
    kept = office.numbers.find(ACCOUNT, NUMBER).decision_secret
    assert kept is not None and office.numbers.secrets.open(ACCOUNT, NUMBER, kept) == rotated.new_secret
    assert rotated.new_secret not in str(office.aws.items())


def test_a_secret_of_a_release_that_sealed_none_is_sealed_with_the_next_change(office: Office) -> None:
    plain = replace(office.numbers.find(ACCOUNT, NUMBER), decision_url=URL, decision_secret="whsec_b2xk")
    office.numbers.routing.put_number(ACCOUNT, plain)
    changed = office.numbers.change(ACCOUNT, NUMBER, {"decision_default": "reject"}, None)
    kept = changed.number.decision_secret
    assert changed.new_secret is None
    assert kept is not None and is_sealed(kept) and office.numbers.secrets.open(ACCOUNT, NUMBER, kept) == "whsec_b2xk"


def test_a_decision_url_that_is_taken_back_takes_its_secret_along(office: Office) -> None:
    old = office.numbers.change(ACCOUNT, NUMBER, {"decision_url": URL}, None).new_secret
    assert change(office, decision_url=None).decision_secret is None
    with refused("no_decision_url"):
        office.numbers.rotate_decision_secret(ACCOUNT, NUMBER, None)
    assert office.numbers.change(ACCOUNT, NUMBER, {"decision_url": URL}, None).new_secret not in {None, old}


THIRD = "+14155550998"


def test_numbers_do_not_overflow_in_a_chain(office: Office) -> None:
    change(office, overflow_number=ANOTHER)
    for number, other in ((ANOTHER, NUMBER), (ANOTHER, THIRD), (THIRD, NUMBER)):
        if office.routing.number(ACCOUNT, THIRD) is None:
            office.numbers.bring(ACCOUNT, THIRD, {})
        with refused("overflow_chained", "overflow.number"):
            office.numbers.change(ACCOUNT, number, {"overflow_number": other}, None)
    office.numbers.change(ACCOUNT, THIRD, {"overflow_number": ANOTHER}, None)
    office.numbers.change(ACCOUNT, ANOTHER, {"overflow_pipe_id": "pipe_1"}, None)


@pytest.mark.parametrize(("number", "other"), [(ANOTHER, NUMBER), (THIRD, NUMBER), (ANOTHER, THIRD)])
def test_of_two_that_would_chain_at_the_same_moment_one_is_refused(
    office: Office, monkeypatch: pytest.MonkeyPatch, number: str, other: str
) -> None:
    office.numbers.bring(ACCOUNT, THIRD, {})
    write = NumberRows.write

    def chained_before(self: NumberRows, *said: Any, **more: Any) -> None:
        monkeypatch.setattr(NumberRows, "write", write)
        change(office, overflow_number=ANOTHER)
        write(self, *said, **more)

    monkeypatch.setattr(NumberRows, "write", chained_before)
    with refused("overflow_chained", "overflow.number"):
        office.numbers.change(ACCOUNT, number, {"overflow_number": other}, None)
    assert office.numbers.find(ACCOUNT, number).overflow_number is None
