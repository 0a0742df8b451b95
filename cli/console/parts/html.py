"""Pages from templates. Every value is escaped where it is put in: no template marks anything as safe."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import DictLoader, Environment, StrictUndefined

from cli.console.parts.asked import Answer
from cli.shown.tables import at, plain
from cli.words.moments import clock_time, date_and_time, length

_ROOM = files("cli.console")
_STATIC = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_BAD = frozenset({"failed", "fail", "disabled", "revoked", "expired", "gone", "gave_up", "ERROR"})
_WORTH_A_LOOK = frozenset({"warn", "failing", "draining", "PENDING_VERIFY", "incomplete"})
_GOOD = frozenset({"ok", "completed", "active", "delivered", "live", "LINKED", "done"})


def page(name: str, status: int = 200, **context: Any) -> Answer:
    """The template of that name, filled in."""
    return Answer(_environment().get_template(f"{name}.html").render(**context).encode(), status)


def static(name: str) -> Answer | None:
    """A style sheet, a script or a picture; None for what there is not."""
    if name not in _STATIC:
        return None
    return Answer((_ROOM / "static" / name).read_bytes(), content_type=_STATIC[name])


def path_to(*segments: str, **query: Any) -> str:
    """A place in the console, behind the token. What is None is not asked for."""
    asked = {name: value for name, value in query.items() if value not in (None, "")}
    path = "/".join(quote(each, safe="") for each in segments)
    return f"{path}?{urlencode(asked)}" if asked else path


def tone(value: Any) -> str:
    """The class of a word that is good, bad or worth a look; empty for any other."""
    word = str(value)
    tones = (("bad", _BAD), ("look", _WORTH_A_LOOK), ("good", _GOOD))
    return next((name for name, words in tones if word in words), "")


@cache
def _environment() -> Environment:
    templates = {
        each.name: each.read_text(encoding="utf-8")
        for each in (_ROOM / "templates").iterdir()
        if each.name.endswith(".html")
    }
    made = Environment(
        loader=DictLoader(templates), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals |= {"path_to": path_to, "tone": tone}
    made.filters |= {
        "at": at,
        "plain": plain,
        "as_json": _as_json,
        "length": length,
        "moment": date_and_time,
        "clock": clock_time,
    }
    return made


def _as_json(value: Mapping[str, Any] | Sequence[Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)
