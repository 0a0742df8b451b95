"""What was said in a conversation whose speech worker is lost: where LiveKit still has it.

    speech worker --attribute of its participant, turn by turn--> LiveKit shows a killed job for 20 s more
    successor    <--metadata of its dispatch-- whoever sends it has read that attribute
                                               should that successor be lost, or its dispatch: the dispatch before

So a conversation costs no write of ours, and goes on from what was said.
"""

import json
from collections.abc import Iterable
from typing import Any, Protocol

from ringline.calls.model.call import Call

TURNS_ATTRIBUTE = "ringline.turns"
"""Of the speech worker's participant: JSON, a list of turns, the last ones where all would be too long."""


class Shown(Protocol):
    @property
    def sid(self) -> str: ...

    @property
    def identity(self) -> str: ...

    @property
    def attributes(self) -> Any: ...


class Dispatched(Protocol):
    @property
    def metadata(self) -> str: ...


def turns_so_far(call: Call, participants: Iterable[Shown], dispatches: Iterable[Dispatched]) -> list[dict[str, Any]]:
    """The turns of the call's present agent, from the lost one itself or from what its successor was to be told."""
    for participant in participants:
        if call.is_its_agent(participant.identity, participant.sid) and TURNS_ATTRIBUTE in participant.attributes:
            return _turns(participant.attributes[TURNS_ATTRIBUTE])
    for dispatch in reversed(list(dispatches)):
        told = _read(dispatch.metadata)
        if isinstance(told, dict) and told.get("agent_id") == call.agent_id and told.get("turns"):
            return _turns(json.dumps(told["turns"]))
    return []


def _turns(text: str) -> list[dict[str, Any]]:
    told = _read(text)
    return [turn for turn in told if isinstance(turn, dict)] if isinstance(told, list) else []


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
