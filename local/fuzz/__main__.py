"""Asks a stack on this machine what the API's document allows: `make fuzz [EXAMPLES=50] [SEED=7]`.

The stack is brought up for it, and taken down again. Exit code 1 if an answer was another than the document says.
"""

import os
import sys

import schemathesis
from rich.console import Console

from local.fuzz.run import OVER_HTTP, config_of, fuzz
from local.stack.lifecycle import running_stack
from local.stack.wishes import Wishes
from local.tools.places import LOCAL
from local.tools.processes import StackError


def main() -> int:
    examples, seed = int(os.environ.get("EXAMPLES") or 20), int(os.environ.get("SEED") or 7)
    console = Console()
    try:
        with running_stack(Wishes(state_dir=LOCAL / "fuzz-stack", port=0)) as stack:
            known = {"call_id": ["call_nobody"]}
            config = config_of(
                key=stack.api_key, examples=examples, seed=seed, known=known, checks=OVER_HTTP, every_edge=True
            )
            found = fuzz(schemathesis.openapi.from_url(f"{stack.base_url}/openapi.json", config=config))
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


if __name__ == "__main__":
    sys.exit(main())
