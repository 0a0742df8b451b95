"""One dialer for all runs, opened anew before its keys are too old."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from dialer.shared import SharedDialer
from ringline.calls.outbound.dial_next import DialNext
from ringline.runtime.vault.kept import KEPT_MS


class Opened:
    """Dialers that were opened, by number, and those that were closed."""

    def __init__(self) -> None:
        self.now, self.opened = 0, 0
        self.closed: list[int] = []

    @asynccontextmanager
    async def dialer(self) -> AsyncIterator[DialNext]:
        number = self.opened
        self.opened += 1
        await asyncio.sleep(0)
        yield cast(DialNext, number)
        self.closed.append(number)

    def shared(self) -> SharedDialer:
        return SharedDialer(self.dialer, lambda: self.now)


def test_runs_side_by_side_share_one_dialer_which_closes_at_the_end() -> None:
    opened = Opened()

    async def story() -> None:
        shared = opened.shared()

        async def run() -> object:
            async with shared.lease() as dial_next:
                await asyncio.sleep(0)
                return dial_next

        assert set(await asyncio.gather(*(run() for _ in range(20)))) == {0}
        assert opened.closed == []
        await shared.close()

    asyncio.run(story())
    assert (opened.opened, opened.closed) == (1, [0])


def test_an_old_dialer_is_replaced_and_closed_when_its_last_run_is_over() -> None:
    opened = Opened()

    async def story() -> None:
        shared = opened.shared()
        async with shared.lease():
            async with shared.lease():
                opened.now += KEPT_MS
                async with shared.lease() as newer:
                    assert cast(int, newer) == 1
            assert opened.closed == [], "one run still uses the old one"
        assert opened.closed == [0]
        opened.now += KEPT_MS
        async with shared.lease() as newest:
            assert (cast(int, newest), opened.closed) == (2, [0, 1]), "nobody used it"
        await shared.close()

    asyncio.run(story())
    assert opened.closed == [0, 1, 2]
