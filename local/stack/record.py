"""What is written down about a running stack: `stack.json` for whoever calls it, and `children.json` for whoever stops
it."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from local.tools.places import LOCAL
from local.tools.processes import Child, StackError

_LOCK = "stack.lock"


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack. `base_url` is its API as this machine calls it, `public_url` as LiveKit and agents do;
    `hooks_url` is where LiveKit's webhooks go; `phones_url` is None when a real LiveKit server is driven. The calls of
    `runner_agent_id`, which has `runner_pipe_id`, are taken by runners on the SDK."""

    base_url: str
    public_url: str
    api_key: str
    org_handle: str
    account_id: str
    agent_id: str
    pipe_id: str
    runner_agent_id: str
    runner_pipe_id: str
    from_number: str
    livekit_url: str
    livekit_api_key: str
    livekit_api_secret: str
    hooks_url: str
    agent_name: str
    log_dir: str
    sip_trunk_id: str
    cap: int
    webhook_url: str | None
    webhook_secret: str | None
    phones_url: str | None
    emulator_url: str
    api_url: str
    table_name: str
    doorbell_queue_url: str
    delivery_queue_url: str
    secrets_name: str
    functions: dict[str, str]


class StackRecord:
    """The files of one state folder."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.run_dir = state_dir / "run"
        self.log_dir = state_dir / "logs"
        self._stack_path = state_dir / "stack.json"
        self._children_path = state_dir / "children.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """One `up` or `down` at a time. Raises StackError if another one is at work, and for a folder that is somebody
        else's: what a stack leaves there is removed with the next one."""
        if self._is_somebody_elses():
            raise StackError(f"{self.state_dir} is not a stack's: name a folder that is empty, or is not there yet")
        self.state_dir.mkdir(parents=True, exist_ok=True)
        with (self.state_dir / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(f"another `up` or `down` is at work in {self.state_dir}") from None
            yield

    def _is_somebody_elses(self) -> bool:
        if self.state_dir.is_relative_to(LOCAL) or not self.state_dir.exists():
            return False
        names = {each.name for each in self.state_dir.iterdir()}
        return bool(names) and _LOCK not in names

    def stack(self) -> Stack | None:
        """The stack that is up according to the file, or None; an unreadable file counts as none."""
        try:
            return Stack(**json.loads(self._stack_path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def children(self) -> list[Child]:
        """Every process that was started here and not stopped since, oldest first."""
        try:
            return [Child(**fields) for fields in json.loads(self._children_path.read_text())]
        except (OSError, ValueError, TypeError):
            return []

    def note_child(self, child: Child) -> None:
        """Must come right after a start: what is not noted survives a crash of the caller."""
        _write(self._children_path, [asdict(each) for each in [*self.children(), child]])

    def note_stack(self, stack: Stack) -> None:
        _write(self._stack_path, asdict(stack))

    def forget(self) -> None:
        self._stack_path.unlink(missing_ok=True)
        self._children_path.unlink(missing_ok=True)

    @property
    def stack_path(self) -> Path:
        return self._stack_path


def _write(path: Path, document: object) -> None:
    """Replaces the file in one step, readable by its owner alone: it holds a key."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(document, indent=2) + "\n")
    unfinished.replace(path)
