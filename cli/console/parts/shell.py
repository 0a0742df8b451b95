"""What every page has around it: where the reader is, and for which account."""

from dataclasses import dataclass

from cli.console.parts.asked import Asked
from cli.console.parts.html import path_to
from cli.console.parts.office import Office

TABS = (("now", "Now", "n"), ("calls", "Calls", "c"), ("webhooks", "Webhooks", "w"), ("setup", "Set-up", "s"))
"""Path, name and key of each page."""

DONE = {
    "hang-up": "Asked to hang up: the call ends as soon as LiveKit has carried it out.",
    "retry": "Called again: this is the new call.",
    "redeliver": "Sent again: what became of it stands among its tries in a moment.",
    "replay": "The replay has begun.",
    "stop": "The replay is stopped.",
}
"""What was done, by the word in the address: nothing else that stands there is shown."""


@dataclass(frozen=True, slots=True)
class Shell:
    """`account_id` is None for the account of the profile's key. `up` leads from the page to the root of all."""

    up: str
    tab: str
    profile: str
    account_id: str | None
    done: str = ""

    def to(self, *segments: str, **query: object) -> str:
        """A place in the console from its root, for the same account."""
        return path_to(*segments, account=self.account_id, **query)

    def link(self, *segments: str, **query: object) -> str:
        """The same, as the page's links have it."""
        return f"{self.up}{self.to(*segments, **query)}"

    @property
    def tabs(self) -> tuple[tuple[str, str, str], ...]:
        return TABS


def shell_of(office: Office, asked: Asked, tab: str = "") -> Shell:
    account_id = asked.query.get("account") or None
    up = "../" * (len(asked.path) - 1)
    return Shell(up, tab, office.profile_name, account_id, DONE.get(asked.query.get("done", ""), ""))
