"""The container's process: `python -m dialer`, with the variables of the dialer's function (dialer/template.yaml).

SIGTERM or SIGINT: claims nothing more, waits for the dials under way, exits with 0. It exits with 1 where some were not
over in time; the sweep finds out what became of them.
"""

import asyncio
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dialer.bells import SqsBells
from dialer.shared import SharedDialer
from dialer.worker import Worker
from ringline.composition.dial_next import Settings, compose
from ringline.runtime import aws
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.settings import optional, read


class DialerSettings(Settings):
    """`alive_file` is touched while the loop turns; the container's health check looks at its age."""

    alive_file: str = optional("DIALER_ALIVE_FILE")


async def serve(settings: DialerSettings) -> int:
    """How many runs were not over when it had to stop."""
    log = make_logger("dialer")
    loop = asyncio.get_running_loop()
    # What claims and settles: as many at once as there are connections to DynamoDB.
    loop.set_default_executor(ThreadPoolExecutor(aws.MOST_CONNECTIONS, thread_name_prefix="dialing"))

    def tell_alive() -> None:
        if settings.alive_file:
            Path(settings.alive_file).touch()

    stopping = asyncio.Event()
    opens = compose(settings, clock=now_ms, log=log, may_claim=lambda: not stopping.is_set())
    dialer = SharedDialer(opens, now_ms)
    bells = SqsBells(aws.long_polling_sqs, settings.doorbell_url)
    worker = Worker(bells, dialer, log, stopping=stopping, told_alive=tell_alive)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    print("ready", "dialer", flush=True)  # noqa: T201
    left = await worker.run()
    log.info("stopped", extra={"left": left})
    if left:
        # Without a word to LiveKit: what a dial would do that is called off now, nobody has thought about.
        sys.stdout.flush()
        os._exit(1)
    await dialer.close()
    return left


if __name__ == "__main__":
    sys.exit(asyncio.run(serve(read(DialerSettings))))
