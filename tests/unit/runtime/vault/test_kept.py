"""The stack's secrets are read once and kept: for how long, and what happens where they cannot be read."""

import json
from collections.abc import Callable

import pytest
from botocore.exceptions import EndpointConnectionError

from ringline.runtime.vault.kept import AGAIN_MS, KEPT_MS, KeptSecrets, SecretMissing


def a_document(**values: list[str]) -> str:
    held = {name: [{"value": value, "made_at": 1} for value in each] for name, each in values.items()}
    return json.dumps({"made_at": 5, "secrets": held})


class Store:
    """Secrets Manager, as far as a process asks it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.fails = False
        self.asked = 0
        self.now = 1_000_000

    def fetch(self) -> str:
        self.asked += 1
        if self.fails:
            raise EndpointConnectionError(endpoint_url="https://secretsmanager.test")
        return self.text

    def secrets(self) -> KeptSecrets:
        return KeptSecrets(self.fetch, lambda: self.now)


def test_nothing_is_read_before_it_is_needed_and_then_once() -> None:
    store = Store(a_document(livekit=["key:one"]))
    secrets = store.secrets()
    assert store.asked == 0
    assert [secrets.current("livekit") for _ in range(3)] == ["key:one"] * 3
    assert (store.asked, secrets.made_at) == (1, 5)


def test_the_value_of_before_is_accepted_beside_the_current_one() -> None:
    secrets = Store(a_document(livekit=["key:two", "key:one"])).secrets()
    assert secrets.current("livekit") == "key:two"
    assert secrets.values("livekit") == ("key:two", "key:one")


def test_what_was_rotated_is_known_after_five_minutes() -> None:
    store = Store(a_document(livekit=["key:one"]))
    secrets = store.secrets()
    secrets.current("livekit")
    store.text = a_document(livekit=["key:two", "key:one"])
    store.now += KEPT_MS - 1
    assert secrets.current("livekit") == "key:one"
    store.now += 1
    assert secrets.current("livekit") == "key:two"


def test_where_it_cannot_be_read_again_what_is_kept_goes_on_and_is_not_asked_for_each_time() -> None:
    store = Store(a_document(livekit=["key:one"]))
    secrets = store.secrets()
    secrets.current("livekit")
    store.fails = True
    store.now += KEPT_MS
    assert [secrets.current("livekit") for _ in range(3)] == ["key:one"] * 3
    assert store.asked == 2
    store.now += AGAIN_MS
    assert secrets.current("livekit") == "key:one"
    assert store.asked == 3


def test_a_document_that_became_unreadable_leaves_what_is_kept() -> None:
    store = Store(a_document(livekit=["key:one"]))
    secrets = store.secrets()
    secrets.current("livekit")
    store.text = "{"
    store.now += KEPT_MS
    assert secrets.current("livekit") == "key:one"


def test_without_ever_having_been_read_it_is_an_error() -> None:
    store = Store(a_document())
    store.fails = True
    secrets = store.secrets()
    with pytest.raises(EndpointConnectionError):
        secrets.current("livekit")
    store.fails = False
    assert secrets.values("livekit") == ()


def test_a_secret_that_is_missing_is_told_with_the_command_that_sets_it() -> None:
    secrets = Store(a_document()).secrets()
    with pytest.raises(SecretMissing, match="ringline secrets set livekit"):
        secrets.current("livekit")


def look_again_at(secrets: KeptSecrets) -> Callable[[], bool]:
    secrets.values("livekit")
    return secrets.look_again


def test_an_unknown_key_has_it_read_anew_at_most_once_in_ten_seconds() -> None:
    store = Store(a_document(livekit=["key:one"]))
    look_again = look_again_at(store.secrets())
    assert [look_again() for _ in range(5)] == [False] * 5
    store.now += AGAIN_MS
    assert [look_again() for _ in range(5)] == [True, *[False] * 4]
    assert store.asked == 2
