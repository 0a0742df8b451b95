"""The one-machine stack: emulator, functions, phone network (or a real LiveKit server) and front door, started and
stopped together.

    python -m local.stack.lifecycle up|down|status

`up` obeys RINGLINE_PORT (8787), BIND_ADDRESS (127.0.0.1), CAP (5), WEBHOOK_URL, FROM_NUMBER, AGENT_NAME,
RINGLINE_STATE_DIR, ANSWER_FROM (dialer, carrier: who tells of an answer), and LIVEKIT_URL with LIVEKIT_API_KEY,
LIVEKIT_API_SECRET and SIP_TRUNK_ID, then also PUBLIC_URL (what that server calls this stack by), SIP_HOOK_SECRET,
TELNYX_PUBLIC_KEY and TWILIO_AUTH_TOKEN. Tests and the demo use `running_stack`.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local.aws import emulator
from local.stack.addresses import bind_address_in, is_this_machine_alone, public_url_in, url_in
from local.stack.carrier_secrets import secrets_from
from local.stack.record import Stack, StackRecord
from local.stack.start import (
    DEFAULT_AGENT_NAME,
    DEFAULT_CAP,
    DEFAULT_FROM_NUMBER,
    DEFAULT_PORT,
    Ascent,
    LivekitServer,
    Wishes,
    ask,
)
from local.tools import processes
from local.tools.places import default_state_dir
from local.tools.processes import StackError

__all__ = [
    "DEFAULT_PORT",
    "LivekitServer",
    "Stack",
    "StackError",
    "Wishes",
    "bring_up",
    "is_healthy",
    "running_stack",
    "take_down",
    "wishes_from",
]


def wishes_from(environ: Mapping[str, str]) -> Wishes:
    """What the environment asks for. Raises StackError naming the variable that is wrong or missing."""
    wishes = Wishes(
        port=_whole_number(environ, "RINGLINE_PORT", DEFAULT_PORT, 65535),
        cap=_whole_number(environ, "CAP", DEFAULT_CAP, 10_000),
        bind_address=bind_address_in(environ),
        webhook_url=url_in(environ, "WEBHOOK_URL"),
        from_number=environ.get("FROM_NUMBER") or DEFAULT_FROM_NUMBER,
        agent_name=environ.get("AGENT_NAME") or DEFAULT_AGENT_NAME,
        answer_from=_one_of(environ, "ANSWER_FROM", ("dialer", "carrier")),
    )
    if not environ.get("LIVEKIT_URL"):
        return wishes
    names = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "SIP_TRUNK_ID")
    missing = [name for name in names if not environ.get(name)]
    if missing:
        raise StackError(f"LIVEKIT_URL is set, so {', '.join(missing)} must be set too")
    url_in(environ, "LIVEKIT_URL", ("wss", "https", "ws", "http"))
    return replace(
        wishes,
        livekit=LivekitServer(*(environ[name].strip() for name in names)),
        public_url=public_url_in(environ),
        carrier_secrets=secrets_from(environ),
    )


def _one_of(environ: Mapping[str, str], name: str, words: Sequence[str]) -> str:
    """The variable's word; the first one where it is not set."""
    word = environ.get(name) or words[0]
    if word not in words:
        raise StackError(f"{name} must be {' or '.join(words)}, and is {word!r}")
    return word


def _whole_number(environ: Mapping[str, str], name: str, default: int, highest: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= highest:
        raise StackError(f"{name} must be a whole number from 1 to {highest}, and is {text!r}")
    return int(text)


def bring_up(wishes: Wishes, tell: Callable[[str], None] = lambda _line: None) -> Stack:
    """Starts everything and returns when the first call can be made. If anything fails, nothing is left running.
    Raises StackError; also if a stack is up already in this state folder."""
    record = StackRecord(wishes.state_dir)
    with record.held():
        if is_healthy(record):
            raise StackError(f"a stack is up already in {wishes.state_dir}: `make down` stops it")
        _stop_all(record)
        try:
            return Ascent(wishes, record, tell).climb()
        except BaseException:
            _stop_all(record)
            raise


def take_down(state_dir: Path) -> bool:
    """Stops every process of the stack, also what a crash has left. Returns whether there was anything to stop."""
    record = StackRecord(state_dir)
    with record.held():
        return _stop_all(record)


def _stop_all(record: StackRecord) -> bool:
    children = record.children()
    for child in reversed(children):
        processes.stop(child)
    record.forget()
    shutil.rmtree(record.run_dir, ignore_errors=True)
    return bool(children)


def is_healthy(record: StackRecord) -> bool:
    """Whether all of a stack is there: its processes run, its front door and its emulator answer."""
    stack = record.stack()
    if stack is None or not all(child.is_alive() for child in record.children()):
        return False
    return ask("GET", f"{stack.base_url}/healthz") == 200 and emulator.answers(stack.emulator_url)


@contextmanager
def running_stack(wishes: Wishes, tell: Callable[[str], None] = lambda _line: None) -> Iterator[Stack]:
    """A stack for the time of a `with`: brought up before, taken down after, whatever happens."""
    stack = bring_up(wishes, tell)
    try:
        yield stack
    finally:
        take_down(wishes.state_dir)


# ---------------------------------------------------------------- the command


def _up(state_dir: Path) -> int:
    record = StackRecord(state_dir)
    if is_healthy(record) and (stack := record.stack()):
        print(f"The stack is up already.\n{how_to_call(stack, record)}")
        return 0
    began = time.monotonic()
    stack = bring_up(wishes_from(os.environ), lambda line: print(f"  {line}", flush=True))
    print(f"The stack is up after {time.monotonic() - began:.1f} s.\n{how_to_call(stack, record)}")
    return 0


def _status(state_dir: Path) -> int:
    record = StackRecord(state_dir)
    for child in record.children():
        print(f"{child.name:<12} {'runs' if child.is_alive() else 'has ended'}  process {child.pid}  {child.log_path}")
    if not is_healthy(record):
        print("The stack is down." if not record.children() else "The stack is not whole: `make up` starts it anew.")
        return 1
    print("The stack is up.")
    return 0


def how_to_call(stack: Stack, record: StackRecord) -> str:
    """What `up` prints of a stack that is up: how to call it, and what a LiveKit of the user's own still needs."""
    to_number = "+15550100200" if stack.phones_url else "+<a number of yours>"
    return f"""
  API           {stack.base_url}
  key           {stack.api_key}   (organisation {stack.org_handle}, {stack.cap} calls at once)
  LiveKit       {stack.livekit_url}{"   (the phone network)" if stack.phones_url else ""}
  all of it     {record.stack_path}
  logs          {stack.log_dir}
{"" if stack.phones_url else _what_livekit_needs(stack)}
Place a call and look at it:

  curl -s {stack.base_url}/v1/calls -H 'Authorization: Bearer {stack.api_key}' -H 'Content-Type: application/json' \\
    -d '{{"to_number": "{to_number}", "pipe_id": "{stack.pipe_id}"}}'
  curl -s {stack.base_url}/v1/calls -H 'Authorization: Bearer {stack.api_key}'

`make down` stops it."""


def _what_livekit_needs(stack: Stack) -> str:
    """What is to be done at a LiveKit server of the user's own before the first call."""
    lines = f"""
Set this as a webhook URL of your LiveKit, signed with the API key {stack.livekit_api_key}: without its webhooks
calls do not move on. Callers need a rule there, too: docs/inbound.md.

  {stack.hooks_url}

Calls go out through {stack.sip_trunk_id} from {stack.from_number} (FROM_NUMBER), and the agent
`{stack.agent_name}` (AGENT_NAME) is dispatched to them.
"""
    if is_this_machine_alone(stack.public_url):
        lines += f"""
Only this machine reaches {stack.public_url}. If your LiveKit or its agents are on another one, in a container with a
network of its own, or in LiveKit's cloud: `make down`, and set PUBLIC_URL to the tunnel or proxy that leads here, or
BIND_ADDRESS to an address of this machine that they reach.
"""
    return lines


def main(arguments: list[str]) -> int:
    commands = {"up": _up, "status": _status, "down": _down}
    if len(arguments) != 1 or arguments[0] not in commands:
        print("usage: python -m local.stack.lifecycle up|down|status", file=sys.stderr)
        return 2
    # A terminated `up` stops what it has started, like an interrupted one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return commands[arguments[0]](default_state_dir())
    except (StackError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _down(state_dir: Path) -> int:
    print("The stack is down." if take_down(state_dir) else "Nothing was running.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
