"""From what a request names to whom the call may be handed over. The one place where that is decided, whoever asks: the
API, the account's own agents, or a runner whose target a language model has chosen."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import replace
from dataclasses import dataclass
from typing import Any

from ringline.calls.model.call import Call, Direction
from ringline.calls.model.transfers.allowed import is_allowed
from ringline.calls.model.transfers.transfer import Target, TargetKind
from ringline.calls.transfers.bodies import TransferRequest, TransferTarget
from ringline.routing.numbers import NotANumber
from ringline.routing.records import Agent, Number
from ringline.routing.resolve import sound_of, told_of, voice_profile_of
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.web.problems import FieldError, Problem, invalid_field

_END = "end"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is asked for, who after that one, and whether the call ends if nobody comes."""

    target: Target
    fallback: tuple[Target, ...]
    ends_call: bool
    trunk_id: str | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """`agent` reads an agent of an account (account, agent), `number` one of its numbers (account, E.164), and
    `pipe_fallback` whom a pipe's failed transfers go on to (account, pipe), as `Pipe` has it. `may_call` says whether
    the call's account may call a number at all: what a pipe allows is written with the key that a thief may have.
    `read_number` reads one as an account writes it (account, text), and raises NotANumber."""

    agent: Callable[[str, str], Agent | None]
    number: Callable[[str, str], Number | None]
    pipe_fallback: Callable[[str, str | None], Sequence[str]]
    may_call: Callable[[Call, str], bool]
    read_number: Callable[[str, str], str]

    def of(self, call: Call, request: TransferRequest) -> Wanted:
        """Raises Problem 422 for a target that is none, or that the call's pipe does not allow, 403 for a number that
        the account may not call, and 409 where somebody in a browser would have to be sent away."""
        _check_mode(request)
        wanted = self._wanted(call, request)
        return _as_a_browser_can(request, wanted) if call.direction is Direction.WEB else wanted

    def _wanted(self, call: Call, request: TransferRequest) -> Wanted:
        further = request.fallback or ()
        named: Sequence[TransferTarget | str] = (_END,) if isinstance(further, str) else further
        if _END in named[:-1]:
            raise invalid_field("fallback", "has targets behind the end of the call")
        ends_call = bool(named) and named[-1] == _END
        targets = [self._target(call, "to", request.to)]
        for place, each in enumerate(named):
            if isinstance(each, TransferTarget):
                targets.append(self._target(call, f"fallback.{place}", each))
        if "fallback" not in request.model_fields_set:
            return self._as_the_pipe_says(call, targets[0])
        return Wanted(targets[0], tuple(targets[1:]), ends_call, self._trunk_of(call))

    def _trunk_of(self, call: Call) -> str | None:
        """The trunk through which the number calls that a caller dialled, where it has one of its own."""
        if call.direction is not Direction.INBOUND or call.to_number is None:
            return None
        number = self.number(call.account_id, call.to_number)
        return None if number is None else number.trunk_id

    def _as_the_pipe_says(self, call: Call, target: Target) -> Wanted:
        """A request's own word goes first, a null included. Of the pipe's, whoever may not have this call, is gone, or
        is asked for already is passed over."""
        kept = self.pipe_fallback(call.account_id, call.pipe_id)
        further: list[Target] = []
        for each in kept:
            if each == f"agent:{call.agent_id}":
                # Whoever asks is next in the list: the call is theirs again, and nobody else's, nor over.
                return Wanted(target, tuple(further), ends_call=False, trunk_id=self._trunk_of(call))
            kind, _, named = each.partition(":")
            if kind not in {"sip", "agent"}:
                continue
            asked = TransferTarget(type="sip" if kind == "sip" else "agent", config=_config(kind, named))
            with suppress(Problem):
                found = self._target(call, "fallback", asked)
                if found not in (target, *further):
                    further.append(found)
        return Wanted(target, tuple(further), _END in kept, self._trunk_of(call))

    def _target(self, call: Call, field: str, asked: TransferTarget) -> Target:
        match asked.type:
            case "sip":
                return Target(TargetKind.NUMBER, self._number(call, field, asked.config))
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
        agent = self.agent(call.account_id, agent_id) if is_plausible_id(agent_id) else None
        if agent is None:
            raise invalid_field(f"{field}.config.agent_id", "is no agent of the account", code="unknown_agent")
        if agent_id == call.agent_id:
            raise invalid_field(f"{field}.config.agent_id", "has the call already")
        # It speaks as itself: what the call's pipe says of a greeting is for whom the pipe begins with.
        return Target(
            TargetKind.AGENT, agent_id, agent.brain_of_ours, voice_profile_of(agent), told_of(sound_of(None, agent))
        )

    def _number(self, call: Call, field: str, config: dict[str, Any]) -> str:
        try:
            number = self.read_number(call.account_id, _only(f"{field}.config", config, "number"))
        except NotANumber as fault:
            raise invalid_field(f"{field}.config.number", str(fault)) from None
        _check_pipe_allows(call, field, number)
        if not self.may_call(call, number):
            error = FieldError(f"{field}.config.number", "lies where this account may not call")
            raise Problem(403, "destination_not_allowed", "The account may not call this number", (error,))
        return number


def _as_a_browser_can(request: TransferRequest, wanted: Wanted) -> Wanted:
    """A browser has no phone that could be sent to a number, as LiveKit would be asked to in a cold transfer, and for a
    number that follows an agent. The pipe's own are passed over then."""
    is_cold = request.mode == "cold"
    further: list[Target] = []
    for target in (wanted.target, *wanted.fallback):
        if is_cold and target.kind is TargetKind.NUMBER:
            if target is wanted.target or "fallback" in request.model_fields_set:
                title = "The other side is a browser, which cannot be sent to a number: have it called in (warm)"
                raise Problem(409, "no_phone_in_call", title)
            continue
        is_cold = is_cold or target.kind is TargetKind.AGENT
        further.append(target)
    return replace(wanted, fallback=tuple(further[1:]))


def _config(kind: str, named: str) -> dict[str, Any]:
    return {"number" if kind == "sip" else "agent_id": named}


def _check_pipe_allows(call: Call, field: str, number: str) -> None:
    if not is_allowed(number, call.transfer_allowed_numbers, call.transfer_allowed_prefixes):
        raise Problem(
            422,
            "transfer_not_allowed",
            "The call's pipe does not allow transfers to this number",
            (FieldError(f"{field}.config.number", "is not among the pipe's transfer_allowed_numbers or prefixes"),),
        )


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
