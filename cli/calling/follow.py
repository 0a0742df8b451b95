"""Follows a call until it is over: each event as it comes."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from cli.frame.desk import Desk
from cli.model.failures import ExitCode
from cli.reach.api import Api, Document
from cli.reach.patience import Patience
from cli.words.moments import clock_time, length
from cli.words.reasons import ended, waits_for
from cli.words.timeline import says
from cli.words.why import OVER

EVERY_S = 0.5


@dataclass
class Follower:
    """Prints what has not been printed yet."""

    desk: Desk
    api: Api
    call_id: str
    _told: set[tuple[Any, ...]] = field(default_factory=set)
    _waited_for: str | None = None
    _patience: Patience = field(default_factory=Patience)
    _console: Console = field(init=False)

    def __post_init__(self) -> None:
        self._console = self.desk.out

    def follow(self) -> Document:
        """The call when it is over, with its `events`. An interrupted command leaves the call running."""
        call: Document = {"call_id": self.call_id}
        try:
            with self._status() as status:
                while call.get("status") not in OVER:
                    call = self._look() or call
                    if status is not None:
                        status.update(Text(f"{call.get('status')}"))
                    if call.get("status") not in OVER:
                        self.desk.around.sleep(EVERY_S)
        except KeyboardInterrupt:
            self.desk.show(call, lambda: None)
            self.desk.note(f"The call goes on. `ringline call hang-up {self.call_id}` ends it,")
            self.desk.note(f"`ringline call follow {self.call_id}` follows it further.")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        return call

    def _status(self) -> Any:
        """A sign of life on a terminal, by the console that prints the lines: two would write over each other."""
        silent = self.desk.json or not self._console.is_terminal
        return nullcontext() if silent else self._console.status("...")

    def _look(self) -> Document | None:
        """The call with its events, which are printed; None while the API is away or busy. Raises that in the end."""
        path = f"/v1/calls/{self.call_id}"
        seen = self._patience.look(lambda: (self.api.get(path), self.api.page(f"{path}/events").rows))
        if seen is None:
            return None
        call, events = seen
        for event in events:
            self._tell(event)
        return call | {"events": events}

    def _tell(self, event: Document) -> None:
        if event["what"] == "waits":
            blocked_by = event.get("blocked_by")
            if blocked_by not in {self._waited_for, "nothing"}:
                self._waited_for = blocked_by
                self._line(event, f"waits: {waits_for(blocked_by).says}")
            return
        key = (event["at"], event["what"], event.get("dial"))
        if key not in self._told:
            self._told.add(key)
            self._line(event, says(event))

    def _line(self, event: Document, text: str) -> None:
        if not self.desk.json:
            self._console.print(Text(f"{clock_time(event['at'])}  {text}"), soft_wrap=True)


def finish(desk: Desk, call: Document) -> None:
    """Says how a followed call ended. Raises typer.Exit with the code of a call that failed."""

    def people() -> Text:
        reason = call.get("end_reason")
        talked = length(call.get("duration_s"))
        line = Text(f"{call.get('status')}", style="green" if call.get("status") == "completed" else "red")
        line.append(f"  {reason}" + (f", {talked} of conversation" if talked else ""), style="default")
        line.append(f"\n{ended(reason).says}", style="dim")
        return line

    desk.show(call, people)
    if call.get("status") == "failed":
        raise typer.Exit(ExitCode.CALL_FAILED)
