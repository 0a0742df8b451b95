"""Asks a stack on this machine what the API's document allows: `make fuzz [EXAMPLES=50] [FUZZ_SEED=7]`.

The stack is brought up for it, and taken down again. Exit code 1 if an answer was another than the document says.
"""

import os
import sys

import httpx
import schemathesis
from rich.console import Console

from local.fuzz.run import OVER_HTTP, Found, config_of, fuzz, served
from local.stack.lifecycle import running_stack
from local.stack.record import Stack
from local.stack.wishes import Wishes
from local.tools.places import LOCAL
from local.tools.processes import StackError

_EXAMPLES, _SEED = 20, 7
_ANSWERS = "+15550100200"
"""A number of the sandbox that picks up: there is a call to ask about."""


def main() -> int:
    examples, seed = (
        int(os.environ.get(name) or usual) for name, usual in (("EXAMPLES", _EXAMPLES), ("FUZZ_SEED", _SEED))
    )
    console = Console()
    try:
        with running_stack(Wishes(state_dir=LOCAL / "fuzz-stack", port=0), console.print) as stack:
            found = _asked(stack, examples, seed)
    except StackError as error:
        console.print(f"[red]{error}[/red]")
        return 1
    asked = ", ".join(f"{count} {phase}" for phase, count in found.asked.items())
    answered = ", ".join(f"{count} x {status}" for status, count in sorted(found.answered.items()))
    console.print(f"asked: {asked}\nanswered: {answered}", highlight=False)
    if not found.is_clean:
        console.print(found.in_words(), highlight=False, markup=False)
        return 1
    console.print("every answer is one that the document says")
    return 0


def _asked(stack: Stack, examples: int, seed: int) -> Found:
    call = httpx.post(
        f"{stack.base_url}/v1/calls",
        headers={"Authorization": f"Bearer {stack.api_key}"},
        json={"to_number": _ANSWERS, "pipe_id": stack.pipe_id},
        timeout=30,
    ).raise_for_status()
    known = {"call_id": [call.json()["call_id"]], "session_id": [call.json()["call_id"]]}
    config = config_of(key=stack.api_key, examples=examples, seed=seed, known=known, checks=OVER_HTTP)
    return fuzz(served(schemathesis.openapi.from_url(f"{stack.base_url}/openapi.json", config=config)))


if __name__ == "__main__":
    sys.exit(main())
