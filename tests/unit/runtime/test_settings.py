"""Settings as a checked model: what a function reads of its environment, and what it refuses to start with."""

from copy import replace

import pytest

from ringline.composition import dial_next
from ringline.runtime.settings import (
    SettingsError,
    SettingsModel,
    flag,
    group,
    number,
    optional,
    read,
    required,
    required_url,
    variables_of,
)


class Server(SettingsModel):
    url: str = required_url("SERVER_URL")
    key: str = required("SERVER_KEY")
    nickname: str = "none"


class Named(Server):
    nickname: str = optional("SERVER_NICKNAME")


class Everything(SettingsModel):
    server: Server = group(Server)
    is_on: bool = flag("IS_ON")
    a_second: float = number("CALLS_A_SECOND")


GIVEN = {"SERVER_URL": "https://livekit.example.com", "SERVER_KEY": " key ", "IS_ON": "TRUE", "CALLS_A_SECOND": "2.5"}


def test_settings_are_read_from_the_variables_that_their_fields_name() -> None:
    settings = read(Everything, GIVEN)
    assert (settings.server.url, settings.server.key) == ("https://livekit.example.com", "key")
    assert (settings.is_on, settings.a_second) == (True, 2.5)
    assert variables_of(Everything) == set(GIVEN)


def test_what_may_be_missing_is_empty_false_or_0() -> None:
    settings = read(Everything, {name: GIVEN[name] for name in ("SERVER_URL", "SERVER_KEY")})
    assert (settings.is_on, settings.a_second, settings.server.nickname) == (False, 0, "none")
    assert read(Named, GIVEN).nickname == ""


def test_a_subclass_may_read_what_its_base_has_a_default_for() -> None:
    assert read(Server, {**GIVEN, "SERVER_NICKNAME": "lk"}).nickname == "none"
    assert read(Named, {**GIVEN, "SERVER_NICKNAME": "lk"}).nickname == "lk"
    assert variables_of(Named) - variables_of(Server) == {"SERVER_NICKNAME"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVER_URL", ""),
        ("SERVER_URL", "livekit.example.com"),
        ("SERVER_URL", "ftp://livekit.example.com"),
        ("SERVER_KEY", "  "),
        ("CALLS_A_SECOND", "-1"),
        ("CALLS_A_SECOND", "inf"),
        ("CALLS_A_SECOND", "many"),
    ],
)
def test_a_variable_that_is_wrong_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read(Everything, GIVEN | {name: value})


def test_all_variables_that_are_wrong_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        read(Everything, {"CALLS_A_SECOND": "many"})
    assert all(name in str(refused.value) for name in ("SERVER_URL", "SERVER_KEY", "CALLS_A_SECOND"))


def test_settings_do_not_change_but_are_replaced() -> None:
    settings = read(Named, GIVEN)
    with pytest.raises(AttributeError):
        settings.key = "another"  # type: ignore[misc]
    assert replace(settings, nickname="lk").nickname == "lk"
    assert settings.nickname == ""


def test_a_word_that_answer_from_does_not_have_is_named() -> None:
    given = dict.fromkeys(variables_of(dial_next.Settings), "x") | {
        "LIVEKIT_URL": "http://127.0.0.1:9",
        "TRUNK_CALLS_PER_SECOND": "0",
        "LIVEKIT_REQUESTS_PER_MINUTE": "0",
        "EVENTS_KEPT_DAYS": "30",
        "ANSWER_FROM": "the callee",
    }
    with pytest.raises(SettingsError, match="ANSWER_FROM"):
        read(dial_next.Settings, given)
