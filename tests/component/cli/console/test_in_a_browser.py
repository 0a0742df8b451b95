"""The console in headless Chromium, by keyboard and by button. Where RINGLINE_PICTURES names a folder, the pictures of
docs/operating.md are made there.

It is collected by `make console-pictures`, which says how to get a Chromium (conftest.py).
"""

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from cli.console.parts.office import Office
from cli.console.routes import answer
from cli.console.server import serving
from cli.frame.desk import Desk
from ringline.calls.tables.store import CallStore
from tests.builders import ACCOUNT
from tests.component.cli.console.conftest import CHROMIUM
from tests.component.cli.console.scene import Scene, a_busy_afternoon
from tests.component.cli.terminal import Terminal

MOST_BYTES = 150_000
# A busy machine is slow, which is no finding.
expect.set_options(timeout=60_000)
_SIZE: ViewportSize = {"width": 1180, "height": 640}
_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=_QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def scene(terminal: Terminal) -> Scene:
    return a_busy_afternoon(terminal)


@pytest.fixture
def address(terminal: Terminal, scene: Scene) -> Iterator[str]:
    office = Office(Desk(terminal.around()))
    with serving(0, "token-of-the-test", lambda asked: answer(office, asked)) as served:
        yield served


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    """A page that has come to its rest. Whatever the browser complains of fails the test."""
    context = browser.new_context(viewport=_SIZE, color_scheme=request.param, timezone_id="UTC")
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(address) else None)
    page.goto(address)
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def picture(page: Page, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], None]:
    """Takes a picture of what is seen: `now.png`, and `now-dark.png` of the dark one."""
    folder = Path(os.environ.get("RINGLINE_PICTURES") or tmp_path)
    shade = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches ? '-dark' : ''")

    def take(name: str) -> None:
        path = folder / f"{name}{shade}.png"
        page.evaluate("scrollTo(0, 0)")
        path.write_bytes(page.screenshot(animations="disabled", caret="hide"))
        assert path.stat().st_size < MOST_BYTES, f"{path.name} is large"

    return take


def test_the_pages_are_gone_through_by_keyboard(page: Page, scene: Scene, picture: Callable[[str], None]) -> None:
    expect(page.locator("h1")).to_contain_text("Acme")
    expect(page.locator("#live")).to_contain_text("On a line (2)")
    expect(page.locator("[data-part]")).to_contain_text("last_sweep")
    picture("now")
    page.keyboard.press("c")
    expect(page.locator("h1")).to_have_text("Calls")
    expect(page.locator("tr.stuck")).to_contain_text("has waited for 6 min")
    picture("calls")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(scene.stuck)
    page.keyboard.press("w")
    expect(page.locator("main")).to_contain_text("Failing (2)")
    picture("webhooks")
    page.get_by_role("link", name=scene.delivery).click()
    expect(page.locator("main")).to_contain_text("maintenance until 18:00")
    page.keyboard.press("s")
    expect(page.locator("h1")).to_have_text("Set-up")
    expect(page.locator("[data-part]")).to_contain_text("api_key")
    picture("setup")
    page.keyboard.press("c")
    expect(page.locator("h1")).to_have_text("Calls")
    page.keyboard.press("/")
    page.keyboard.type("failed")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("status=failed"))
    expect(page.locator("table.rows")).to_contain_text("USER_BUSY")


def test_a_call_is_looked_at_and_hung_up(
    page: Page, terminal: Terminal, scene: Scene, address: str, picture: Callable[[str], None]
) -> None:
    page.goto(f"{address}calls/{scene.ended}")
    expect(page.locator("rect.talk")).to_have_count(1)
    page.get_by_text("Its record in the table").click()
    expect(page.locator("pre").last).to_contain_text("leg_left_at")
    page.get_by_text("Its record in the table").click()
    picture("call")
    page.goto(f"{address}calls/{scene.stuck}")
    page.get_by_text("Hang up", exact=True).click()
    page.get_by_role("button", name="Yes, hang up").click()
    expect(page.get_by_role("status")).to_contain_text("Asked to hang up")
    call = CallStore(terminal.local.dynamodb, terminal.local.table_name).get(ACCOUNT, scene.stuck)
    assert call is not None and call.state.is_terminal


def test_a_page_looks_again_by_itself(page: Page, terminal: Terminal, scene: Scene) -> None:
    expect(page.locator("#live")).to_contain_text("3 calls wait")
    # Playwright's own event loop runs in this thread, in which no other may be run.
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(terminal.document, "call", "hang-up", scene.stuck).result()
    expect(page.locator("#live")).to_contain_text("2 calls wait")
