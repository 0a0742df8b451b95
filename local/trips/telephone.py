"""The phone of one call, as the phone network lets one listen to it and prompt the person who has it."""

from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True, slots=True)
class Words:
    """What `who` (`agent` or `user`) said in one go; the agent may have been `cut_off`."""

    who: str
    text: str
    cut_off: bool


class Telephone:
    """Looked at over and over, it gives everything that was said once."""

    def __init__(self, web: aiohttp.ClientSession, phones_url: str, number: str, earlier_calls: int) -> None:
        self._web = web
        self._url = f"{phones_url}/phones/calls"
        self._number = number
        self._earlier_calls = earlier_calls
        self._given = 0

    @classmethod
    async def at(cls, web: aiohttp.ClientSession, phones_url: str, number: str) -> "Telephone":
        """The phone of the next call to the number."""
        telephone = cls(web, phones_url, number, 0)
        telephone._earlier_calls = len(await telephone._calls())
        return telephone

    async def call(self) -> dict[str, Any] | None:
        """The call as the phone lives it; None before it was dialled."""
        calls = await self._calls()
        return calls[self._earlier_calls] if len(calls) > self._earlier_calls else None

    async def new_words(self) -> list[Words]:
        """What was said since the last time."""
        call = await self.call()
        words = [] if call is None else [Words(each["who"], each["text"], each["cut_off"]) for each in call["words"]]
        new, self._given = words[self._given :], len(words)
        return new

    async def say(self, text: str, *, waits: bool) -> bool:
        """The person says it at once, or when it is their turn. False: they do not talk to an agent, or no more."""
        return await self._tell("say", {"text": text, "waits": waits})

    async def hang_up(self, *, waits: bool) -> bool:
        """The person hangs up at once, or when it is their turn to speak. False: there is no call to hang up."""
        return await self._tell("hangup?waits=true" if waits else "hangup", {})

    async def _tell(self, what: str, body: dict[str, Any]) -> bool:
        call = await self.call()
        if call is None:
            return False
        async with self._web.post(f"{self._url}/{call['id']}/{what}", json=body) as answer:
            return answer.ok

    async def _calls(self) -> list[dict[str, Any]]:
        async with self._web.get(self._url, params={"number": self._number}) as answer:
            answer.raise_for_status()
            return list(await answer.json())
