"""Things by what people call them: an id, or a name that only one of them has."""

from collections.abc import Callable
from dataclasses import dataclass

from cli.model.failures import Refused, Usage
from cli.reach.api import Api, Document, segment
from ringline.routing.numbers import NotANumber, read_number

_OVER = frozenset({"revoked", "expired"})
"""`status` of a key that nobody means any more."""

_NOT_BY_ID = frozenset({400, 404, 405, 422})
"""What the API answers where a name stands in the place of an id."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing: where its list is, which field is its id, and which one people know it by. `gives` is the field
    that is said in its place, the id where nothing else is named. `words` are none of its names, nor is what begins as
    `elsewhere`, which is an id that LiveKit gave. `alone` tells whether the API shows one by itself, and not only in
    the list."""

    what: str
    path: str
    id_field: str
    name_field: str = "name"
    gives: str | None = None
    words: frozenset[str] = frozenset()
    elsewhere: str | None = None
    alone: bool = True

    @property
    def given(self) -> str:
        return self.gives or self.id_field


AGENT = Kind("agent", "/v1/agents", "agent_id")
PIPE = Kind("pipe", "/v1/pipes", "pipe_id")
TRUNK = Kind("trunk", "/v1/trunks", "trunk_id")
LIVEKIT_TRUNK = Kind("trunk", "/v1/trunks", "trunk_id", gives="provider_trunk_id", elsewhere="ST_")
NUMBER = Kind("number", "/v1/numbers", "number_id", name_field="number", gives="number")
VOICE = Kind("voice", "/v1/voice-profiles", "profile_id")
ENDPOINT = Kind("webhook endpoint", "/v1/webhook-endpoints", "endpoint_id", name_field="url")
KEY = Kind("key", "/v1/api-keys", "key_id", alone=False)


def identify(open_api: Callable[[], Api], kind: Kind, said: str, field: str) -> str:
    """The id of the thing that is meant: by its id, or by its name if only one has it. What is neither is left as it
    was said, for the API to refuse in its own words. Raises Usage, which names `field` and lists the candidates, where
    several are called so."""
    if said in kind.words or (kind.elsewhere is not None and said.startswith(kind.elsewhere)):
        return said
    if kind.gives == "number" and (number := _as_number(said)):
        return number
    api = open_api()
    by_id = _by_id(api, kind, said)
    if by_id is not None:
        return str(by_id.get(kind.given) or said)
    called = [each for each in api.rows(kind.path) if str(each.get(kind.name_field)).casefold() == said.casefold()]
    called = [each for each in called if each.get("status") not in _OVER] or called
    if len(called) > 1:
        raise _ambiguous(kind, said, field, called)
    return str(called[0].get(kind.given) or said) if called else said


def _by_id(api: Api, kind: Kind, said: str) -> Document | None:
    if not kind.alone:
        return next((each for each in api.rows(kind.path) if each.get(kind.id_field) == said), None)
    try:
        return api.get(f"{kind.path}/{segment(said)}") if said else None
    except Refused as refused:
        if refused.document.get("status") not in _NOT_BY_ID:
            raise
        return None


def _as_number(said: str) -> str | None:
    try:
        return read_number(said)
    except NotANumber:
        return None


def _ambiguous(kind: Kind, said: str, field: str, called: list[Document]) -> Usage:
    candidates = [{"id": each[kind.id_field], "name": each.get(kind.name_field)} for each in called]
    failure = Usage(f"{len(called)} {kind.what}s are called {said}: say the id of one", field)
    failure.document["candidates"] = candidates
    return failure
