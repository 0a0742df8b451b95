"""Many small works at once, of which none keeps another from being done."""

import asyncio
from collections.abc import Awaitable, Iterable

from aws_lambda_powertools import Logger

_AT_ONCE = 20


async def side_by_side(works: Iterable[Awaitable[None]], log: Logger) -> None:
    """Does all of them, _AT_ONCE at a time. What one raises is logged."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(work: Awaitable[None]) -> None:
        async with turn:
            await work

    for result in await asyncio.gather(*(one(work) for work in works), return_exceptions=True):
        if isinstance(result, BaseException):
            log.error("a call could not be mended", exc_info=result)
