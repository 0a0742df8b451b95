"""The dialer's container in place of its function: `dialer.worker.Worker` and `dialer.shared.SharedDialer` over the
very dialer that the function has, from the receipt of some doorbells until they are served.

What its threads do for it - to hear, answer and keep doorbells - is done in turn here, so that each is a step. A
container that dies answers nothing more, and what it had heard is heard again after HIDDEN_S.
"""

import asyncio
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from botocore.exceptions import ReadTimeoutError

from dialer.bells import HIDDEN_S, Bell
from dialer.shared import SharedDialer
from dialer.worker import Worker
from ringline.calls.tables.queues import account_rung_for
from tests.component.crash.rig.process import ACTING, AnswerLost, Killed, after_step, before_step
from tests.component.crash.rig.promises import Act
from tests.component.crash.rig.world import World
from tests.component.rights import hold_to_rights


def in_container(prepare: Act) -> Act:
    """The same, where the container dials."""

    def prepared(world: World) -> None:
        def instead(function: str, loaded: ModuleType) -> None:
            if function == "dial_next":
                _become_a_container(loaded, world)

        world.once_loaded, world.hidden_s["doorbells"] = instead, HIDDEN_S
        prepare(world)

    return prepared


def _become_a_container(loaded: ModuleType, world: World) -> None:
    def serve(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        heard = [Bell(record["messageId"], account_rung_for(record["body"])) for record in event["Records"]]
        bells = _Bells(heard)
        asyncio.run(_serve(loaded, world, bells))
        acting = ACTING.get()
        if acting is not None and acting.is_dead:
            raise Killed
        return {"batchItemFailures": [{"itemIdentifier": each.receipt} for each in heard if each in bells.unanswered]}

    loaded.lambda_handler = serve  # type: ignore[attr-defined]
    hold_to_rights("dial_next", loaded)


async def _serve(loaded: ModuleType, world: World, bells: "_Bells") -> None:
    dialer = SharedDialer(loaded.dialer, world.clock)
    await _Worker(bells, dialer, loaded.log, stopping=asyncio.Event()).run()
    await dialer.close()


class _Bells:
    """Some doorbells of a queue, which are heard once."""

    def __init__(self, heard: Iterable[Bell]) -> None:
        self.unheard = list(heard)
        self.unanswered = list(self.unheard)

    def hear(self) -> list[Bell]:
        heard, self.unheard = self.unheard, []
        return heard

    def keep(self, bells: Iterable[Bell]) -> None:
        if list(bells):
            _step("ChangeMessageVisibilityBatch", lambda: None)

    def give_back(self, bells: Iterable[Bell]) -> None:
        assert not list(bells), "it was not told to stop while it heard any"

    def answered(self, bell: Bell) -> None:
        _step("DeleteMessage", lambda: self.unanswered.remove(bell))


def _step(what: str, deed: Callable[[], object]) -> None:
    before_step()
    deed()
    try:
        after_step(what)
    except AnswerLost:
        raise ReadTimeoutError(endpoint_url="https://aws.test") from None


class _Worker(Worker):
    """Does by itself what threads do, and is told to stop once it has served what it heard."""

    async def _asked[T](self, ask: Callable[[], T]) -> T:
        if ask == self._bells.hear and not self._bells.unheard:  # type: ignore[attr-defined]
            while self._under_way:
                await asyncio.wait(list(self._under_way))
            self._stopping.set()
        return ask()
