"""Has others work on what is too much for one run of the sweep (`shares`)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ringline.calls.mending.mend import Swept
from ringline.calls.mending.shares import USUAL, Part, Sizes, shared_out
from ringline.calls.model.ports import Share, ShareQueue


@dataclass(frozen=True, slots=True)
class HandingOut:
    looks: ShareQueue
    log: Logger
    swept: Swept
    sizes: Sizes = USUAL

    async def own[T](self, parts: Sequence[Part[T]], most: int, now: int) -> tuple[list[T], list[T]]:
        """What this run looks at itself, up to `most`, and what others do by now. What cannot be handed out it looks at
        last."""
        own, others = shared_out(parts, most, now)
        were_taken = await asyncio.gather(*(asyncio.to_thread(self._hand_out, part.share) for part in others))
        refused = [part for part, was_taken in zip(others, were_taken, strict=True) if not was_taken]
        taken = [part for part, was_taken in zip(others, were_taken, strict=True) if was_taken]
        return _items_of([*own, *refused]), _items_of(taken)

    async def again(self, share: Share) -> None:
        """Hands out a share that this run has no time for. Raises what the queue raises: the message comes again."""
        await asyncio.to_thread(self.looks.hand_out, share)
        self.swept.handed_out += 1

    def _hand_out(self, share: Share) -> bool:
        try:
            self.looks.hand_out(share)
        except Exception:
            self.log.exception("a share of the sweep was not handed out")
            return False
        self.swept.handed_out += 1
        return True


def _items_of[T](parts: Sequence[Part[T]]) -> list[T]:
    return [item for part in parts for item in part.items]
