"""Which page answers what, and what becomes of a failure."""

from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from cli.console.pages import calls, now, one_call, setup, webhooks
from cli.console.parts.asked import Answer, Asked, go_to
from cli.console.parts.html import page, static
from cli.console.parts.office import Office
from cli.console.parts.shell import shell_of
from cli.model.failures import Failure, problem_document

type Page = Callable[[Office, Asked], Answer]

ANY = "*"
"""Stands for a segment that names a thing."""

PAGES: dict[tuple[str, ...], Page] = {
    ("now",): now.now,
    ("parts", "health"): now.health,
    ("calls",): calls.calls,
    ("calls", ANY): one_call.one_call,
    ("webhooks",): webhooks.webhooks,
    ("endpoints", ANY): webhooks.endpoint,
    ("deliveries", ANY): webhooks.delivery,
    ("setup",): setup.setup,
    ("parts", "doctor"): setup.doctor,
}
"""What is looked at, and changes nothing."""

ACTIONS: dict[tuple[str, ...], Page] = {
    ("calls", ANY, "hang-up"): one_call.hang_up,
    ("calls", ANY, "retry"): one_call.retry,
    ("deliveries", ANY, "redeliver"): webhooks.redeliver,
    ("endpoints", ANY, "replay"): webhooks.replay,
    ("endpoints", ANY, "replays", ANY, "stop"): webhooks.stop,
}
"""What is done."""


def answer(office: Office, asked: Asked) -> Answer:
    """The answer to whatever is asked for. Raises nothing that is foreseeable."""
    if asked.method == "GET" and asked.path in {(), ("",)}:
        return go_to("now")
    if asked.method == "GET" and asked.path[:1] == ("static",):
        return static(asked.path[-1]) or _failed(office, asked, _no_page())
    found = _page(PAGES if asked.method == "GET" else ACTIONS, asked.path)
    if found is None:
        return _failed(office, asked, _no_page())
    try:
        return found(office, asked)
    except Failure as failure:
        return _failed(office, asked, failure)
    except (BotoCoreError, ClientError) as error:
        return _failed(office, asked, Failure(problem_document(502, "aws_refused", str(error))))


def _page(pages: dict[tuple[str, ...], Page], path: tuple[str, ...]) -> Page | None:
    fits = (
        page
        for pattern, page in pages.items()
        if len(pattern) == len(path) and all(one in {ANY, other} for one, other in zip(pattern, path, strict=True))
    )
    return next(fits, None)


def _failed(office: Office, asked: Asked, failure: Failure) -> Answer:
    """The page that says what went wrong, with what to do about it. It asks nobody for anything."""
    status = failure.document.get("status")
    return page(
        "failed",
        status if isinstance(status, int) and 400 <= status < 600 else 500,
        shell=shell_of(office, asked),
        problem=failure.document,
        advice=failure.advice,
    )


def _no_page() -> Failure:
    return Failure(problem_document(404, "page_not_found", "There is no such page"))
