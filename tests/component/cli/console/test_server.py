"""The console's server: this machine alone, and only who knows the token."""

from collections.abc import Iterator

import httpx
import pytest

from cli.console.parts.asked import Answer, Asked, go_to
from cli.console.server import serving
from cli.model.failures import Usage
from tests.component.cli.terminal import Terminal

TOKEN = "a-token-of-the-test"


class Console:
    """A server whose pages note what they are asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return go_to("now?done=it") if asked.method == "POST" else Answer(b"a page")


@pytest.fixture
def console() -> Console:
    return Console()


@pytest.fixture
def address(console: Console) -> Iterator[str]:
    with serving(0, TOKEN, console.answer) as served:
        yield served


def test_who_knows_the_token_gets_the_page(console: Console, address: str) -> None:
    answer = httpx.get(f"{address}calls/call_1%2F?account=a%26b&empty=")
    assert (answer.status_code, answer.text) == (200, "a page")
    assert console.asked == [Asked("GET", ("calls", "call_1/"), {"account": "a&b"})]
    assert address.startswith("http://127.0.0.1:")


def test_a_page_is_kept_nowhere_and_runs_nothing_of_others(address: str) -> None:
    headers = httpx.get(f"{address}now").headers
    assert headers["cache-control"] == "no-store" and headers["x-content-type-options"] == "nosniff"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none';") and "frame-ancestors 'none'" in policy and "unsafe" not in policy


@pytest.mark.parametrize("path", ["/", "/now", "/wrong/now", f"/{TOKEN[:-1]}/now", f"/{TOKEN}x/now", "/%C3%A4/now"])
def test_without_the_token_there_is_nothing(console: Console, address: str, path: str) -> None:
    server = address.removesuffix(f"/{TOKEN}/")
    assert httpx.get(server + path).status_code == 404
    assert httpx.post(server + path, data={"a": "b"}).status_code == 404
    assert console.asked == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "localhost.evil"])
def test_a_name_that_was_made_to_lead_here_is_refused(console: Console, address: str, host: str) -> None:
    assert httpx.get(f"{address}now", headers={"host": host}).status_code == 421
    assert httpx.post(f"{address}now", headers={"host": host}).status_code == 421
    assert console.asked == []


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:1"},
     {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}],
)  # fmt: skip
def test_a_form_of_another_page_is_refused_whatever_it_knows(
    console: Console, address: str, headers: dict[str, str]
) -> None:
    assert httpx.post(f"{address}calls/call_1/hang-up", headers=headers).status_code == 403
    assert console.asked == []


def test_a_form_of_its_own_is_taken_and_leads_on(console: Console, address: str) -> None:
    own = address.removesuffix(f"/{TOKEN}/")
    headers = {"origin": own, "sec-fetch-site": "same-origin"}
    answer = httpx.post(f"{address}calls/call_1/retry?account=a", data={"once": "1&2"}, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/{TOKEN}/now?done=it")
    assert console.asked == [Asked("POST", ("calls", "call_1", "retry"), {"account": "a"}, {"once": "1&2"})]


def test_a_form_of_a_size_that_none_of_ours_has_is_refused(console: Console, address: str) -> None:
    assert httpx.post(f"{address}now", content=b"x" * 70_000).status_code == 413
    assert console.asked == []


def test_a_port_that_is_taken_is_named(address: str) -> None:
    port = int(address.split(":")[2].split("/")[0])
    with pytest.raises(Usage, match=str(port)):
        with serving(port, TOKEN, lambda _asked: Answer()):
            pass


def test_the_command_tells_the_address_and_serves_until_it_is_interrupted(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[httpx.Response] = []
    opened: list[str] = []

    def look(_seconds: float) -> None:
        seen.extend(httpx.get(opened[0], follow_redirects=True) for _ in range(2))
        raise KeyboardInterrupt

    monkeypatch.setattr("webbrowser.open", opened.append)
    terminal.while_waiting = look
    told = terminal.type("console")
    assert told.exit_code == 0 and "Ctrl-C ends it" in told.err
    address = told.out.strip()
    assert "Acme" in seen[0].text and str(seen[0].url) == f"{address}now"
    assert len(address.rstrip("/").rpartition("/")[2]) >= 32, "nobody guesses the token"
    assert seen[1].status_code == 404, "what the browser was started with is void"
    with pytest.raises(httpx.ConnectError):
        httpx.get(address)


def test_the_token_is_no_argument_of_a_browser(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: list[str] = []

    def ctrl_c(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("webbrowser.open", arguments.append)
    terminal.while_waiting = ctrl_c
    token = terminal.type("console").out.strip().rstrip("/").rpartition("/")[2]
    (argument,) = arguments
    assert token not in argument
