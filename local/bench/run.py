"""One run of some benches, from the command line: what they measured is printed as one table."""

import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from local.bench.report import Section, show
from local.bench.rig import Noise
from local.tools.processes import StackError

type Tell = Callable[[str], None]


def run(title: str, measure: Callable[[Tell], list[Section]]) -> int:
    """The exit code: 0 whatever the numbers are, and 1 if something could not be measured at all."""
    # A terminated benchmark takes its stack down, like an interrupted one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=150)  # a log or a file: nothing to fit into
    began, noise = time.monotonic(), Noise()
    try:
        with console.status("") as status:
            measured = measure(status.update)
    except (StackError, BotoCoreError, ClientError, TimeoutError) as error:
        console.print(f"[bold red]Not measured:[/] {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    caption = (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python {sys.version.split()[0]}, {sys.platform}; "
        f"{time.monotonic() - began:.0f} s in all; {noise.words()}"
    )
    show(console, title, caption, measured)
    return 0
