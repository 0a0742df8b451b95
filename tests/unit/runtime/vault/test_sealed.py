"""Secrets in the table: what is sealed opens with the stack's keys alone, and for what it was sealed."""

import pytest

from ringline.runtime.vault.sealed import NotOpened, Sealer, id_of_key, is_sealed

KEY, LATER_KEY = "k" * 43, "l" * 43
SECRET, OF = "whsec_c2VjcmV0", "acct_1/ep_1"


def a_sealer(*keys: str) -> Sealer:
    return Sealer(lambda: keys)


def test_what_is_sealed_opens_again_and_shows_nothing_of_itself() -> None:
    sealed = a_sealer(KEY).seal(SECRET, OF)
    assert is_sealed(sealed)
    assert SECRET not in sealed
    assert a_sealer(KEY).open(sealed, OF) == SECRET


def test_the_same_secret_is_never_sealed_to_the_same_text() -> None:
    assert a_sealer(KEY).seal(SECRET, OF) != a_sealer(KEY).seal(SECRET, OF)


def test_what_was_sealed_for_one_row_does_not_open_in_another() -> None:
    sealed = a_sealer(KEY).seal(SECRET, OF)
    with pytest.raises(NotOpened, match="something else"):
        a_sealer(KEY).open(sealed, "acct_2/ep_1")


@pytest.mark.parametrize("place", [-3, -20, -40])
def test_a_text_that_was_changed_does_not_open(place: int) -> None:
    sealed = a_sealer(KEY).seal(SECRET, OF)
    changed = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
    with pytest.raises(NotOpened):
        a_sealer(KEY).open(changed, OF)


@pytest.mark.parametrize("rest", ["", "AAAA", "no base64!", "é"])
def test_a_text_that_is_cut_or_senseless_does_not_open(rest: str) -> None:
    with pytest.raises(NotOpened):
        a_sealer(KEY).open(f"sealed1.{id_of_key(KEY)}.{rest}", OF)


def test_a_key_that_was_rotated_goes_on_opening_what_it_sealed() -> None:
    sealed = a_sealer(KEY).seal(SECRET, OF)
    rotated = a_sealer(LATER_KEY, KEY)
    assert rotated.open(sealed, OF) == SECRET
    assert id_of_key(LATER_KEY) in rotated.seal(SECRET, OF)


def test_a_key_that_is_gone_is_named_and_nothing_of_the_secret() -> None:
    sealed = a_sealer(KEY).seal(SECRET, OF)
    with pytest.raises(NotOpened, match=id_of_key(KEY)) as refused:
        a_sealer(LATER_KEY).open(sealed, OF)
    assert SECRET not in str(refused.value)


def test_a_key_that_another_process_has_heard_of_first_is_looked_for_once() -> None:
    known, looked = [KEY], []

    def look_again() -> bool:
        looked.append(1)
        known.insert(0, LATER_KEY)
        return True

    sealed = a_sealer(LATER_KEY).seal(SECRET, OF)
    assert Sealer(lambda: tuple(known), look_again).open(sealed, OF) == SECRET
    assert looked == [1]


def test_what_an_earlier_release_kept_as_it_is_is_itself() -> None:
    assert a_sealer(KEY).open(SECRET, OF) == SECRET
