"""Failures: words for people, the problem document for programs, on stderr for both."""

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from cli.shown.printable import json_text


def show_problem(console: Console, document: Mapping[str, Any], advice: str = "") -> None:
    """`error: title`, each wrong field below it as `field: message`, and what to do about it."""
    line = Text("error: ", style="bold red")
    line.append(str(document.get("title", "refused")), style="not bold default")
    console.print(line, soft_wrap=True)
    for each in document.get("errors") or ():
        if f"{each.get('field')}: {each.get('message')}" != document.get("title"):
            console.print(Text(f"  {each.get('field')}: {each.get('message')}"), soft_wrap=True)
    for each in document.get("used_by") or ():
        console.print(Text(f"  used by the {each.get('kind')} {each.get('id')}"), soft_wrap=True)
    for each in document.get("candidates") or ():
        console.print(Text(f"  {each.get('id')}  {each.get('name')}"), soft_wrap=True)
    if advice:
        console.print(Text(advice, style="dim"), soft_wrap=True)


def problem_line(document: Mapping[str, Any], advice: str = "") -> str:
    """The document on one line for stderr, with what to do about it."""
    return json_text({**document, "advice": advice} if advice else dict(document), to=sys.stderr)
