"""Starts and stops the one-machine stack, and says how it is: `python -m local.stack up|down|status`."""

import os
import signal
import sys
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local.stack.directions import how_to_call
from local.stack.lifecycle import bring_up, standing, take_down
from local.stack.record import StackRecord
from local.stack.wishes import wishes_from
from local.tools.places import default_state_dir, naming
from local.tools.processes import StackError


def _up(state_dir: Path) -> int:
    record = StackRecord(state_dir)
    if stack := standing(record):
        print(f"The stack is up already.\n{how_to_call(stack, record)}")
        return 0
    began, wishes = time.monotonic(), wishes_from(os.environ)
    if wishes.livekit is not None:
        print(f"With the LiveKit server at {wishes.livekit.url}: its calls ring real phones.", flush=True)
    stack = bring_up(wishes, lambda line: print(f"  {line}", flush=True))
    print(f"The stack is up after {time.monotonic() - began:.1f} s.\n{how_to_call(stack, record)}")
    return 0


def _status(state_dir: Path) -> int:
    record = StackRecord(state_dir)
    for child in record.children():
        print(f"{child.name:<12} {'runs' if child.is_alive() else 'has ended'}  process {child.pid}  {child.log_path}")
    if standing(record) is None:
        again = f"The stack is not whole: `{naming(state_dir)}make up` starts it anew."
        print(again if record.children() else "The stack is down.")
        return 1
    print("The stack is up.")
    return 0


def _down(state_dir: Path) -> int:
    print("The stack is down." if take_down(state_dir) else "Nothing was running.")
    return 0


def main(arguments: list[str]) -> int:
    commands = {"up": _up, "status": _status, "down": _down}
    if len(arguments) != 1 or arguments[0] not in commands:
        print("usage: python -m local.stack up|down|status", file=sys.stderr)
        return 2
    # A terminated `up` stops what it has started, like an interrupted one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return commands[arguments[0]](default_state_dir())
    except (StackError, BotoCoreError, ClientError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
