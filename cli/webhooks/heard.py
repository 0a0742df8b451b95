"""An event that was heard, for people."""

from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from cli.reach.api import Document
from cli.shown.printable import json_text
from cli.webhooks.forward import Answer
from cli.words.moments import clock_time

_FACTS = ("direction", "from_number", "to_number", "status", "end_reason")


@dataclass(frozen=True, slots=True)
class Heard:
    """`refused` is why a request was not believed; its event is then whatever anybody may have sent, and not shown.
    `answer` is of the server that it was handed on to, where there is one."""

    event: Document
    answer: Answer | None = None
    refused: str | None = None

    def as_json(self) -> Document:
        told: Document = {"event": self.event if self.refused is None else None, "verified": self.refused is None}
        if self.refused is not None:
            told["refused"] = self.refused
        if self.answer is not None:
            told["answer"] = {
                "status_code": self.answer.status_code,
                "says": self.answer.says,
                "duration_ms": self.answer.duration_ms,
            }
        return told


def shown(heard: Heard, *, whole: bool) -> RenderableType:
    """A line, and below it, with `whole`, the event as it came."""
    if heard.refused is not None:
        return Text(f"a request  refused: {heard.refused}", style="red")
    event = heard.event
    data = event.get("data")
    facts: dict[str, Any] = data if isinstance(data, dict) else {}
    line = Text(f"{clock_time(_text(event.get('timestamp')))}  {event.get('type')}")
    if (number := event.get("sequence")) is not None:
        line.append(f"  #{number}", style="dim")
    line.append(f"  {facts.get('call_id') or event.get('id') or ''}")
    line.append("".join(f"  {facts[each]}" for each in _FACTS if facts.get(each)), style="dim")
    if heard.answer is not None:
        line.append(*_answered(heard.answer))
    body = json_text(event, indent=2)
    return Group(line, Text(body, style="dim")) if whole else line


def _answered(answer: Answer) -> tuple[str, str]:
    if answer.status_code is None:
        return f"  no answer: {answer.says}", "red"
    said = "" if answer.is_taken else f" {answer.says}".rstrip()
    return f"  answered {answer.status_code} in {answer.duration_ms} ms{said}", "green" if answer.is_taken else "red"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
