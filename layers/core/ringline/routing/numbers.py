"""Phone numbers: kept as E.164, a plus sign and up to 15 digits, and read from what people and trunks write.

Never a guess: what can be read as two numbers is none. Google's phone number library knows each country's numbers. It
takes 0.1 s to load, so it is loaded for the first number that is not E.164 already.
"""

import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

LONGEST_TEXT = 80

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_COUNTRY = re.compile(r"[A-Z]{2}")
# Blanks, dashes, brackets, dots, slashes, and the invisible marks that come along when a contact is copied.
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212./()\[\]\u200b-\u200f\u202a-\u202e\u2060\ufeff]+")
_DIGITS = re.compile(r"\+?[0-9]+")
_SIP = re.compile(r"<?sips?:", re.IGNORECASE)
_TEL = re.compile(r"<?tel:", re.IGNORECASE)
_CONTEXT = re.compile(r";phone-context=(\+[0-9]+)", re.IGNORECASE)

_FROM_ABROAD = ("011", "00")
"""How the plus sign is dialled in North America, and in most other countries."""


class NotANumber(ValueError):
    """The text is no number that can be dialled; the message says why, and never shows it."""


class TwoNumbers(NotANumber):
    """The text can be read as more than one number."""

    def __init__(self, readings: tuple[str, ...]) -> None:
        super().__init__("can be read as two numbers: begin with + and the country's code")
        self.readings = readings


def is_e164(text: str) -> bool:
    """Whether text is a number that can be dialled from anywhere, such as `+15550100200`."""
    return _E164.fullmatch(text) is not None


def is_country(text: str) -> bool:
    """Whether text is a country whose numbers can be read, by its two letters, such as `US`."""
    if _COUNTRY.fullmatch(text) is None:
        return False
    from phonenumbers import SUPPORTED_REGIONS

    return text in SUPPORTED_REGIONS


def read_number(text: str, country: str | None = None) -> str:
    """The number in E.164, whatever stands between its digits. Without its country's code it is one of `country`, if
    that is given (two letters). Raises NotANumber."""
    if is_e164(text):
        return text
    if _SIP.match(text.strip()):
        raise NotANumber("is a SIP address, not a phone number")
    plain = _plain(text)
    if plain.startswith("+"):
        return _possible(plain)
    if country is not None:
        return _national(plain, country)
    for prefix in _FROM_ABROAD:
        if plain.startswith(prefix):
            return _possible("+" + plain.removeprefix(prefix))
    raise NotANumber(
        "does not tell its country: begin with + and the country's code, or have the account given a default country"
    )


def number_to_call(text: str, country: str | None = None) -> str:
    """The same of a number that is to be called: what is E.164 already is held to its country's numbers, too. Whoever
    makes a call loads the library in any case (`destinations`). Raises NotANumber."""
    return _possible(text) if is_e164(text) else read_number(text, country)


def dialed_numbers(text: str | None, country: str | None = None) -> tuple[str, ...]:
    """What a trunk may mean by the number that was dialled, in E.164, the likeliest first: some tell an address, some
    leave the plus sign out. Whoever owns one of them tells which it is. Empty for what is none."""
    told = _user_of((text or "").strip())
    if is_e164(told):
        return (told,)
    try:
        readings: tuple[str, ...] = (read_number(told, country),)
    except TwoNumbers as several:
        readings = several.readings
    except NotANumber:
        readings = ()
    try:
        without_plus = f"+{_plain(told)}"
    except NotANumber:
        return ()
    return tuple(dict.fromkeys((*readings, without_plus) if is_e164(without_plus) else readings))


def _user_of(told: str) -> str:
    """Who is called in a SIP address: `+1555...` of `sip:+1555...;npdi@host`. Its user part may come alone, with the
    parameters of a telephone number behind it, and with its plus sign escaped."""
    if _SIP.match(told) or "@" in told:
        told = _SIP.sub("", told, count=1).split("@")[0]
    told = unquote(told)
    if told.startswith("+"):
        return told.split(";")[0]
    return f"tel:{told}" if ";" in told and not _TEL.match(told) else told


def _plain(text: str) -> str:
    """The digits alone, behind a plus sign if there is one. Raises NotANumber."""
    if len(text) > LONGEST_TEXT:
        raise NotANumber("is too long for a phone number")
    context = ""
    if _TEL.match(text.strip()):
        if ";ext=" in text.lower():
            raise NotANumber("has an extension, which cannot be dialled")
        named = _CONTEXT.search(text)
        context = "" if named is None else named[1]
        text = _TEL.sub("", text.strip(), count=1).rstrip(">").split(";")[0]
    plain = _SEPARATORS.sub("", _with_our_digits(unicodedata.normalize("NFKC", text)))
    if not _DIGITS.fullmatch(plain):
        raise NotANumber("is not a phone number: it has other signs than digits and what parts them")
    return plain if plain.startswith("+") else context + plain


def _with_our_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(sign, sign)) for sign in text)


def _national(plain: str, country: str) -> str:
    """A number as it is written in its country, where it may also be dialled as from abroad or lack its plus sign."""
    if not is_country(country):
        raise NotANumber("does not tell its country, and the default country is none whose numbers are known")
    from phonenumbers import NumberParseException, country_code_for_region, parse

    try:
        at_home = _e164(parse(plain, country))
    except NumberParseException:
        at_home = None
    code = f"+{country_code_for_region(country)}"
    from_abroad = [f"+{plain.removeprefix(prefix)}" for prefix in _FROM_ABROAD if plain.startswith(prefix)]
    read = {_possible_or_none(each) for each in (*from_abroad, f"+{plain}")}
    rivals = sorted(each for each in read if each is not None and each != at_home)
    if at_home is not None:
        # A number of the country goes before one of another country without its plus sign, if it is given out at all.
        ours = _is_valid(at_home)
        rivals = [each for each in rivals if _is_valid(each) and (each.startswith(code) or not ours)]
    readings = (*([] if at_home is None else [at_home]), *rivals)
    if len(readings) > 1:
        raise TwoNumbers(readings)
    return readings[0] if readings else _possible(code + plain)


def _possible(international: str) -> str:
    """Raises NotANumber unless the number has as many digits as its country's have."""
    from phonenumbers import NumberParseException, ValidationResult, is_possible_number_with_reason, parse

    try:
        number = parse(international, None)
    except NumberParseException:
        raise NotANumber("begins with no country's code") from None
    match is_possible_number_with_reason(number):
        case ValidationResult.IS_POSSIBLE:
            pass
        case ValidationResult.TOO_LONG:
            raise NotANumber("has more digits than its country's numbers")
        case ValidationResult.TOO_SHORT | ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            raise NotANumber("has fewer digits than its country's numbers")
        case _:
            raise NotANumber("has not as many digits as its country's numbers")
    return _e164(number) or international


def _possible_or_none(international: str) -> str | None:
    try:
        return _possible(international)
    except NotANumber:
        return None


def _e164(number: "PhoneNumber") -> str | None:
    """None unless the number has as many digits as its country's have."""
    from phonenumbers import PhoneNumberFormat, format_number, is_possible_number_with_reason

    if is_possible_number_with_reason(number) != 0:
        return None
    written = format_number(number, PhoneNumberFormat.E164)
    return written if is_e164(written) else None


def _is_valid(number: str) -> bool:
    """Whether numbers like this are given out by its country."""
    from phonenumbers import is_valid_number, parse

    return is_valid_number(parse(number, None))
