"""From the pipe that a browser is let in by to what runs there. No number is needed: nobody is dialled but the number
that takes a caller whose agent does not come."""

from dataclasses import replace

from ringline.routing.records import Agent, Pipe
from ringline.routing.resolve import OwnNumber, Route, Routing, agent_of_pipe, attached_number, route_through
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.web.problems import invalid_field


class WebRouting:
    """Reads the pipe, its agent, and who takes the caller if that agent does not come, where the pipe names
    somebody."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing

    def resolve(self, account_id: str, pipe_id: str) -> Route | None:
        """Who takes callers of this pipe; None if the account has no such pipe. Raises Problem 422 `pipe_disabled`."""
        pipe = self._routing.pipe(account_id, pipe_id) if is_plausible_id(pipe_id) else None
        if pipe is None:
            return None
        if pipe.is_disabled:
            raise invalid_field("pipe_id", "names a pipe that is disabled", code="pipe_disabled")
        agent = agent_of_pipe(self._routing, account_id, pipe)
        named = pipe.fallback_agent_id
        fallback = None if named in {None, agent.agent_id} else self._routing.agent(account_id, named or "")
        line = OwnNumber("", None if pipe.fallback_number is None else self._trunk_of(account_id, pipe, agent))
        route = route_through(pipe, agent, line)
        return replace(route, fallback=fallback, fallback_number=pipe.fallback_number)

    def _trunk_of(self, account_id: str, pipe: Pipe, agent: Agent) -> str | None:
        """The trunk that the pipe's or the agent's number calls through: nobody has dialled a number of ours."""
        own = attached_number(pipe, agent, None)
        if own is None:
            return None
        number = self._routing.number(account_id, own.number)
        return (None if number is None else number.trunk_id) or own.trunk_id
