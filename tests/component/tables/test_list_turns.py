"""What a list may have at most holds however many add to it at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ringline.accounts.account import Account
from ringline.accounts.bodies import KeyRequest
from ringline.accounts.manage import MOST_KEYS, ManageKeys
from ringline.accounts.store import AccountStore
from ringline.accounts.tables.key_uses import KeyUses
from ringline.runtime.vault.kept import sealer
from ringline.runtime.web.problems import Problem
from ringline.webhooks.bodies import EndpointRequest
from ringline.webhooks.manage import MAX_ENDPOINTS, ManageEndpoints
from ringline.webhooks.model.replay import Replay
from ringline.webhooks.replays import Wanted
from ringline.webhooks.secrets import EndpointSecrets
from ringline.webhooks.tables.endpoints import EndpointStore
from tests.builders import ACCOUNT
from tests.component.one_table import LocalAws
from tests.fakes import HandClock

AT_ONCE = 40


class NoReplays:
    """No endpoint is enabled after a pause."""

    def start(self, account_id: str, endpoint_id: str, wanted: Wanted) -> Replay:
        raise AssertionError(wanted)


def all_at_once(ask: Callable[[], object]) -> dict[str, int]:
    """What became of so many requests that are made in the same moment."""

    def one(_number: int) -> str:
        try:
            ask()
        except Problem as problem:
            return problem.code
        return "made"

    with ThreadPoolExecutor(AT_ONCE) as threads:
        told = list(threads.map(one, range(AT_ONCE)))
    return {code: told.count(code) for code in set(told)}


def test_of_forty_endpoints_at_once_an_account_has_as_many_as_it_may(local: LocalAws) -> None:
    store = EndpointStore(local.dynamodb, local.table_name)
    manage = ManageEndpoints(store, EndpointSecrets(sealer), NoReplays(), HandClock(), allow_private=False)
    request = EndpointRequest(url="https://hooks.example.com/")
    told = all_at_once(lambda: manage.create(ACCOUNT, request))
    assert told == {"made": MAX_ENDPOINTS, "too_many_endpoints": AT_ONCE - MAX_ENDPOINTS}
    assert len(store.endpoints(ACCOUNT)) == MAX_ENDPOINTS
    assert store.delete(ACCOUNT, store.endpoints(ACCOUNT)[0].endpoint_id)
    assert all_at_once(lambda: manage.create(ACCOUNT, request)) == {"made": 1, "too_many_endpoints": AT_ONCE - 1}


def test_of_forty_keys_at_once_an_account_has_as_many_as_it_may(local: LocalAws) -> None:
    store = AccountStore(local.dynamodb, local.table_name)
    store.create_account(Account(ACCOUNT, "Acme", "acme", 1))
    for _ in range(MOST_KEYS - 3):
        store.add_key(ACCOUNT, "an operator's")
    manage = ManageKeys(store, KeyUses(local.dynamodb, local.table_name), HandClock())
    told = all_at_once(lambda: manage.create(ACCOUNT, KeyRequest(name="ours", org_id=None, project_id=None)))
    assert told == {"made": 3, "too_many_keys": AT_ONCE - 3}
    assert len(store.keys(ACCOUNT)) == MOST_KEYS
