"""Asks a brain that is no runner for its reply to a turn."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp

from speech.bridge.model.events import Served
from speech.worker.settings import Settings

FIRST_BYTE_S = 15
"""How long a brain may think. The bridge gives a turn up after 20 s."""
LONGEST_REPLY = 16_000
"""Letters. Nobody listens to more, and a broken model can go on for ever."""


class BrainFailed(Exception):
    """The brain gave no reply. The message says what happened, without the words of the call and without the key."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the talk: `role` is "user", "assistant", or "system" for what the agent was told from outside."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Caller:
    """What a brain is told of the call."""

    call_id: str
    direction: str
    user_number: str
    instructions: str | None
    data: Mapping[str, Any]


class Replies(Protocol):
    def reply(self, talk: Sequence[Message], caller: Caller) -> AsyncIterator[str]:
        """The reply to the talk's last message, in pieces. Raises BrainFailed."""


class ChatReplies:
    """Chat completions as OpenAI defined them, streamed."""

    def __init__(
        self, http: aiohttp.ClientSession, *, url: str, key: str | None, model: str | None, prompt: str | None = None
    ) -> None:
        self._http = http
        self._url = chat_url(url)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._model = model
        self._prompt = prompt

    async def reply(self, talk: Sequence[Message], caller: Caller) -> AsyncIterator[str]:
        body: dict[str, Any] = {"messages": self._messages(talk, caller), "stream": True}
        if self._model:
            body["model"] = self._model
        letters = 0
        async with _posted(self._http, self._url, body, self._headers) as answer:
            async for line in answer.content:
                piece = read_sse_line(line.decode("utf-8", "replace"))
                if piece is None:
                    return
                letters += len(piece)
                if piece:
                    yield piece
                if letters > LONGEST_REPLY:
                    return

    def _messages(self, talk: Sequence[Message], caller: Caller) -> list[dict[str, str]]:
        # A call's own instructions take the place of the prompt, and are then both.
        told = list(dict.fromkeys(text for text in (self._prompt, caller.instructions) if text))
        if caller.data:
            told.append(f"About this call: {json.dumps(dict(caller.data), ensure_ascii=False, default=str)}")
        system = [{"role": "system", "content": "\n\n".join(told)}] if told else []
        return system + [{"role": message.role, "content": message.content} for message in talk]


class TurnReplies:
    """One POST a turn: `{"text", "context"}` -> `{"text"}`, the SDK's older `agent_endpoint`."""

    def __init__(self, http: aiohttp.ClientSession, *, url: str, key: str | None) -> None:
        self._http = http
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def reply(self, talk: Sequence[Message], caller: Caller) -> AsyncIterator[str]:
        context: dict[str, Any] = {
            "call_id": caller.call_id,
            "session_id": caller.call_id,
            "turn_number": sum(message.role == "user" for message in talk),
            "direction": caller.direction,
            "user_number": caller.user_number,
            "data": dict(caller.data),
        }
        if told := [message.content for message in talk if message.role == "system"]:
            context["messages"] = told
        async with _posted(self._http, self._url, {"text": _last_said(talk), "context": context}, self._headers) as got:
            try:
                text = (await got.json(content_type=None))["text"]
            except (ValueError, KeyError, TypeError):
                raise BrainFailed("the endpoint's answer has no `text`") from None
        if text:
            yield str(text)[:LONGEST_REPLY]


def _last_said(talk: Sequence[Message]) -> str:
    return next((message.content for message in reversed(talk) if message.role != "system"), "")


def replies_of(brain: Served, http: aiohttp.ClientSession, settings: Settings) -> Replies:
    """Who answers for the brain that the control plane has told of. Raises BrainFailed for one that is not served."""
    told = brain.settings
    if brain.kind == "prompt":
        return ChatReplies(
            http,
            url=settings.llm_url,
            key=settings.llm_key,
            model=told.get("model") or settings.llm_model,
            prompt=told.get("instructions"),
        )
    if brain.kind == "endpoint" and told.get("url"):
        if told.get("kind") == "turn":
            return TurnReplies(http, url=str(told["url"]), key=told.get("api_key"))
        return ChatReplies(http, url=str(told["url"]), key=told.get("api_key"), model=told.get("model"))
    raise BrainFailed(f"a brain of the kind {brain.kind} is not served here")


def chat_url(url: str) -> str:
    """A base such as `https://host/v1` or the whole address of the completions."""
    path = urlsplit(url).path
    return url if path.endswith("/chat/completions") else f"{url.rstrip('/')}/chat/completions"


def read_sse_line(line: str) -> str | None:
    """The piece of text in a line of a stream of chat completions: "" where it has none, None where the stream ends.
    Raises BrainFailed for an error that comes within the stream."""
    name, _, value = line.strip().partition(":")
    if name != "data":
        return ""
    if value.strip() == "[DONE]":
        return None
    try:
        chunk = json.loads(value)
    except ValueError:
        raise BrainFailed("a line of the stream is no JSON") from None
    if not isinstance(chunk, dict) or chunk.get("error"):
        raise BrainFailed("the model's stream broke off with an error")
    choices = chunk.get("choices")
    delta = choices[0].get("delta") if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None
    content = delta.get("content") if isinstance(delta, dict) else None
    return content if isinstance(content, str) else ""


class _posted:
    """A POST whose answer is good, or BrainFailed."""

    def __init__(
        self, http: aiohttp.ClientSession, url: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> None:
        time_out = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=FIRST_BYTE_S)
        self._request = http.post(url, json=body, headers=headers, timeout=time_out, allow_redirects=False)

    async def __aenter__(self) -> aiohttp.ClientResponse:
        try:
            answer = await self._request.__aenter__()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise BrainFailed(f"the endpoint was not reached: {type(error).__name__}") from None
        if answer.status != 200:
            await self._request.__aexit__(None, None, None)
            raise BrainFailed(f"the endpoint answered {answer.status}")
        return answer

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        await self._request.__aexit__(kind, error, trace)
        if isinstance(error, (aiohttp.ClientError, TimeoutError)):
            raise BrainFailed(f"the endpoint broke off: {type(error).__name__}") from None
