"""How functions read the phone numbers that customers write."""

from collections.abc import Callable

from ringline.accounts.store import AccountStore
from ringline.routing.numbers import is_e164, read_number


def reading_numbers(accounts: AccountStore, default_country: str) -> Callable[[str, str], str]:
    """What reads a number as an account writes it (account, text): E.164, or one of the account's country, or else of
    the deployment's. The country is looked up only where a number does not tell it. It raises NotANumber."""

    def read(account_id: str, text: str) -> str:
        if is_e164(text):
            return text
        return read_number(text, accounts.country_of(account_id) or default_country or None)

    return read
