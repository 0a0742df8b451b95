"""What thinks for a call: its speech worker asks, with the token that it was dispatched with."""

from collections.abc import Callable
from typing import Any

from ringline.agents.assign import Assign, CallIsOver
from ringline.agents.model.assigning import Asked, answer_of
from ringline.calls.model.call import Call, Speaker, State
from ringline.calls.model.transfers.standing import agent_of_part
from ringline.calls.rules.transfers.agents import has_no_part_in
from ringline.calls.tables.store import CallStore
from ringline.routing.records import Agent, Brain, EndpointKind
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import Clock
from ringline.runtime.vault.row_secrets import Opens
from ringline.runtime.vault.sealed import NotOpened
from ringline.runtime.web.problems import Problem, not_found


class Brains:
    def __init__(
        self, *, store: CallStore, routing: RoutingStore, assign: Callable[[], Assign], open_key: Opens, clock: Clock
    ) -> None:
        self._store = store
        self._routing = routing
        self._assign = assign
        self._open_key = open_key
        self._clock = clock

    def answer(self, whose: Speaker, asked: Asked) -> dict[str, Any]:
        """Raises Problem 404, 409, and TableContended."""
        call = self._store.get(whose.account_id, whose.call_id)
        if call is None:
            raise not_found("call_not_found", "There is no such call")
        if call.attempt != whose.attempt or not call.in_flight or call.state is State.LAST_WORDS:
            raise _call_is_over()
        dispatch = whose.dispatch or asked.dispatch
        if has_no_part_in(call, dispatch) or call.has_fallen_back_from(dispatch):
            raise _call_is_over()
        if whose.agent_id is not None and whose.agent_id != call.agent_id:
            # The call has fallen back to another agent, who has a brain, a voice and a greeting of its own.
            raise _call_is_over()
        match call.brain:
            case Brain.RUNNER:
                return {"brain": Brain.RUNNER, **self._runner(call, asked)}
            case Brain.ENDPOINT:
                return {"brain": Brain.ENDPOINT, "result": "served", "endpoint": self._endpoint(call)}
            case Brain.PROMPT:
                told = _prompt(self._store.whole(call), self._agent(call))
                return {"brain": Brain.PROMPT, "result": "served", "prompt": told}
        raise Problem(409, "no_brain_to_give", "The agent of this call thinks for itself")

    def _runner(self, call: Call, asked: Asked) -> dict[str, Any]:
        try:
            return answer_of(self._assign().requested(call, asked), asked, self._clock())
        except CallIsOver:
            raise _call_is_over() from None

    def _endpoint(self, call: Call) -> dict[str, Any]:
        agent = self._agent(call)
        return {
            "url": agent.endpoint_url,
            "api_key": self._key_of(call.account_id, agent),
            "model": agent.model,
            "kind": agent.endpoint_kind or EndpointKind.CHAT,
        }

    def _key_of(self, account_id: str, agent: Agent) -> str | None:
        try:
            return agent.endpoint_key and self._open_key(account_id, agent.agent_id, agent.endpoint_key)
        except NotOpened:
            title = "The stack cannot open the key of the agent's endpoint. Give the agent its key again"
            raise Problem(409, "key_not_opened", title) from None

    def _agent(self, call: Call) -> Agent:
        agent = self._routing.agent(call.account_id, call.agent_id or "")
        if agent is None:
            raise Problem(409, "agent_is_gone", "The agent of this call is not set up any more")
        return agent


def _prompt(call: Call, agent: Agent) -> dict[str, Any]:
    """What a call is created with is for its first agent, and goes before that one's own prompt. An agent that has
    taken the call over is who its own prompt says, and is told the other behind it."""
    told = [agent.prompt, call.instructions] if _was_taken_over(call) else [call.instructions or agent.prompt]
    return {"instructions": "\n\n".join(text for text in told if text) or None, "model": agent.model}


def _was_taken_over(call: Call) -> bool:
    first = agent_of_part(call.transfers, call.attempt, 1, call.agent_id)
    return call.fallback_dispatch is not None or first != call.agent_id


def _call_is_over() -> Problem:
    return Problem(409, "call_is_over", "The call, or this attempt of it, needs no brain any more")
