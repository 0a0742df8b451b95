"""What a command is handed: the stack it is for, and where its answer goes."""

import errno
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from cli.frame.surroundings import Surroundings
from cli.model.failures import Failure, Usage, problem_document
from cli.model.profiles import LOCAL, Profile
from cli.reach.api import Api, open_api
from cli.settings.settings_file import Settings, SettingsFile
from cli.shown.printable import json_text, printable

if TYPE_CHECKING:
    from cli.reach.deployment import Deployment

_WIDE = 400
"""Columns of what is not a terminal: a program that reads it wants no line broken."""

TOLD_ONCE = frozenset({"raw_key", "secret", "decision_secret", "token"})
"""Fields of the API's answers that nobody can read again."""


@dataclass(frozen=True, slots=True)
class Desk:
    """`json` asks for one JSON document on stdout and nothing else there; `named` is the profile asked for."""

    around: Surroundings
    json: bool = False
    named: str | None = None
    kept: Profile | None = None
    """For a command that goes on for long: the profile that it began with, whatever is chosen meanwhile."""

    @property
    def settings(self) -> SettingsFile:
        return SettingsFile(self.around.environ)

    def profile(self) -> Profile:
        """The stack that the command is for. Raises Usage where there is none, or no one that is meant."""
        if self.kept is not None:
            return self.kept
        chosen = self.chosen_profile()
        if chosen is not None:
            return chosen
        settings = self.settings.read()
        running = self.around.running_stack(self.around.environ)
        if running is not None:
            return running
        if len(settings.profiles) == 1:
            return next(iter(settings.profiles.values()))
        if settings.profiles:
            raise Usage(
                "There are several profiles, and none is chosen",
                advice="`ringline profile use NAME` chooses one, `--profile NAME` names one.",
            )
        raise Usage(
            "There is no stack to talk to: none is up on this machine, and there is no profile",
            advice="`make up` starts one here; `ringline profile add NAME --api-url URL` sets up one that is deployed.",
        )

    def chosen_profile(self) -> Profile | None:
        """The profile that was named: by `--profile`, by RINGLINE_PROFILE or by `profile use`. None where nobody named
        one. Raises Usage for a name that is none's."""
        settings = self.settings.read()
        name = self.named or self.around.environ.get("RINGLINE_PROFILE") or settings.current
        return None if name is None else _by_name(name, settings, self.around.running_stack(self.around.environ))

    def api(self) -> Api:
        """The API with the profile's key. Raises Usage for a profile that lacks one of them."""
        profile = self.profile()
        if profile.api_key is None:
            raise Usage(
                f"The profile {profile.name} has no API key, which this command needs",
                advice=f"`ringline profile add {profile.name} --api-url URL` asks for one.",
            )
        url = profile.api_url or self.around.find_deployment(profile).api_url
        if not url:
            raise Usage(
                f"The profile {profile.name} has no API's URL", advice="`ringline profile add` takes --api-url."
            )
        return open_api(url, profile.api_key, self.around.transport, self.around.sleep)

    def deployment(self) -> "Deployment":
        """The deployment with the operator's AWS credentials."""
        return self.around.find_deployment(self.profile())

    def show(self, document: Any, people: Callable[[], RenderableType | str | None]) -> None:
        """The answer: the document for programs, what `people` makes for people. What can be told this once is told
        on stderr where stdout does not take it."""
        try:
            self._show(document, people)
            sys.stdout.flush()
        except OSError as error:
            if not (isinstance(document, dict) and any(document.get(each) for each in TOLD_ONCE)):
                raise
            leave_stdout()
            sys.stderr.write(json.dumps(document) + "\n")
            title = f"stdout did not take the answer ({error}), which is told only this once: it stands here"
            raise Failure(problem_document(400, "not_written", title)) from None

    def _show(self, document: Any, people: Callable[[], RenderableType | str | None]) -> None:
        if self.json:
            sys.stdout.write(json_text(document, indent=2, to=sys.stdout) + "\n")
            return
        made = people()
        if made is not None:
            self.say(made)

    def say(self, what: RenderableType | str) -> None:
        """A part of the answer, for people only. A line of text is never broken."""
        if not self.json:
            self.out.print(Text(what) if isinstance(what, str) else what, soft_wrap=isinstance(what, str))

    def note(self, text: str) -> None:
        """What is worth knowing beside the answer: on stderr."""
        if not self.json:
            self.err.print(Text(text, style="dim"), soft_wrap=True)

    @property
    def out(self) -> Console:
        return console(sys.stdout)

    @property
    def err(self) -> Console:
        return console(sys.stderr)


class _Console(Console):
    """Rich strips some control characters and lets ESC through: here none is left of what is printed. And it ends the
    process where a pipe's reader is gone, before anybody can say elsewhere what was to be said."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            # What rich itself tells the terminal stands in segments of their own.
            yield segment if segment.control else Segment(printable(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def console(file: Any) -> Console:
    is_terminal = file.isatty()
    return _Console(file=file, highlight=False, markup=False, emoji=False, width=None if is_terminal else _WIDE)


def leave_stdout() -> None:
    """What stdout still holds goes nowhere: written at the process's end, it would fail again."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _by_name(name: str, settings: Settings, running: Profile | None) -> Profile:
    if name == LOCAL:
        if running is None:
            raise Usage("No stack is up on this machine", advice="`make up` starts one.")
        return running
    if name not in settings.profiles:
        known = ", ".join(sorted(settings.profiles)) or "none"
        raise Usage(f"There is no profile {name}; there is {known}", "profile", "`ringline profile add` makes one.")
    return settings.profiles[name]
