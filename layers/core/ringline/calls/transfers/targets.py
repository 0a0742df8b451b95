"""From what a request names to whom the call may be handed over. The one place where that is decided, whoever asks: the
API, the account's own agents, or a runner whose target a language model has chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ringline.calls.model.call import Call
from ringline.calls.model.transfers.allowed import is_allowed
from ringline.calls.model.transfers.transfer import Target, TargetKind
from ringline.calls.transfers.bodies import TransferRequest, TransferTarget
from ringline.routing.numbers import NotANumber, read_number
from ringline.routing.records import Agent
from ringline.runtime.web.problems import FieldError, Problem, invalid_field

_END = "end"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is asked for, who after that one, and whether the call ends if nobody comes."""

    target: Target
    fallback: tuple[Target, ...]
    ends_call: bool


@dataclass(frozen=True, slots=True)
class Targets:
    """`agent` reads an agent of an account (account, agent)."""

    agent: Callable[[str, str], Agent | None]

    def of(self, call: Call, request: TransferRequest) -> Wanted:
        """Raises Problem 422 for a target that is none, or that the call's pipe does not allow."""
        _check_mode(request)
        further = request.fallback or ()
        named: Sequence[TransferTarget | str] = (_END,) if isinstance(further, str) else further
        if _END in named[:-1]:
            raise invalid_field("fallback", "has targets behind the end of the call")
        ends_call = bool(named) and named[-1] == _END
        targets = [self._target(call, "to", request.to)]
        for place, each in enumerate(named):
            if isinstance(each, TransferTarget):
                targets.append(self._target(call, f"fallback.{place}", each))
        return Wanted(targets[0], tuple(targets[1:]), ends_call)

    def _target(self, call: Call, field: str, asked: TransferTarget) -> Target:
        match asked.type:
            case "sip":
                return Target(TargetKind.NUMBER, _number(call, field, asked.config))
            case "agent":
                return self._agent(call, field, asked.config)
        raise Problem(
            422,
            "transfer_target_not_served",
            f"Nobody can be called by {asked.type}: hand over to a number (sip) or to an agent",
            (FieldError(f"{field}.type", "is not sip or agent"),),
        )

    def _agent(self, call: Call, field: str, config: dict[str, Any]) -> Target:
        agent_id = _only(f"{field}.config", config, "agent_id")
        agent = self.agent(call.account_id, agent_id)
        if agent is None:
            raise invalid_field(f"{field}.config.agent_id", "is no agent of the account", code="unknown_agent")
        if agent_id == call.agent_id:
            raise invalid_field(f"{field}.config.agent_id", "has the call already")
        return Target(TargetKind.AGENT, agent_id, agent.brain_of_ours)


def _number(call: Call, field: str, config: dict[str, Any]) -> str:
    try:
        number = read_number(_only(f"{field}.config", config, "number"))
    except NotANumber as error:
        raise invalid_field(f"{field}.config.number", str(error)) from None
    if not is_allowed(number, call.transfer_allowed_numbers, call.transfer_allowed_prefixes):
        raise Problem(
            422,
            "transfer_not_allowed",
            "The call's pipe does not allow transfers to this number",
            (FieldError(f"{field}.config.number", "is not among the pipe's transfer_allowed_numbers or prefixes"),),
        )
    return number


def _only(field: str, config: dict[str, Any], name: str) -> str:
    unknown = [key for key in config if key != name]
    if unknown:
        raise invalid_field(f"{field}.{unknown[0]}", "is not known here: nothing would be done about it")
    value = config.get(name)
    if not isinstance(value, str) or not value:
        raise invalid_field(f"{field}.{name}", "is missing")
    return value


def _check_mode(request: TransferRequest) -> None:
    """What would mean nothing is refused by its name."""
    if request.mode == "warm" and request.to.type == "agent":
        raise invalid_field("mode", "is cold for an agent: two agents never talk at once")
    if request.mode == "cold" and request.warm_handoff_ms:
        raise invalid_field("warm_handoff_ms", "means nothing in a cold transfer")
    if request.mode == "cold" and request.drop_participant_id is not None:
        raise invalid_field("drop_participant_id", "means nothing in a cold transfer")
