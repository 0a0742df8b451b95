"""From what a request names - a pipe, an agent, a number - or from the number a caller dialled to what to run.

An agent beats a pipe: with both, the pipe lends number, voice and limits, and the named agent speaks. An agent alone
speaks through a pipe bound to it, or, where there is none, with defaults and the number attached to itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ringline.routing.destinations import may_be_called
from ringline.routing.numbers import is_e164
from ringline.routing.records import (
    MAX_CALL_DURATION_S,
    USUAL_SOUND,
    USUAL_VOICEMAIL,
    Agent,
    Number,
    Pipe,
    Sound,
    VoicemailWindows,
)
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.rows import attributes_of
from ringline.runtime.web.problems import invalid_field


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """All that a call takes from its pipe and agent. None where neither says: the product's default holds.
    `from_number` is the account's own number, also of a call that rings in there. With `from_pool` another one of the
    pipe's may be chosen when the call is dialled. `dialed` is the number that a caller dialled, as it is set up."""

    pipe_id: str | None
    agent_id: str
    from_number: str
    brain: str | None = None
    trunk_id: str | None = None
    voice_profile_id: str | None = None
    recording: bool = False
    max_call_duration_s: int = MAX_CALL_DURATION_S
    ring_timeout_s: int | None = None
    agent_join_timeout_s: int | None = None
    agent_first: bool = True
    voicemail: VoicemailWindows = USUAL_VOICEMAIL
    voicemail_policy: str | None = None
    unique_to: str | None = None
    webhook_url: str | None = None
    fallback: Agent | None = None
    fallback_number: str | None = None
    transfer_allowed_numbers: tuple[str, ...] | None = None
    transfer_allowed_prefixes: tuple[str, ...] | None = None
    dialed: Number | None = None
    sound: Sound = USUAL_SOUND
    from_pool: bool = False

    @property
    def voice(self) -> dict[str, Any] | None:
        """What a call takes over of the sound."""
        return told_of(self.sound)


@dataclass(frozen=True, slots=True)
class OwnNumber:
    """The account's own number of a call and, where it has one of its own, the trunk it belongs to."""

    number: str
    trunk_id: str | None


class Routing(Protocol):
    def pipe(self, account_id: str, pipe_id: str) -> Pipe | None: ...

    def pipes(self, account_id: str, agent_id: str | None = None) -> list[Pipe]: ...

    def agent(self, account_id: str, agent_id: str) -> Agent | None: ...

    def number(self, account_id: str, number: str) -> Number | None: ...

    def numbers(self, account_id: str) -> list[Number]: ...

    def default_number(self, account_id: str) -> str | None: ...


class OutboundRouting:
    """Reads no more than the request needs: a pipe and its agent, or an agent and a query for its pipes; and the number
    where neither names a trunk."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing

    def resolve(
        self, account_id: str, pipe_id: str | None = None, agent_id: str | None = None, from_number: str | None = None
    ) -> Route:
        """The route of a call to be made.

        Raises Problem 422 naming the field, with the code `no_pipe_or_agent`, `unknown_pipe`, `pipe_disabled`,
        `unknown_agent`, `unknown_from_number` (also for what is no E.164) or `no_from_number`.
        """
        if from_number is not None and not is_e164(from_number):
            raise invalid_field("from_number", "must be a number in E.164 form", code="unknown_from_number")
        pipe = self._pipe(account_id, pipe_id, agent_id)
        agent = self._agent(account_id, pipe, agent_id)
        own_number = None if from_number is not None else self._of_pool(account_id, pipe)
        if own_number is not None:
            return replace(route_through(pipe, agent, own_number), from_pool=True)
        own_number = attached_number(pipe, agent, from_number) or self._default(account_id, from_number)
        if own_number is not None and own_number.trunk_id is None:
            own_number = self._with_its_trunk(account_id, own_number)
        if own_number is None and from_number is not None:
            own_number = self._own_number(account_id, from_number)
        if own_number is None:
            raise invalid_field(
                "from_number", "must be given: pipe, agent and account have no number", code="no_from_number"
            )
        return route_through(pipe, agent, own_number)

    def may_call(self, account_id: str, number: str, allowed: tuple[str, ...] | None, own_number: str | None) -> bool:
        """Whether the account may call a number: by its list, or else by the countries of its own numbers, of which the
        call's is looked at first."""

        def own() -> Iterator[str]:
            if own_number is not None:
                yield own_number
            yield from (each.number for each in self._routing.numbers(account_id))

        return may_be_called(number, allowed, own)

    def _pipe(self, account_id: str, pipe_id: str | None, agent_id: str | None) -> Pipe | None:
        if pipe_id is not None:
            pipe = self._routing.pipe(account_id, pipe_id) if is_plausible_id(pipe_id) else None
            if pipe is None:
                raise invalid_field("pipe_id", "names no pipe of this account", code="unknown_pipe")
            if pipe.is_disabled:
                raise invalid_field("pipe_id", "names a pipe that is disabled", code="pipe_disabled")
            return pipe
        if agent_id is None:
            raise invalid_field("pipe_id", "must be given, or agent_id", code="no_pipe_or_agent")
        return chosen_pipe(self._routing.pipes(account_id, agent_id)) if is_plausible_id(agent_id) else None

    def _agent(self, account_id: str, pipe: Pipe | None, agent_id: str | None) -> Agent:
        """The agent that speaks. That of a pipe exists, as far as its pipe knows."""
        if pipe is not None and agent_id in (None, pipe.agent_id):
            return agent_of_pipe(self._routing, account_id, pipe)
        agent = self._routing.agent(account_id, agent_id) if agent_id and is_plausible_id(agent_id) else None
        if agent is None:
            raise invalid_field("agent_id", "names no agent of this account", code="unknown_agent")
        return agent

    def _with_its_trunk(self, account_id: str, own_number: OwnNumber) -> OwnNumber | None:
        """A number that was brought with a trunk calls through it, whoever it is attached to. None for one that was
        given up: it is not the account's to call from."""
        number = self._routing.number(account_id, own_number.number)
        return None if number is None else OwnNumber(number.number, number.trunk_id)

    def _of_pool(self, account_id: str, pipe: Pipe | None) -> OwnNumber | None:
        """The first number of the pipe's pool that is there. The call's own is chosen when it is dialled."""
        numbers = (self._routing.number(account_id, each) for each in (() if pipe is None else pipe.caller_ids))
        return next((OwnNumber(each.number, each.trunk_id) for each in numbers if each is not None), None)

    def _default(self, account_id: str, from_number: str | None) -> OwnNumber | None:
        """What the account calls from where nothing else says: no number is ever chosen of several."""
        number = None if from_number is not None else self._routing.default_number(account_id)
        return None if number is None else OwnNumber(number, None)

    def _own_number(self, account_id: str, from_number: str) -> OwnNumber:
        number = self._routing.number(account_id, from_number)
        if number is None:
            raise invalid_field("from_number", "is no number of this account", code="unknown_from_number")
        return OwnNumber(number.number, number.trunk_id)


class InboundRouting:
    """Reads the number, and then one pipe and its agent, or an agent and its pipes; and who takes the call if that
    agent does not come, where the pipe names somebody."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing

    def resolve(self, account_id: str, number: str) -> Route | None:
        """Who takes a call to this number of the account; None if it leads to no agent: it is attached to nothing, or
        to what is disabled, or not there any more."""
        dialed = self._routing.number(account_id, number)
        return None if dialed is None else self._resolved(account_id, dialed)

    def _resolved(self, account_id: str, dialed: Number) -> Route | None:
        pipe = None if dialed.pipe_id is None else self._routing.pipe(account_id, dialed.pipe_id)
        if pipe is not None and pipe.is_disabled:
            return None
        agent = self._agent(account_id, dialed, pipe)
        if agent is None:
            return None
        if pipe is None:
            pipe = chosen_pipe(self._routing.pipes(account_id, agent.agent_id))
        route = route_through(pipe, agent, OwnNumber(dialed.number, dialed.trunk_id))
        fallback_number = None if pipe is None else pipe.fallback_number
        fallback = self._fallback(account_id, pipe, agent)
        return replace(route, fallback=fallback, fallback_number=fallback_number, dialed=dialed)

    def overflow(self, account_id: str, dialed: Number) -> Route | None:
        """Who takes a caller of this number for whom nobody is free; None where nobody is named, or is there any
        more."""
        if dialed.overflow_number is not None:
            return None if dialed.overflow_number == dialed.number else self.resolve(account_id, dialed.overflow_number)
        return self.through(account_id, dialed, dialed.overflow_pipe_id, dialed.overflow_agent_id)

    def through(self, account_id: str, dialed: Number, pipe_id: str | None, agent_id: str | None) -> Route | None:
        """The route of a caller of this number to another pipe or agent than its own."""
        if pipe_id is None and agent_id is None:
            return None
        other = replace(dialed, pipe_id=pipe_id, agent_id=agent_id)
        return self._resolved(account_id, other)

    def _fallback(self, account_id: str, pipe: Pipe | None, agent: Agent) -> Agent | None:
        named = None if pipe is None else pipe.fallback_agent_id
        return None if named in {None, agent.agent_id} else self._routing.agent(account_id, named or "")

    def _agent(self, account_id: str, dialed: Number, pipe: Pipe | None) -> Agent | None:
        """The agent that speaks, as for a request: an agent beats a pipe, and the agent of a pipe is known to exist."""
        if pipe is not None and dialed.agent_id in (None, pipe.agent_id):
            return agent_of_pipe(self._routing, account_id, pipe)
        return None if dialed.agent_id is None else self._routing.agent(account_id, dialed.agent_id)


def agent_of_pipe(routing: Routing, account_id: str, pipe: Pipe) -> Agent:
    """The agent that a pipe names. One without a row of its own speaks for itself."""
    return routing.agent(account_id, pipe.agent_id) or Agent(agent_id=pipe.agent_id, name=pipe.agent_id)


def chosen_pipe(pipes: Sequence[Pipe]) -> Pipe | None:
    """The pipe an agent speaks through: one with a number before one without, then the oldest, always the same. One
    that is disabled is none."""
    there = (pipe for pipe in pipes if not pipe.is_disabled)
    return min(there, key=lambda pipe: (pipe.number is None, pipe.pipe_id), default=None)


def attached_number(pipe: Pipe | None, agent: Agent, from_number: str | None) -> OwnNumber | None:
    """The attached number a call goes out on, the pipe's before the agent's; if the request names one, only that."""
    for owner in (pipe, agent):
        if owner is not None and owner.number is not None and from_number in (None, owner.number):
            return OwnNumber(owner.number, owner.trunk_id)
    return None


def route_through(pipe: Pipe | None, agent: Agent, own_number: OwnNumber) -> Route:
    """The route of `agent` speaking on `own_number`, with the limits of the pipe where there is one."""
    if pipe is None:
        return Route(
            pipe_id=None,
            agent_id=agent.agent_id,
            brain=agent.brain_of_ours,
            from_number=own_number.number,
            trunk_id=own_number.trunk_id,
            voice_profile_id=voice_profile_of(agent),
            recording=agent.recording,
            max_call_duration_s=agent.max_call_duration_s,
            sound=sound_of(None, agent),
        )
    return Route(
        pipe_id=pipe.pipe_id,
        agent_id=agent.agent_id,
        brain=agent.brain_of_ours,
        from_number=own_number.number,
        trunk_id=own_number.trunk_id or pipe.trunk_id,
        voice_profile_id=pipe.voice_profile_id or voice_profile_of(agent),
        recording=pipe.recording,
        max_call_duration_s=pipe.max_call_duration_s,
        ring_timeout_s=pipe.ring_timeout_s,
        agent_join_timeout_s=pipe.agent_join_timeout_s,
        agent_first=pipe.agent_first,
        voicemail=pipe.voicemail,
        voicemail_policy=pipe.voicemail_policy,
        unique_to=pipe.unique_to,
        webhook_url=pipe.webhook_url,
        transfer_allowed_numbers=pipe.transfer_allowed_numbers,
        transfer_allowed_prefixes=pipe.transfer_allowed_prefixes,
        sound=sound_of(pipe, agent),
    )


def voice_profile_of(agent: Agent) -> str | None:
    """The voice with which an agent speaks where no pipe says otherwise."""
    return None if agent.voice is None else agent.voice.voice_profile_id


def told_of(sound: Sound) -> dict[str, Any] | None:
    """What is not as usual of a sound; None where all is."""
    told = {name: value for name, value in attributes_of(sound).items() if value != getattr(USUAL_SOUND, name, None)}
    return told or None


def sound_of(pipe: Pipe | None, agent: Agent) -> Sound:
    """What is heard of the agent: the pipe's word goes before the voice's, and that before the agent's."""
    profile_id = None if pipe is None else pipe.voice_profile_id
    voice = next((each for each in agent.voices if each.voice_profile_id == profile_id), agent.voice)
    over, under = USUAL_SOUND if pipe is None else pipe.sound, agent.sound
    greeting = None if voice is None else voice.greeting
    chosen = over if over.background_sound is not None else under
    return Sound(
        greeting=over.greeting or greeting or under.greeting,
        first_speaker=over.first_speaker or under.first_speaker,
        background_sound=chosen.background_sound,
        background_sound_enabled=over.background_sound_enabled and under.background_sound_enabled,
        background_sound_volume=chosen.background_sound_volume,
    )
