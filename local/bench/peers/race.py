"""Everybody gets the same calls, once in peace and once with a worker that is killed with -9 while it dials, and
started anew a second later. The phones say what became of the calls."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from local.bench.peers import ours
from local.bench.peers.calls.phones import Phones, phones
from local.bench.peers.calls.trace import (
    CALLS,
    CAP,
    RESTARTED_AFTER_S,
    STRUCK_AT_CALL,
    Outcome,
    TracedCall,
    tally,
    trace,
)
from local.bench.peers.kinds import KINDS, POSTGRES, REDIS
from local.bench.peers.kinds.peer import LEASE_S, Peer
from local.bench.peers.servers import NotThere, postgres_server, redis_server
from local.bench.report import Reading, Section, shown
from local.bench.rig import Noise
from local.bench.run import Tell
from local.tools import processes
from local.tools.processes import StackError

_OVER_WITHIN_S = 90.0
_QUIET_FOR_S = 1.5 * LEASE_S
"""For so long nobody dials before a run is over: what belongs to a worker that was killed has been taken back by
then."""
_WORKERS = ("one", "two")
_LOOK_EVERY_S = 0.02


def measure(tell: Tell) -> list[Section]:
    """Leaves out whoever's server is not on this machine, and says so. Raises StackError if something does not run."""
    noise, calls = Noise(), trace()
    readings = [*_peers(calls, tell), *_ours(calls, tell)]
    readings.append(Reading("noise meanwhile", "", noise.words()))
    title = f"{CALLS} calls of 1 to 3 s on {CAP} lines, in peace, and with one of two workers killed and started anew"
    return [Section(title, tuple(readings))]


def _peers(calls: Sequence[TracedCall], tell: Tell) -> Iterator[Reading]:
    for server, opened in ((REDIS, redis_server), (POSTGRES, postgres_server)):
        names = [name for name, (stands_on, _) in KINDS.items() if stands_on == server]
        try:
            with opened() as url:
                for name in names:
                    for killed in (False, True):
                        tell(f"{name}{', killed' if killed else ''}")
                        yield _reading(name, killed, _run(name, url, calls, killed=killed))
        except NotThere as missing:
            yield from (Reading(name, "left out", str(missing)) for name in names)


def _ours(calls: Sequence[TracedCall], tell: Tell) -> Iterator[Reading]:
    for killed in (False, True):
        tell(f"Ringline{', killed' if killed else ''}")
        yield _reading("Ringline, its container", killed, ours.run(calls, killed=killed))


def _reading(name: str, killed: bool, outcome: Outcome) -> Reading:
    told = outcome.tally
    over = max(0, told.most_lines - CAP)
    counted = f"lost {told.lost}, doubled {told.doubled}, over the cap {over}, lines leaked {outcome.leaked}"
    what = f"{name}, kill -9" if killed else name
    return Reading(what, f"idle {shown(100 * told.idle_share)} %", f"{counted}{outcome.note}")


# --- a peer ----------------------------------------------------------------------------------------------------------


def _run(name: str, server: str, calls: Sequence[TracedCall], *, killed: bool) -> Outcome:
    _, made = KINDS[name]
    peer = made(server)
    peer.set_up()
    with phones(calls) as ledger, _workers(name, server, ledger.url) as workers:
        began_at = time.monotonic()
        waiting = list(calls)
        quiet_since = began_at
        while (now := time.monotonic()) < began_at + _OVER_WITHIN_S and now < quiet_since + _QUIET_FOR_S:
            while waiting and now >= began_at + waiting[0].at_s:
                peer.put(waiting.pop(0).call_id)
            if killed and ledger.dials >= STRUCK_AT_CALL:
                workers.strike(ledger.busiest())
            if waiting or not ledger.is_quiet() or not _all_dialled(calls, ledger):
                quiet_since = now
            time.sleep(_LOOK_EVERY_S)
        return Outcome(tally(calls, began_at, ledger.dialled()), _held(peer))


def _all_dialled(calls: Sequence[TracedCall], ledger: Phones) -> bool:
    return {call.call_id for call in calls} <= {dial.call_id for dial in ledger.dialled()}


def _held(peer: Peer) -> int:
    """Lines that the peer counts, though no phone is up."""
    return max(0, peer.held())


class _Workers:
    """The workers of a peer. One is killed once, and started anew under the same name."""

    def __init__(self, name: str, server: str, phones_url: str) -> None:
        self._command = [sys.executable, "-m", "local.bench.peers.worker", name, server, phones_url]
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._restart_at: float | None = None
        self._was_struck = False

    def start(self, worker: str) -> None:
        self._running[worker] = subprocess.Popen(
            [*self._command, worker], env=processes.clean_environment(), stdout=subprocess.PIPE, text=True
        )

    def await_ready(self) -> None:
        """Raises StackError."""
        for each in self._running.values():
            if each.stdout is None or each.stdout.readline().strip() != "ready":
                raise StackError(f"a worker does not start: {' '.join(self._command)}")

    def strike(self, busiest: str | None) -> None:
        """Kills the worker that dials most, and starts another one once it is time. Call it again and again."""
        now = time.monotonic()
        if not self._was_struck and busiest is not None:
            self._was_struck = True
            self._running[busiest].kill()
            self._running[busiest].wait()
            self._restart_at = now + RESTARTED_AFTER_S
        elif self._restart_at is not None and now >= self._restart_at:
            self._restart_at = None
            # Under another name, as a container that is started anew has.
            self.start("three")

    def stop(self) -> None:
        for each in self._running.values():
            each.kill()
            each.wait()


@contextmanager
def _workers(name: str, server: str, phones_url: str) -> Iterator[_Workers]:
    workers = _Workers(name, server, phones_url)
    try:
        for worker in _WORKERS:
            workers.start(worker)
        workers.await_ready()
        yield workers
    finally:
        workers.stop()
