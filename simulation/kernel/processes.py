"""A handler's invocation as a process of its own: it has an event loop, counts its effects, and can die at any of them.

The loop is asyncio's as far as the use cases see it; its time is the world's. What a use case hands to a thread runs
as a moment of its own, so that other processes and the process's other tasks interleave with it.
"""

import asyncio
from asyncio import events
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

type Work = Callable[[], Coroutine[Any, Any, bool] | bool]
"""What a process does: a coroutine function needs an event loop, any other function none."""


class Crashed(BaseException):
    """The process is dead. Not an Exception: nothing in it may catch its own death."""


class Surroundings(Protocol):
    """What a process needs of the world in which it runs."""

    now: int
    current: "Process | None"
    living: set["Process"]
    counts: Counter[str]

    def after(self, ms: int, action: Callable[..., Any], *arguments: Any) -> None:
        """Does something so many milliseconds from now."""

    def number(self) -> int:
        """The next number, for a name that nobody else has."""

    def planned_crash(self, kind: str, site: str) -> tuple[int, bool]:
        """At which effect the process is to die, 0 for none, and whether before that effect takes place."""

    def failed(self, process: "Process", error: Exception) -> None:
        """Hears that the process raised."""

    def trace(self, line: str) -> None: ...


class Process:
    """One invocation of one function. `site` names it in choices and traces."""

    __slots__ = (
        "account_id", "crash_at", "crash_before", "dead", "disturbed", "effects", "finished", "kind", "loop",
        "name", "on_end", "read_at", "site", "started_at", "world",
    )  # fmt: skip

    def __init__(self, world: Surroundings, kind: str, site: str, on_end: Callable[["Process", bool], None]) -> None:
        self.world = world
        self.kind = kind
        self.site = site
        self.name = f"{kind}#{world.number()}"
        self.on_end = on_end
        self.account_id: str | None = None
        self.dead = self.finished = self.disturbed = False
        self.effects = 0
        self.crash_at, self.crash_before = world.planned_crash(kind, site)
        self.started_at = world.now
        self.read_at: dict[str, int] = {}
        self.loop: ProcessLoop | None = None
        world.living.add(self)

    def start(self, work: Work) -> None:
        """Does a synchronous handler's whole work, or an asynchronous one's up to its first wait."""
        if self.dead:
            return
        self.world.current = self
        events._set_running_loop(None)
        try:
            well = work()
        except Exception as error:
            self._failed(error)
            return
        if isinstance(well, bool):
            self._ended(well)
        else:
            self.loop = loop = ProcessLoop(self)  # type: ignore[abstract]
            loop.begin(self._main(well))

    def before_effect(self, what: str) -> None:
        """Raises Crashed if the process is dead or dies before this effect takes place."""
        if self.dead:
            raise Crashed
        self.effects += 1
        if self.effects == self.crash_at and self.crash_before:
            self.die(f"before {what}")

    def after_effect(self, what: str) -> None:
        """Raises Crashed if the process dies now that the effect has taken place."""
        if self.dead:
            raise Crashed
        if self.effects == self.crash_at and not self.crash_before:
            self.die(f"after {what}")

    def die(self, when: str) -> None:
        self.kill(when)
        raise Crashed

    def kill(self, when: str) -> None:
        """Ends the process where it stands. Nothing it has begun is undone, nothing it has not done will be."""
        if self.dead or self.finished:
            return
        self.dead = True
        self.world.counts["crashes"] += 1
        self.world.trace(f"{self.name} dies {when}")
        self.world.after(0, self._buried)

    def abandon(self) -> None:
        """The world is over while the process still waits for something."""
        self.dead = True
        if self.loop is not None:
            self.loop.bury()

    def _buried(self) -> None:
        self.world.living.discard(self)
        if self.loop is not None:
            self.loop.bury()
        self.on_end(self, False)

    async def _main(self, work: Coroutine[Any, Any, bool]) -> None:
        try:
            well = await work
        except Exception as error:
            self._failed(error)
        else:
            self._ended(well)

    def _failed(self, error: Exception) -> None:
        if self.dead:
            # What the dead still raise in their `finally` blocks nobody hears.
            return
        self.world.failed(self, error)
        self._ended(False)

    def _ended(self, well: bool) -> None:
        if self.dead:
            return
        self.finished = True
        # Nothing is left that a loop could do, and a process without one is no circle for the collector of garbage.
        self.loop = None
        self.world.living.discard(self)
        self.on_end(self, well)


class Timer:
    __slots__ = ("arguments", "callback", "cancelled", "loop")

    def __init__(self, loop: "ProcessLoop", callback: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self.loop = loop
        self.callback = callback
        self.arguments = arguments
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True

    def ring(self) -> None:
        if not self.cancelled:
            self.loop.call_soon(self.callback, *self.arguments)


class ProcessLoop(asyncio.AbstractEventLoop):
    """The few methods that tasks, futures, gather, sleep, semaphores and to_thread need."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._world = process.world
        self._ready: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._tasks: list[asyncio.Task[Any]] = []
        self._busy = False
        self._held = 0

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> None:  # type: ignore[override]
        self._ready.append((callback, args))
        self._world.after(0, self._step)

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> Timer:  # type: ignore[override]
        timer = Timer(self, callback, args)
        self._world.after(max(0, round(delay * 1000)), timer.ring)
        return timer

    def begin(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Runs the process's first task up to its first wait."""
        self._busy = True
        events._set_running_loop(self)
        try:
            self._tasks.append(asyncio.Task(coroutine, loop=self, eager_start=True))
        finally:
            self._busy = False
        self._let_others_run()

    def _step(self) -> None:
        """Runs one callback. While the loop's thread is inside a callback, its others wait."""
        process = self._process
        if process.dead or not self._ready:
            return
        if self._busy:
            self._held += 1
            return
        callback, arguments = self._ready.popleft()
        self._busy = True
        self._world.current = process
        events._set_running_loop(self)
        try:
            callback(*arguments)
        finally:
            self._busy = False
        if self._held:
            self._let_others_run()

    def _let_others_run(self) -> None:
        while self._held:
            self._held -= 1
            self._world.after(0, self._step)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        future = self.create_future()
        self._world.after(0, self._run_thread, future, func, args)
        return future

    def _run_thread(self, future: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """As asyncio's threads do: work whose future was cancelled is not begun, and what comes of work that had begun
        by then is told to nobody."""
        if self._process.dead or future.cancelled():
            return
        process = self._process
        read_at = process.read_at
        process.read_at = {}
        self._world.current = process
        events._set_running_loop(None)
        try:
            result = func(*args)
        except Crashed:
            return
        except Exception as error:
            if not process.dead and not future.cancelled():
                future.set_exception(error)
            return
        finally:
            process.read_at = read_at
        if not process.dead and not future.cancelled():
            future.set_result(result)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **_options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self)
        self._tasks.append(task)
        return task

    def bury(self) -> None:
        """Lets go of a dead process's tasks. Their `finally` blocks may run; every effect in them is refused. While
        they do, this loop is the one that runs: what they ask for is not to fall to a process that lives."""
        running = events._get_running_loop()
        events._set_running_loop(self)
        try:
            self._close_all()
        finally:
            events._set_running_loop(running)
        self._tasks.clear()
        self._ready.clear()

    def _close_all(self) -> None:
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                coroutine = task.get_coro()
                while coroutine is not None:
                    try:
                        coroutine.close()
                        break
                    except RuntimeError:
                        continue  # It wanted to wait for something in its `finally`: the dead do not wait.
                    except ValueError:
                        break  # It is inside an operation, and dies when that ends.

    def time(self) -> float:
        return self._world.now / 1000

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """A dead process's tasks have nobody to tell."""
