"""Pipes: how calls are made, and by whom."""

from collections.abc import Callable
from contextlib import suppress
from copy import replace
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ringline.calls.model.timing import (
    VOICEMAIL_GREETING_MIN_S,
    VOICEMAIL_GREETING_S,
    VOICEMAIL_RING_MAX_S,
    VOICEMAIL_RING_MIN_S,
)
from ringline.calls.model.transfers.allowed import is_allowed
from ringline.routing.caps import holds_as_written
from ringline.routing.records import USUAL_VOICEMAIL, Agent, Brain, EndpointKind, Pipe, PipeStatus, VoicemailWindows
from ringline.runtime.clock import Clock
from ringline.runtime.ids import is_plausible_id, new_id
from ringline.runtime.web.problems import Problem, invalid_field, not_found
from ringline.runtime.web.revisions import check_revision
from ringline.setup.brains import CheckUrl
from ringline.setup.checks import (
    Rows,
    SetCap,
    Voices,
    check_line,
    fallback_kept,
    in_use,
    sound_after,
    until_written,
    voice_named,
)
from ringline.setup.store import Change, Kind, Reference, Refusal, SetupStore, line_of, reference_to

if TYPE_CHECKING:
    # Bodies are pydantic's, which only requests with one load.
    from ringline.setup.bodies import PipeChange, PipeRequest

_AS_GIVEN = (
    "name", "agent_id", "number", "trunk_id", "ring_timeout_s", "agent_join_timeout_s", "unique_to",
    "fallback_agent_id", "fallback_number", "noise_cancellation", "project_id", "max_calls", "caller_id_policy",
    "webhook_url",
)  # fmt: skip
"""Fields of the body that the record has under the same name. A null of one takes it back."""
_USUAL = {"recording": False, "max_call_duration_s": 3600, "agent_first": True, "status": PipeStatus.ACTIVE}
"""What a null of the others goes back to."""


@dataclass(frozen=True, slots=True)
class KnownPipe:
    """A pipe and its agent, where the agent has a row."""

    pipe: Pipe
    agent: Agent | None


class ManagePipes:
    """Raises Problem 404 `pipe_not_found`, 409 `pipe_exists`, `agent_exists` or `in_use`, 412 `revision_conflict`, 422
    for wrong fields, 503 `contended`."""

    def __init__(
        self,
        *,
        rows: Rows,
        store: SetupStore,
        voices: Voices,
        check_url: CheckUrl,
        check_webhook_url: Callable[[str, str], None],
        set_cap: SetCap,
        clock: Clock,
    ) -> None:
        """`check_webhook_url` takes an account and a URL. It raises Problem 422 where no call of it may be told of."""
        self._rows = rows
        self._store = store
        self._voices = voices
        self._check_url = check_url
        self._check_webhook_url = check_webhook_url
        self._set_cap = set_cap
        self._clock = clock

    def create(self, account_id: str, request: "PipeRequest") -> KnownPipe:
        """The new pipe. With `agent_endpoint` or `prompt` it brings an agent of its own along, by the pipe's id.

        An `agent_id` that the account does not know is made a runner: to the SDK an agent is what registers under its
        id, and it names one in a pipe before that has ever happened."""
        pipe_id = request.pipe_id or new_id("pipe")
        given = request.model_dump(exclude_none=True)

        def attempt() -> KnownPipe | Refusal:
            if self._rows.pipe(account_id, pipe_id) is not None:
                raise Problem(409, "pipe_exists", "There is a pipe with this id")
            now = self._clock()
            new = Pipe(pipe_id=pipe_id, name=request.name, agent_id=pipe_id, created_at=now, modified_at=now)
            return self._write(account_id, None, *self._planned(account_id, None, self._changed(new, given), given))

        known = until_written(attempt)
        try:
            # Also where it has none: whoever had the id before may have left one.
            self._set_cap(account_id, Kind.PIPE, pipe_id, known.pipe.max_calls)
        except Problem:
            self.delete(account_id, pipe_id, None)
            raise
        return known

    def list(self, account_id: str) -> list[KnownPipe]:
        agents = {each.agent_id: each for each in self._rows.agents(account_id)}
        return [KnownPipe(pipe, agents.get(pipe.agent_id)) for pipe in self._rows.pipes(account_id)]

    def get(self, account_id: str, pipe_id: str) -> KnownPipe:
        pipe = self._pipe(account_id, pipe_id)
        return KnownPipe(pipe, self._rows.agent(account_id, pipe.agent_id))

    def change(self, account_id: str, pipe_id: str, change: "PipeChange", wanted: int | None) -> KnownPipe:
        """Calls that were created before go on as they were to be made: an agent that the pipe brought along stays for
        them when the pipe is bound to another one, and goes with the pipe."""
        given = change.model_dump(exclude_unset=True)

        def attempt() -> KnownPipe | Refusal:
            before = self._pipe(account_id, pipe_id)
            _check_is_named(given)
            after, bound = self._planned(account_id, before, self._changed(before, given), given)
            is_so = after == before and not bound.changes
            check_revision(wanted, before.revision, is_so=is_so)
            if is_so:
                return KnownPipe(before, bound.agent)
            after = replace(after, revision=before.revision + 1, modified_at=self._clock())
            return self._write(account_id, before, after, bound)

        known = until_written(attempt)
        if "max_calls" in given:

            def written() -> int | None:
                pipe = self._rows.pipe(account_id, pipe_id)
                return None if pipe is None else pipe.max_calls

            holds_as_written(known.pipe.max_calls, partial(self._set_cap, account_id, Kind.PIPE, pipe_id), written)
        return known

    def delete(self, account_id: str, pipe_id: str, wanted: int | None) -> None:
        """With the agent that it brought along, unless somebody else uses that. Its cap goes with it; one that stays
        binds nobody, and goes when something of this id is made anew."""
        capped = self._pipe(account_id, pipe_id).max_calls is not None

        def attempt() -> Refusal | None:
            pipe = self._pipe(account_id, pipe_id)
            check_revision(wanted, pipe.revision)
            itself = reference_to(pipe)
            gone = {itself: self._store.uses(account_id, itself)}
            if users := self._store.users(account_id, itself):
                raise in_use("pipe", users)
            own = self._own_unused(account_id, pipe_id)
            if own is not None:
                gone[reference_to(own[0])] = own[1]
            return self._store.delete(account_id, pipe, gone, () if own is None else (own[0].own_name,))

        until_written(attempt)
        if capped:
            with suppress(Problem):
                self._set_cap(account_id, Kind.PIPE, pipe_id, None)

    def _own_unused(self, account_id: str, pipe_id: str) -> tuple[Agent, int] | None:
        """The agent that the pipe brought along, and its uses, unless somebody else uses it. Its id is the pipe's."""
        own = self._rows.agent(account_id, pipe_id)
        if own is None or own.of_pipe != pipe_id:
            return None
        uses = self._store.uses(account_id, reference_to(own))
        users = self._store.users(account_id, reference_to(own))
        return None if any((each.kind, each.thing_id) != ("pipe", pipe_id) for each in users) else (own, uses)

    def _pipe(self, account_id: str, pipe_id: str) -> Pipe:
        pipe = self._rows.pipe(account_id, pipe_id) if is_plausible_id(pipe_id) else None
        if pipe is None:
            raise not_found("pipe_not_found", "There is no such pipe")
        return pipe

    def _changed(self, before: Pipe, given: dict[str, Any]) -> Pipe:
        fields = {name: given[name] for name in _AS_GIVEN if name in given}
        for name in ("name", "agent_id"):
            if fields.get(name, "") is None:
                del fields[name]
        fields |= {name: _or(given[name], usual) for name, usual in _USUAL.items() if name in given}
        if "voice_profile" in given:
            fields["voice_profile_id"] = given["voice_profile"]
        if "voicemail_policy" in given:
            fields["voicemail_policy"] = None if given["voicemail_policy"] is None else str(given["voicemail_policy"])
        for name in ("transfer_allowed_numbers", "transfer_allowed_prefixes"):
            if name in given:
                fields[name] = None if given[name] is None else tuple(given[name])
        if "transfer_fallback" in given:
            fields["transfer_fallback"] = fallback_kept(given["transfer_fallback"])
        if "caller_ids" in given:
            fields["caller_ids"] = tuple(dict.fromkeys(given["caller_ids"] or ()))
        if "voicemail" in given:
            fields["voicemail"] = _windows(before.voicemail, given["voicemail"])
        return replace(before, **fields, sound=sound_after(before.sound, given))

    def _planned(
        self, account_id: str, before: Pipe | None, after: Pipe, given: dict[str, Any]
    ) -> "tuple[Pipe, _Bound]":
        """The pipe as it is to be written, and what is written with it. Raises Problem 409, 422."""
        seen = self._store.seen_trunk(account_id, given.get("trunk_id"))
        bound = self._bound(account_id, before, after, given)
        after = replace(after, agent_id=bound.agent_id)
        fallback = after.fallback_agent_id
        is_new = before is None or fallback != before.fallback_agent_id
        if fallback is not None and is_new and self._rows.agent(account_id, fallback) is None:
            raise invalid_field("fallback_agent_id", "names no agent of this account", code="unknown_agent")
        if fallback is not None and after.fallback_number is not None:
            raise invalid_field("fallback_number", "cannot be given beside fallback_agent_id: one takes the caller")
        after = replace(after, **check_line(self._rows, account_id, before, after))
        self._check_caller_ids(account_id, before, after)
        self._check_transfer_fallback(account_id, before, after)
        is_told_elsewhere = before is None or after.webhook_url != before.webhook_url
        if after.webhook_url is not None and is_told_elsewhere:
            self._check_webhook_url(account_id, after.webhook_url)
        if bound.agent is not None and (
            given.get("voice_profile") or before is None or before.agent_id != after.agent_id
        ):
            voice = voice_named(self._voices, bound.agent, after.voice_profile_id)
            after = replace(after, voice_profile_id=voice)
        return after, replace(bound, seen=seen)

    def _write(self, account_id: str, before: Pipe | None, after: Pipe, bound: "_Bound") -> KnownPipe | Refusal:
        used_before = set() if before is None else _used_by(before)
        uses = _used_by(after) - used_before
        refusal = self._store.save(account_id, (Change(after, before), *bound.changes), uses, bound.seen)
        return KnownPipe(after, bound.agent) if refusal is None else refusal

    def _check_caller_ids(self, account_id: str, before: Pipe | None, after: Pipe) -> None:
        """Raises Problem 422 for a number that is not the account's own, and for a policy without numbers."""
        if after.caller_id_policy is not None and not after.caller_ids:
            raise invalid_field("caller_id_policy", "needs caller_ids to choose from")
        known = () if before is None else before.caller_ids
        for number in after.caller_ids:
            if number not in known and self._rows.number(account_id, number) is None:
                raise invalid_field("caller_ids", f"{number} is no number of this account", code="unknown_number")

    def _check_transfer_fallback(self, account_id: str, before: Pipe | None, after: Pipe) -> None:
        """Raises Problem 422 for an agent that is not the account's, and a number that the pipe allows no transfer
        to."""
        known = () if before is None else before.transfer_fallback
        for each in after.transfer_fallback:
            kind, _, named = each.partition(":")
            if kind == "sip" and not is_allowed(named, after.transfer_allowed_numbers, after.transfer_allowed_prefixes):
                why = f"{named} is not among the pipe's transfer_allowed_numbers or prefixes"
                raise invalid_field("transfer_fallback", why, code="transfer_not_allowed")
            if kind == "agent" and each not in known and self._rows.agent(account_id, named) is None:
                raise invalid_field("transfer_fallback", f"{named} is no agent of this account", code="unknown_agent")

    def _bound(self, account_id: str, before: Pipe | None, after: Pipe, given: dict[str, Any]) -> "_Bound":
        """Whom the pipe is bound to, and what must be written for it."""
        brain = {name: given[name] for name in ("agent_endpoint", "prompt") if given.get(name)}
        if not brain:
            agent = self._rows.agent(account_id, after.agent_id)
            _check_brain_stays(after, agent, given)
            if agent is not None or (before is not None and before.agent_id == after.agent_id):
                return _Bound(after.agent_id, agent, ())
            made = self._new_agent(after.agent_id, brain=Brain.RUNNER)
            return _Bound(made.agent_id, made, (Change(made),))
        own = self._rows.agent(account_id, after.pipe_id)
        if own is not None and own.of_pipe != after.pipe_id:
            raise Problem(409, "agent_exists", "There is an agent with the pipe's id: name it as agent_id")
        told = own or self._new_agent(after.pipe_id, name=after.name, of_pipe=after.pipe_id)
        changed = self._with_brain(told, brain)
        if changed == own:
            return _Bound(own.agent_id, own, ())
        if own is not None:
            changed = replace(changed, revision=own.revision + 1, modified_at=self._clock())
        return _Bound(changed.agent_id, changed, (Change(changed, own),))

    def _new_agent(self, agent_id: str, **fields: Any) -> Agent:
        now = self._clock()
        return Agent(agent_id=agent_id, **{"name": agent_id, **fields}, created_at=now, modified_at=now)

    def _with_brain(self, agent: Agent, brain: dict[str, str]) -> Agent:
        """The pipe's own agent with the brain that the pipe names: a prompt, or a URL that takes a POST each turn, as
        the SDK's `agent_endpoint` does."""
        if "prompt" in brain:
            return replace(
                agent, brain=Brain.PROMPT, prompt=brain["prompt"], endpoint_url=None, endpoint_key=None,
                endpoint_kind=None,
            )  # fmt: skip
        url = brain["agent_endpoint"]
        self._check_url("agent_endpoint", url)
        return replace(
            agent, brain=Brain.ENDPOINT, endpoint_url=url, endpoint_key=None, endpoint_kind=EndpointKind.TURN.value,
            prompt=None,
        )  # fmt: skip


def _check_is_named(given: dict[str, Any]) -> None:
    """Raises Problem 422 for a change that takes away a name, or an agent and gives nobody in its place."""
    for name, instead in (("name", ()), ("agent_id", ("prompt", "agent_endpoint"))):
        if given.get(name, "") is None and not any(given.get(other) for other in instead):
            raise invalid_field(name, "cannot be null: every pipe has one")


def _check_brain_stays(pipe: Pipe, agent: Agent | None, given: dict[str, Any]) -> None:
    """Raises Problem 422 where the only thing that the pipe's own agent thinks with is to be taken away."""
    if agent is None or agent.of_pipe != pipe.pipe_id:
        return
    for name, had in (("prompt", agent.prompt), ("agent_endpoint", agent.endpoint_url)):
        if name in given and had is not None:
            raise invalid_field(name, "cannot be taken back: give a prompt, an agent_endpoint or an agent_id instead")


@dataclass(frozen=True, slots=True)
class _Bound:
    agent_id: str
    agent: Agent | None
    changes: tuple[Change, ...]
    seen: dict[Reference, int] = field(default_factory=dict)


def _used_by(pipe: Pipe) -> set[Reference]:
    handed = [each.removeprefix("agent:") for each in pipe.transfer_fallback if each.startswith("agent:")]
    named = (pipe.agent_id, pipe.fallback_agent_id, *handed)
    return {Reference(Kind.AGENT, each) for each in named if each is not None} | line_of(pipe)


def _or(value: Any, usual: Any) -> Any:
    return usual if value is None else value


def _windows(before: VoicemailWindows, given: dict[str, Any] | None) -> VoicemailWindows:
    """Raises Problem 422 for a window that ends before it begins; what a pipe does not set is as usual."""
    if given is None:
        return USUAL_VOICEMAIL
    after = replace(before, **given)
    ring = (_or(after.ring_min_s, VOICEMAIL_RING_MIN_S), _or(after.ring_max_s, VOICEMAIL_RING_MAX_S))
    greeting = (_or(after.greeting_min_s, VOICEMAIL_GREETING_MIN_S), _or(after.greeting_max_s, VOICEMAIL_GREETING_S))
    for name, (shortest, longest) in (("ring", ring), ("greeting", greeting)):
        if shortest > longest:
            raise invalid_field("voicemail", f"{name}_min_s must not be above {name}_max_s")
    return after
