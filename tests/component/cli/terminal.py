"""A terminal at which tests type commands."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from cli.frame.surroundings import Surroundings
from cli.model.profiles import LOCAL, Profile
from cli.reach.deployment import Deployment
from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.routing.records import Agent, Number, Pipe
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import now_ms
from tests.builders import ACCOUNT
from tests.component.cli.in_process import URL, InProcess
from tests.component.one_table import LocalAws
from tests.typed_commands import typed

OURS, THEIRS = "+15551230001", "+15551230002"
CALLEE = "+15550100200"


@dataclass(frozen=True, slots=True)
class Told:
    """What a command came to."""

    exit_code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def problem(self) -> Any:
        return json.loads(self.err)


@dataclass
class Terminal:
    """Types commands for the stack of `local`. `while_waiting` is called in place of each wait."""

    local: LocalAws
    config: Path
    api: InProcess
    running: Profile | None
    while_waiting: Callable[[float], None] = lambda _seconds: None
    environ: dict[str, str] = field(default_factory=dict)
    waits: int = 0
    find: Callable[[Profile], Deployment] | None = None
    transport: httpx.BaseTransport | None = None
    now_ms: int = field(default_factory=now_ms)

    def type(self, *words: str) -> Told:
        told = typed(list(words), self.around())
        return Told(told.exit_code, told.stdout, told.stderr)

    def type_where_stdout_is_full(self, *words: str) -> Told:
        """Types a command whose stdout is a file on a disk that has no room."""
        with Path("/dev/full").open("w") as full:
            told = typed(list(words), self.around(), full)
        return Told(told.exit_code, told.stdout, told.stderr)

    def done(self, *words: str) -> str:
        """What a command that succeeds prints."""
        told = self.type(*words)
        assert (told.exit_code, told.err) == (0, ""), told
        return told.out

    def document(self, *words: str) -> Any:
        """The JSON document of a command that succeeds."""
        return json.loads(self.done("--json", *words))

    def refused(self, *words: str, exit_code: int = 1) -> str:
        """The error of a command that fails. It prints nothing else."""
        told = self.type(*words)
        assert (told.exit_code, told.out) == (exit_code, ""), told
        assert told.err.startswith("error: ")
        return told.err.removeprefix("error: ").strip()

    def around(self) -> Surroundings:
        return Surroundings(
            environ={"RINGLINE_CONFIG": str(self.config), **self.environ},
            transport=self.transport or self.api,
            find_deployment=self.find or self._deployment,
            running_stack=lambda _environ: self.running,
            sleep=self._wait,
            clock=lambda: self.now_ms,
        )

    def _deployment(self, _profile: Profile) -> Deployment:
        return Deployment(self.local.dynamodb, self.local.sqs, self.local.table_name, self.local.queue_url, URL)

    def _wait(self, seconds: float) -> None:
        self.waits += 1
        assert self.waits < 100, "nothing comes to an end"
        self.while_waiting(seconds)


def a_terminal(local: LocalAws, folder: Path) -> Terminal:
    """A terminal beside a running stack with one account, its key, an agent and a pipe."""
    accounts, routing = AccountStore(local.dynamodb, local.table_name), RoutingStore(local.dynamodb, local.table_name)
    accounts.create_account(Account(ACCOUNT, "Acme", "acme", 2))
    routing.put_agent(ACCOUNT, Agent(agent_id="front-desk", name="Front desk"))
    routing.put_number(ACCOUNT, Number(number=OURS, number_id="num_ours"))
    routing.put_pipe(ACCOUNT, Pipe(pipe_id="support", name="Support", agent_id="front-desk", number=OURS))
    running = Profile(name=LOCAL, api_url=URL, api_key=accounts.add_key(ACCOUNT, "seed"))
    return Terminal(local, folder / "config.toml", InProcess(local), running)
