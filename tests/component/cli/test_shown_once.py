"""What is shown this once is never lost: not where it cannot be kept, nor where its reader is gone."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from cli.settings.settings_file import Settings, SettingsFile
from ringline.accounts.authorize import Authorize, Authorized
from ringline.accounts.store import AccountStore
from tests.builders import ACCOUNT
from tests.component.cli.terminal import OURS, Terminal


def opens_the_api(terminal: Terminal, raw_key: str) -> bool:
    authorize = Authorize(AccountStore(terminal.local.dynamodb, terminal.local.table_name))
    return isinstance(authorize.verdict({"authorization": f"Bearer {raw_key}"}), Authorized)


def is_a_folder(path: Path) -> None:
    path.mkdir()


def is_below_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.touch()


@pytest.mark.parametrize("it", [is_a_folder, is_below_a_file])
def test_no_account_is_made_whose_key_cannot_be_kept(terminal: Terminal, it: Callable[[Path], None]) -> None:
    terminal.config = terminal.config.with_name("settings") / "config.toml"
    terminal.config.parent.mkdir()
    it(terminal.config)
    before = terminal.local.items()
    told = terminal.refused("account", "create", "Globex", "--save-profile", "globex", exit_code=2)
    assert f"{terminal.config} cannot be" in told
    assert terminal.local.items() == before


def test_a_profile_that_is_there_is_not_replaced_by_a_new_accounts(terminal: Terminal) -> None:
    terminal.done("account", "create", "Globex", "--save-profile", "prod")
    kept, before = terminal.config.read_text(), terminal.local.items()
    told = terminal.refused("account", "create", "Initech", "--save-profile", "prod", exit_code=2)
    assert "There is a profile prod already" in told
    assert (terminal.config.read_text(), terminal.local.items()) == (kept, before)


def test_a_key_that_could_not_be_kept_after_all_is_shown(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SettingsFile, "check_writable", lambda _self: None)
    terminal.config.mkdir()
    monkeypatch.setattr(SettingsFile, "read", lambda _self: Settings())
    told = terminal.type("account", "create", "Globex", "--save-profile", "globex")
    (raw_key,) = (word for word in told.out.split() if word.startswith("sk_"))
    assert opens_the_api(terminal, raw_key)
    assert told.exit_code == 2 and "cannot be written" in told.err
    assert "ringline profile add globex" in told.err and "is kept" not in told.out
    told = terminal.type("--json", "account", "create", "Initech", "--save-profile", "initech")
    assert opens_the_api(terminal, told.document["raw_key"]) and told.problem["code"] == "usage"


NEW_KEY = ("account", "create", "Globex")
KEY_OF = ("account", "key", ACCOUNT)
CREATE_KEY = ("key", "create")
WEBHOOK = ("webhook", "create", "https://example.com/hook")
DECISION = ("number", "set", OURS, "--decision-url", "https://decide.example/callers")


@pytest.mark.parametrize("words", [NEW_KEY, KEY_OF, CREATE_KEY, WEBHOOK, DECISION])
@pytest.mark.parametrize("as_json", [True, False])
def test_a_secret_that_stdout_does_not_take_is_shown_on_stderr(
    terminal: Terminal, words: tuple[str, ...], as_json: bool
) -> None:
    terminal.done("number", "add", OURS)
    told = terminal.type_where_stdout_is_full(*words, *(["--json"] if as_json else []))
    assert told.exit_code == 1
    assert any(secret in told.err for secret in ("sk_", "whsec_")), told.err
    assert "No space left on device" in told.err


@pytest.mark.parametrize("as_json", [True, False])
def test_an_answer_that_stdout_does_not_take_is_a_failure_and_no_traceback(terminal: Terminal, as_json: bool) -> None:
    told = terminal.type_where_stdout_is_full("number", "list", *(["--json"] if as_json else []))
    assert told.exit_code == 1
    assert "stdout did not take the answer: No space left on device" in told.err


def test_a_key_whose_answer_got_lost_is_told_to_be_looked_for(terminal: Terminal) -> None:
    key_id = terminal.document(*CREATE_KEY)["key_id"]
    listed = httpx.Response(200, json=terminal.document("key", "list"))
    for words, answers in ((CREATE_KEY, []), (("key", "rotate", key_id), [listed])):
        terminal.api.answers_first = [*answers, httpx.ReadTimeout("")]
        assert "`key revoke` ends it" in terminal.refused(*words, exit_code=3)
