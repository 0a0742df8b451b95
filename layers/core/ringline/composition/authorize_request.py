from ringline.accounts.authorize import Authorize
from ringline.accounts.store import AccountStore
from ringline.runtime import aws
from ringline.runtime.settings import SettingsModel, required


class Settings(SettingsModel):
    table_name: str = required("TABLE_NAME")


def compose(settings: Settings) -> Authorize:
    return Authorize(AccountStore(aws.dynamodb(), settings.table_name))
