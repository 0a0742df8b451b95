"""Which stack a command is for, and the file that holds what is needed for it."""

import json
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from cli.model.failures import Usage
from cli.model.profiles import LOCAL
from cli.settings.running_stack import running_stack
from cli.settings.settings_file import Settings, SettingsFile
from local.stack.record import Stack
from local.tools.places import ROOT
from tests.component.cli.in_process import URL
from tests.component.cli.terminal import Terminal

KEY = "sk_abcdefghijklmnopqrstuvwxyz"


def add(terminal: Terminal, name: str) -> None:
    terminal.done("profile", "add", name, "--api-url", URL, "--api-key", KEY)


def test_a_stack_that_is_up_needs_no_settings(terminal: Terminal) -> None:
    assert terminal.document("profile", "show")["name"] == LOCAL
    assert terminal.document("calls")["data"] == []
    assert not terminal.config.exists()


def test_without_any_stack_it_is_told_how_to_get_one(terminal: Terminal) -> None:
    terminal.running = None
    told = terminal.refused("calls", exit_code=2)
    assert "make up" in told and "ringline profile add" in told


def test_a_profile_is_chosen_by_option_environment_use_and_then_by_itself(terminal: Terminal) -> None:
    add(terminal, "one")
    add(terminal, "two")

    def used(*words: str) -> str:
        return str(terminal.document(*words, "profile", "show")["name"])

    assert used() == LOCAL, "what is up on this machine"
    terminal.done("profile", "use", "two")
    assert used() == "two"
    terminal.environ["RINGLINE_PROFILE"] = "one"
    assert used() == "one"
    assert used("--profile", LOCAL) == LOCAL
    assert terminal.document("profile", "show", "--profile", "two")["name"] == "two"
    del terminal.environ["RINGLINE_PROFILE"]
    terminal.done("profile", "remove", "two")
    terminal.running = None
    assert used() == "one", "the only one there is"
    add(terminal, "three")
    assert "none is chosen" in terminal.refused("calls", exit_code=2)
    assert "no profile nobody" in terminal.refused("--profile", "nobody", "calls", exit_code=2)


def test_keys_are_kept_for_their_owner_alone_and_never_shown(terminal: Terminal) -> None:
    add(terminal, "prod")
    terminal.config.chmod(0o644)
    add(terminal, "prod")
    assert terminal.config.stat().st_mode & 0o777 == 0o600
    assert KEY in terminal.config.read_text()
    shown = (
        terminal.done("profile", "list")
        + terminal.done("profile", "show", "prod")
        + terminal.done("--json", "profile", "list")
    )
    assert KEY not in shown and KEY[:7] in shown


def test_adding_a_profile_again_changes_what_is_named(terminal: Terminal) -> None:
    add(terminal, "prod")
    terminal.done("profile", "add", "prod", "--stack", "ringline", "--region", "eu-west-1")
    shown = terminal.document("profile", "show", "prod")
    assert (shown["api_url"], shown["stack"], shown["region"]) == (URL, "ringline", "eu-west-1")


def test_a_key_is_read_from_the_environment_and_not_only_from_the_command_line(terminal: Terminal) -> None:
    terminal.environ["RINGLINE_API_KEY"] = KEY
    terminal.done("profile", "add", "prod", "--api-url", URL)
    assert SettingsFile({"RINGLINE_CONFIG": str(terminal.config)}).read().profiles["prod"].api_key == KEY


def test_a_key_that_is_kept_is_not_replaced_by_one_of_the_environment(terminal: Terminal) -> None:
    add(terminal, "prod")
    terminal.environ["RINGLINE_API_KEY"] = "sk_of_another_account"
    terminal.done("profile", "add", "prod", "--region", "eu-west-1")
    terminal.done("profile", "add", "prod", "--api-url", URL)
    terminal.done("profile", "add", "operator", "--stack", "ringline")
    profiles = SettingsFile({"RINGLINE_CONFIG": str(terminal.config)}).read().profiles
    assert (profiles["prod"].api_key, profiles["operator"].api_key) == (KEY, None)


@pytest.mark.parametrize(
    "text",
    ["profiles = 3", "[profiles.prod]\napi_uri = 'x'", "[profiles.prod]\napi_url = 3", "[[", "[profiles]\nprod = 1"],
)
def test_a_settings_file_that_is_wrong_is_told_by_its_path(terminal: Terminal, text: str) -> None:
    terminal.config.write_text(text)
    assert str(terminal.config) in terminal.refused("calls", exit_code=2)


@pytest.mark.parametrize("name", [LOCAL, "no/name", ""])
def test_a_profile_needs_a_name_of_its_own(terminal: Terminal, name: str) -> None:
    assert "name" in terminal.refused("profile", "add", name, "--api-url", URL, "--api-key", KEY, exit_code=2)


def test_a_profile_needs_an_address(terminal: Terminal) -> None:
    assert "--api-url" in terminal.refused("profile", "add", "prod", exit_code=2)
    assert "--api-url" in terminal.refused("profile", "add", "prod", "--api-url", "api.example.com", exit_code=2)


@pytest.mark.parametrize("url", ["https://host:port", "https://", "https://[::1", "ftp://api.example.com"])
def test_a_url_that_is_none_is_not_kept(terminal: Terminal, url: str) -> None:
    told = terminal.refused("profile", "add", "bad", "--api-url", url, "--api-key", KEY, exit_code=2)
    assert "--api-url" in told and not terminal.config.exists()


@pytest.mark.parametrize("key", ["sk_kl\u00fcssel", "sk_a b", "sk_ab\n"])
def test_a_key_that_can_be_none_is_not_kept(terminal: Terminal, key: str) -> None:
    told = terminal.refused("profile", "add", "bad", "--api-url", URL, "--api-key", key, exit_code=2)
    assert "--api-key" in told and not terminal.config.exists()


@pytest.mark.parametrize(
    ("url", "key", "says"),
    [("https://host:port", KEY, "https://host:port is no URL"), (URL, "sk_kl\u00fcssel", "characters that no key has")],
)
def test_what_a_former_release_kept_is_told_and_no_traceback(terminal: Terminal, url: str, key: str, says: str) -> None:
    terminal.config.write_text(f'[profiles.bad]\napi_url = "{url}"\napi_key = "{key}"\n')
    assert says in terminal.refused("--profile", "bad", "calls", exit_code=2)
    assert says in terminal.type("--profile", "bad", "doctor").out


def test_a_profile_without_a_key_is_told_how_to_get_one(terminal: Terminal) -> None:
    terminal.done("profile", "add", "prod", "--stack", "ringline")
    assert "has no API key" in terminal.refused("--profile", "prod", "calls", exit_code=2)


def test_the_file_is_found_in_the_users_configuration_folder(tmp_path: Path) -> None:
    assert SettingsFile({"XDG_CONFIG_HOME": str(tmp_path)}).path == tmp_path / "ringline" / "config.toml"
    assert SettingsFile({"RINGLINE_CONFIG": "/etc/ringline.toml"}).path == Path("/etc/ringline.toml")


def test_the_running_stack_is_found_by_its_record(tmp_path: Path) -> None:
    environ = {"RINGLINE_STATE_DIR": str(tmp_path)}
    assert running_stack(environ) is None
    kept = dict.fromkeys(Stack.__dataclass_fields__, "x") | {"base_url": URL, "api_key": KEY}
    (tmp_path / "stack.json").write_text(json.dumps(kept))
    found = running_stack(environ)
    assert found is not None and (found.name, found.api_url, found.api_key) == (LOCAL, URL, KEY)


@pytest.mark.parametrize("folder", ["/dev/null", "/nowhere/at/all"])
def test_who_has_no_folder_for_settings_has_none(folder: str) -> None:
    assert SettingsFile({"XDG_CONFIG_HOME": folder}).read() == Settings()


@pytest.mark.parametrize("is_open", [True, False])
def test_a_file_that_may_not_be_read_is_told_of_and_a_closed_folder_holds_no_settings(
    is_open: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refused)
    monkeypatch.setattr("os.access", lambda *_: is_open)
    file = SettingsFile({"XDG_CONFIG_HOME": str(tmp_path)})
    with pytest.raises(Usage, match="cannot be read") if is_open else nullcontext():
        assert file.read() == Settings()


def test_settings_are_utf_8_whatever_the_locale_says(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes('[profiles.prod]\napi_url = "https://телефон.example"\n'.encode())
    asked = "import sys; from cli.settings.settings_file import SettingsFile; "
    asked += "print(ascii(SettingsFile({'RINGLINE_CONFIG': sys.argv[1]}).read().profiles['prod'].api_url))"
    environment = {"PATH": "/usr/bin", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    seen = subprocess.run(
        [sys.executable, "-c", asked, str(path)], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert seen.stdout.strip() == ascii("https://телефон.example")
