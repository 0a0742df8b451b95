"""How many refusals in words who has no good key gets."""

from ringline.accounts.strangers import WORDS_A_MINUTE, WORDS_A_MINUTE_IN_ALL, Strangers
from tests.builders import NOW

MINUTE_MS = 60_000


def test_an_address_gets_so_many_words_a_minute_and_another_one_its_own() -> None:
    strangers = Strangers(lambda: NOW)
    assert [strangers.get_words("192.0.2.1") for _ in range(WORDS_A_MINUTE + 2)] == [True] * WORDS_A_MINUTE + [
        False
    ] * 2
    assert strangers.get_words("192.0.2.2")
    assert strangers.get_words(None)


def test_with_the_next_minute_it_gets_words_again() -> None:
    now = NOW - NOW % MINUTE_MS
    strangers = Strangers(lambda: now)
    while strangers.get_words("192.0.2.1"):
        pass
    now += MINUTE_MS - 1
    assert not strangers.get_words("192.0.2.1")
    now += 1
    assert strangers.get_words("192.0.2.1")


def test_many_addresses_together_get_no_more_than_the_other_functions_bear() -> None:
    strangers = Strangers(lambda: NOW)
    told = [strangers.get_words(f"2001:db8::{number:x}") for number in range(WORDS_A_MINUTE_IN_ALL + 5)]
    assert told.count(True) == WORDS_A_MINUTE_IN_ALL
