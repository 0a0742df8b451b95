"""Set-up: what the account has, and what the doctor says of it. Of keys their names alone: nothing else is known."""

from typing import Any

from cli.console.parts.asked import Answer, Asked
from cli.console.parts.html import page
from cli.console.parts.office import Office
from cli.console.parts.shell import shell_of

THINGS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Numbers", "/v1/numbers", ("number", "status", "connection_state", "agent_id", "pipe_id")),
    ("Pipes", "/v1/pipes", ("name", "pipe_id", "agent_id", "number", "max_calls")),
    ("Agents", "/v1/agents", ("name", "agent_id", "brain.type", "max_calls")),
    ("Trunks", "/v1/trunks", ("name", "trunk_id", "provider_trunk_id", "type", "status")),
    ("Keys", "/v1/api-keys", ("name", "key_id", "status", "created_at", "expires_at")),
)
"""Each list with its title, its path and its columns."""


def setup(office: Office, asked: Asked) -> Answer:
    """All of it on one page."""
    shell = shell_of(office, asked, "setup")
    api = office.api(shell.account_id)
    things: list[tuple[str, tuple[str, ...], list[dict[str, Any]]]] = [
        (title, columns, list(api.rows(path))) for title, path, columns in THINGS
    ]
    # The doctor asks with the profile's key, and so of its own account, whichever is looked at.
    own = office.own_account()
    is_of_another = own is not None and shell.account_id not in {None, own}
    return page(
        "setup", shell=shell, accounts=office.accounts(), things=things, doctor_of=own if is_of_another else None
    )


def doctor(office: Office, _asked: Asked) -> Answer:
    """Every check of the doctor, which takes seconds."""
    return page("findings", findings=office.findings())
