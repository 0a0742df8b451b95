"""A language model for whoever has none: it answers chat completions as OpenAI defined them, streamed, by a script."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiohttp import web

STAND_IN_PATH = "/model/v1"
"""Its base: what `SPEECH_LLM_URL` would be."""
_BETWEEN_WORDS_S = 0.01
"""Real seconds: it writes faster than anybody speaks, and not all at once."""


def scripted_reply(messages: Sequence[Mapping[str, Any]]) -> str:
    """What it says to the talk so far. It repeats what was last said to it, so that one sees who is asked; where nobody
    has said anything it greets."""
    said = [message for message in messages if message.get("role") == "user"]
    return f"You said: {said[-1].get('content') or ''}" if said else "Hello."


async def complete(request: web.Request) -> web.StreamResponse:
    """POST <base>/chat/completions, without a key and with any model."""
    try:
        messages = (await request.json())["messages"]
        reply = scripted_reply(messages)
    except (ValueError, KeyError, TypeError, AttributeError):
        return web.json_response({"error": {"message": "messages must be a list of messages"}}, status=400)
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(request)
    for piece in _pieces(reply):
        chunk = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": piece}}]}
        await answer.write(f"data: {json.dumps(chunk)}\n\n".encode())
        await asyncio.sleep(_BETWEEN_WORDS_S)
    await answer.write(b"data: [DONE]\n\n")
    return answer


def _pieces(reply: str) -> Iterator[str]:
    for number, word in enumerate(reply.split(" ")):
        yield word if number == 0 else f" {word}"
