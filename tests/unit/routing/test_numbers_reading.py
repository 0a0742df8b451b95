"""Numbers as people and trunks write them: one number, kept as E.164, or a reason why it is none."""

import subprocess
import sys

import pytest

from ringline.routing.numbers import NotANumber, dialed_numbers, is_country, number_to_call, read_number


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("+15550100200", None, "+15550100200"),
        ("+1 555 010 0200", None, "+15550100200"),
        (" +1 (555) 010-0200 ", None, "+15550100200"),
        ("+1.555.010.0200", None, "+15550100200"),
        ("+1\u00a0555\u2011010\u20130200", None, "+15550100200"),
        ("\u202a+1 555 010 0200\u202c", None, "+15550100200"),
        ("\uff0b\uff11 555 010 0200", None, "+15550100200"),
        ("+\u0661 \u0665\u0665\u0665 \u0660\u0661\u0660 \u0660\u0662\u0660\u0660", None, "+15550100200"),
        ("001 555 010 0200", None, "+15550100200"),
        ("011 44 20 7183 8750", None, "+442071838750"),
        ("00 44 20 7183 8750", None, "+442071838750"),
        ("tel:+1-555-010-0200", None, "+15550100200"),
        ("tel:555-010-0200;phone-context=+1", None, "+15550100200"),
        ("+44 (0)20 7183 8750", None, "+442071838750"),
        ("+39 06 1234 5678", None, "+390612345678"),
        ("(555) 010-0200", "US", "+15550100200"),
        ("1 555 010 0200", "US", "+15550100200"),
        ("011 1 555 010 0200", "US", "+15550100200"),
        ("001 555 010 0200", "US", "+15550100200"),
        ("442071838750", "US", "+442071838750"),
        ("020 7183 8750", "GB", "+442071838750"),
        ("442071838750", "GB", "+442071838750"),
        ("4930123456", "DE", "+4930123456"),
        ("9112345678", "IN", "+919112345678"),
        ("030 123456", "DE", "+4930123456"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("+1 555 010 0200", "GB", "+15550100200"),
    ],
)
def test_a_number_is_read_whatever_stands_between_its_digits(text: str, country: str | None, number: str) -> None:
    assert read_number(text, country) == number


@pytest.mark.parametrize(
    ("text", "country", "why"),
    [
        ("", None, "other signs"),
        ("+", None, "other signs"),
        ("call me", "US", "other signs"),
        ("+1 555 010 0200 ext 5", None, "other signs"),
        ("1-800-FLOWERS", "US", "other signs"),
        ("tel:+1-555-010-0200;ext=5", None, "extension"),
        ("sip:+15550100200@example.com", None, "SIP address"),
        ("(555) 010-0200", None, "does not tell its country"),
        ("15550100200", None, "does not tell its country"),
        ("020 7183 8750", None, "does not tell its country"),
        ("020 7183 8750", "XX", "default country is none"),
        ("+1 555 010", None, "fewer digits"),
        ("911", "US", "fewer digits"),
        ("555 01002", "US", "fewer digits"),
        ("+1 555 010 0200 12", None, "more digits"),
        ("+999 123 456 789", None, "no country's code"),
        ("1" * 81, "US", "too long"),
        ("4921123456", "DE", "two numbers"),
    ],
)
def test_what_cannot_be_a_number_is_told_why(text: str, country: str | None, why: str) -> None:
    with pytest.raises(NotANumber, match=why) as refused:
        read_number(text, country)
    assert not any(digit in str(refused.value) for digit in "0123456789"), "a reason is logged, and shows no number"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("+1555010020", "fewer digits"),
        ("+155501002000", "more digits"),
        ("+4477009", "fewer digits"),
        ("+99912345678", "no country's code"),
        ("(555) 010-0200", "does not tell its country"),
    ],
)
def test_a_number_to_call_has_as_many_digits_as_its_countrys_however_it_is_written(text: str, why: str) -> None:
    with pytest.raises(NotANumber, match=why):
        number_to_call(text)


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("+15550100200", None, "+15550100200"),
        ("+442071838750", None, "+442071838750"),
        ("+4402071838750", None, "+442071838750"),
        ("+390612345678", None, "+390612345678"),
        ("+881612345678", None, "+881612345678"),
        ("(555) 010-0200", "US", "+15550100200"),
    ],
)
def test_a_number_to_call_is_kept_as_e164(text: str, country: str | None, number: str) -> None:
    assert number_to_call(text, country) == number


@pytest.mark.parametrize(
    ("told", "country", "numbers"),
    [
        ("+15550100900", None, ("+15550100900",)),
        ("15550100900", None, ("+15550100900",)),
        ("tel:+15550100900", None, ("+15550100900",)),
        ("tel:+1-555-010-0900", None, ("+15550100900",)),
        ("+1 555 010 0900", None, ("+15550100900",)),
        ("0015550100900", None, ("+15550100900",)),
        ("01115550100900", None, ("+15550100900",)),
        ("sip:+15550100900@sbc.example.com", None, ("+15550100900",)),
        ("<sip:+15550100900;npdi=yes@sbc.example.com;user=phone>", None, ("+15550100900",)),
        ("sip:15550100900@sbc.example.com", None, ("+15550100900",)),
        ("+15550100900@sbc.example.com", None, ("+15550100900",)),
        ("+15550100900;npdi=yes;rn=+15550100000", None, ("+15550100900",)),
        ("sip:+15550100900;npdi=yes@sbc.example.com", None, ("+15550100900",)),
        ("5550100900;phone-context=+1", None, ("+15550100900",)),
        ("sip:5550100900;phone-context=+1@sbc.example.com;user=phone", None, ("+15550100900",)),
        ("%2B15550100900", None, ("+15550100900",)),
        ("sip:%2B15550100900@sbc.example.com", None, ("+15550100900",)),
        ("5550100900", "US", ("+15550100900", "+5550100900")),
        ("5550100900", None, ("+5550100900",)),
        ("020 7183 8750", "GB", ("+442071838750",)),
        ("4921123456", "DE", ("+494921123456", "+4921123456")),
        ("anonymous", None, ()),
        ("anonymous", "US", ()),
        ("sip:anonymous@anonymous.invalid", "US", ()),
        ("", None, ()),
        ("+", None, ()),
        (None, "US", ()),
    ],
)
def test_a_trunk_may_mean_these_numbers(told: str | None, country: str | None, numbers: tuple[str, ...]) -> None:
    assert dialed_numbers(told, country) == numbers


@pytest.mark.parametrize(("text", "is_one"), [("US", True), ("DE", True), ("us", False), ("XX", False), ("", False)])
def test_a_country_is_named_by_its_two_letters(text: str, is_one: bool) -> None:
    assert is_country(text) is is_one


def test_the_library_is_loaded_only_for_what_is_not_e164_already() -> None:
    code = (
        "import sys; from ringline.routing.numbers import dialed_numbers, read_number;"
        "read_number('+15550100200', 'US'); dialed_numbers('15550100900'); print('phonenumbers' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": "layers/core"}, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "False"
