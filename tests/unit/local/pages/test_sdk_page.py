"""docs/sdk.md tells what becomes of each of the SDK's methods, and there is none that it leaves out."""

import inspect
from typing import Any

from unpod import AsyncClient

from local.pages.sdk import PAGE, with_methods
from local.trips.sdk.methods import NOT_SERVED, SERVED


def methods_of(resource: Any, path: str = "") -> set[str]:
    """What a client of the SDK can be asked, by its name: `agents.voice.add`."""
    found = set()
    for name in dir(resource):
        if name.startswith("_"):
            continue
        part = getattr(resource, name)
        if inspect.ismethod(part):
            found.add(f"{path}{name}")
        elif type(part).__module__.startswith("unpod") and not callable(part):
            found |= methods_of(part, f"{path}{name}.")
    return found


def test_the_tour_calls_every_method_of_the_sdk_once() -> None:
    client = AsyncClient(api_key="sk_none", base_url="http://127.0.0.1:9/platform")
    called = [stop.method for stop in (*SERVED, *NOT_SERVED)]
    assert sorted(called) == sorted(methods_of(client) - {"close"})


def test_the_page_says_what_the_tour_calls() -> None:
    page = PAGE.read_text()
    assert with_methods(page) == page
