"""README and docs/sandbox.md say what the sandbox does, and what stands in README works in a shell as it is set."""

import ast
import re
import subprocess
from types import SimpleNamespace
from typing import cast

import pytest
import unpod

from local.pages.sandbox import PAGE, README, page, with_most_used
from local.tools.places import ROOT
from local.trips.runners import Account, a_client

_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def _clients_in(text: str) -> list[unpod.AsyncClient]:
    """The SDK's clients of a page's samples, made as they stand there of a key `sk_fresh`."""
    calls = [
        node
        for block in _BLOCK.findall(text)
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "AsyncClient"
    ]
    names: dict[str, object] = {"AsyncClient": unpod.AsyncClient, "BearerAuth": unpod.BearerAuth}
    names["stack"] = {"base_url": "http://127.0.0.1:8787", "api_key": "sk_fresh"}
    return [eval(ast.unparse(call).replace("sk_...", "sk_fresh"), names) for call in calls]


@pytest.mark.parametrize("path", ["README.md", "docs/sdk.md", "docs/deploy.md"])
def test_a_token_that_is_exported_is_not_sent_in_place_of_a_samples_key(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNPOD_PLATFORM_TOKEN", "sk_stale")
    clients = _clients_in((ROOT / path).read_text())
    assert [client._auth.headers() for client in clients] == [{"Authorization": "Bearer sk_fresh"}]


def test_a_token_that_is_exported_is_not_sent_in_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNPOD_PLATFORM_TOKEN", "sk_stale")
    account = SimpleNamespace(base_url="http://127.0.0.1:8787", api_key="sk_fresh", org_handle="acme")
    assert a_client(cast(Account, account))._auth.headers() == {"Authorization": "Bearer sk_fresh"}


def test_the_readmes_commands_work_in_one_shell_one_after_the_other() -> None:
    first = next(line for line in README.read_text().splitlines() if line.endswith("ringline pipe list"))
    asked = first.removeprefix("$ ").replace("ringline pipe list", "command -v ringline")
    assert "alias" not in first, "a shell knows an alias only on the next line"
    found = subprocess.run(["bash", "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(ROOT / ".venv" / "bin" / "ringline")


def test_the_pages_telephone_book_is_the_sandboxs() -> None:
    assert PAGE.read_text() == page(), "run `make sandbox-table`"


def test_the_readmes_numbers_are_the_sandboxs() -> None:
    assert README.read_text() == with_most_used(README.read_text()), "run `make sandbox-table`"
