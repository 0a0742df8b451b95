from aws_lambda_powertools import Logger

from ringline.accounts.authorize import Authorize
from ringline.accounts.last_use import LastUses
from ringline.accounts.rates import KeyRates
from ringline.accounts.store import AccountStore
from ringline.accounts.tables.allowances import KeyRateRows
from ringline.accounts.tables.key_uses import KeyUses
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import SettingsModel, required


class Settings(SettingsModel):
    table_name: str = required("TABLE_NAME")


def compose(settings: Settings, *, clock: Clock, log: Logger) -> Authorize:
    dynamodb, table = aws.dynamodb(), settings.table_name
    rates = KeyRates(KeyRateRows(dynamodb, table), clock)
    return Authorize(AccountStore(dynamodb, table), clock, rates, LastUses(KeyUses(dynamodb, table), clock, log))
