"""What thinks for a call: its speech worker asks, with the token that it was dispatched with."""

from collections.abc import Callable
from typing import Any

from ringline.agents.assign import Assign, CallIsOver
from ringline.agents.model.assigning import Asked, answer_of
from ringline.calls.model.call import AttemptId, Call, State
from ringline.calls.rules.transfers.steps import has_no_part_in
from ringline.calls.tables.store import CallStore
from ringline.routing.records import Agent, Brain, EndpointKind
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import Clock
from ringline.runtime.web.problems import Problem, not_found


class Brains:
    def __init__(self, *, store: CallStore, routing: RoutingStore, assign: Callable[[], Assign], clock: Clock) -> None:
        self._store = store
        self._routing = routing
        self._assign = assign
        self._clock = clock

    def answer(self, whose: AttemptId, asked: Asked) -> dict[str, Any]:
        """Raises Problem 404, 409, and TableContended."""
        call = self._store.get(whose.account_id, whose.call_id)
        if call is None:
            raise not_found("call_not_found", "There is no such call")
        if call.attempt != whose.attempt or not call.in_flight or call.state is State.LAST_WORDS:
            raise _call_is_over()
        if has_no_part_in(call, asked.dispatch):
            raise _call_is_over()
        match call.brain:
            case Brain.RUNNER:
                return {"brain": Brain.RUNNER, **self._runner(call, asked)}
            case Brain.ENDPOINT:
                return {"brain": Brain.ENDPOINT, "result": "served", "endpoint": _endpoint(self._agent(call))}
            case Brain.PROMPT:
                return {"brain": Brain.PROMPT, "result": "served", "prompt": _prompt(call, self._agent(call))}
        raise Problem(409, "no_brain_to_give", "The agent of this call thinks for itself")

    def _runner(self, call: Call, asked: Asked) -> dict[str, Any]:
        try:
            return answer_of(self._assign().requested(call, asked), self._clock())
        except CallIsOver:
            raise _call_is_over() from None

    def _agent(self, call: Call) -> Agent:
        agent = self._routing.agent(call.account_id, call.agent_id or "")
        if agent is None:
            raise Problem(409, "agent_is_gone", "The agent of this call is not set up any more")
        return agent


def _endpoint(agent: Agent) -> dict[str, Any]:
    return {
        "url": agent.endpoint_url,
        "api_key": agent.endpoint_key,
        "model": agent.model,
        "kind": agent.endpoint_kind or EndpointKind.CHAT,
    }


def _prompt(call: Call, agent: Agent) -> dict[str, Any]:
    return {"instructions": call.instructions or agent.prompt, "model": agent.model}


def _call_is_over() -> Problem:
    return Problem(409, "call_is_over", "The call, or this attempt of it, needs no brain any more")
