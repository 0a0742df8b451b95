"""Agents: who speaks, with which voices."""

import json
from collections.abc import Callable
from contextlib import suppress
from copy import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ringline.routing.caps import holds_as_written
from ringline.routing.records import MAX_CALL_DURATION_S, Agent, Brain, VoiceBinding
from ringline.runtime.clock import Clock
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.json_schemas import schema_fault
from ringline.runtime.vault.row_secrets import RowSecrets
from ringline.runtime.web.problems import Problem, invalid_field, not_found
from ringline.runtime.web.revisions import check_revision
from ringline.setup.brains import CheckUrl, with_brain, with_endpoint_words
from ringline.setup.checks import (
    Rows,
    SetCap,
    Voices,
    check_line,
    in_use,
    sound_after,
    until_written,
    voice_named,
)
from ringline.setup.store import Change, Kind, Refusal, SetupStore, line_of, reference_to

if TYPE_CHECKING:
    # Bodies are pydantic's, which only requests with one load.
    from ringline.setup.bodies import AgentChange, AgentRequest, VoiceChange, VoiceRequest

MOST_VOICES = 20

_AS_GIVEN = ("number", "trunk_id", "noise_cancellation", "project_id", "max_calls")
_USUAL = {"recording": False, "max_call_duration_s": MAX_CALL_DURATION_S, "max_concurrent": 1}
"""What a null of these goes back to."""


class ManageAgents:
    """Raises Problem 404 `agent_not_found` or `voice_not_found`, 409 `agent_exists`, `voice_exists`, `too_many_voices`
    or `in_use`, 412 `revision_conflict`, 422 for wrong fields, 503 `contended`."""

    def __init__(
        self,
        *,
        rows: Rows,
        store: SetupStore,
        voices: Voices,
        check_url: CheckUrl,
        set_cap: SetCap,
        clock: Clock,
        deployments_names: frozenset[str],
        keys: RowSecrets,
    ) -> None:
        self._rows = rows
        self._store = store
        self._voices = voices
        self._check_url = check_url
        self._set_cap = set_cap
        self._clock = clock
        self._deployments_names = deployments_names
        self._keys = keys

    def create(self, account_id: str, request: "AgentRequest") -> Agent:
        given = request.model_dump(exclude_none=True, exclude={"brain"})

        def attempt() -> Agent | Refusal:
            if self._rows.agent(account_id, request.agent_id) is not None:
                raise Problem(409, "agent_exists", "There is an agent with this id")
            seen = self._store.seen_trunk(account_id, request.trunk_id)
            now = self._clock()
            new = Agent(
                agent_id=request.agent_id,
                name=request.name or request.agent_id,
                brain=Brain.LIVEKIT,
                created_at=now,
                modified_at=now,
            )
            agent = self._changed(account_id, new, request, given)
            if request.voice_profile is not None:
                voice = voice_named(self._voices, agent, request.voice_profile)
                agent = replace(agent, voices=(VoiceBinding(voice or ""),))
            agent = replace(agent, **check_line(self._rows, account_id, None, agent))
            return self._store.save(account_id, (Change(agent),), line_of(agent), seen) or agent

        made = until_written(attempt)
        try:
            # Also where it has none: whoever had the id before may have left one.
            self._set_cap(account_id, Kind.AGENT, made.agent_id, made.max_calls)
        except Problem:
            self.delete(account_id, made.agent_id, None)
            raise
        return made

    def list(self, account_id: str) -> list[Agent]:
        return self._rows.agents(account_id)

    def get(self, account_id: str, agent_id: str) -> Agent:
        agent = self._rows.agent(account_id, agent_id) if is_plausible_id(agent_id) else None
        if agent is None:
            raise not_found("agent_not_found", "There is no such agent")
        return agent

    def change(self, account_id: str, agent_id: str, change: "AgentChange", wanted: int | None) -> Agent:
        """Calls that were created before keep the kind of brain that they were made with."""
        given = change.model_dump(exclude_unset=True, exclude={"brain"})

        def changed(before: Agent) -> Agent:
            after = self._changed(account_id, before, change, given)
            if after.brain != before.brain:
                after = self._with_voices(account_id, after)
            return replace(after, **check_line(self._rows, account_id, before, after))

        after = self._write(account_id, agent_id, wanted, changed, given.get("trunk_id"))
        if "max_calls" in given:

            def written() -> int | None:
                agent = self._rows.agent(account_id, agent_id)
                return None if agent is None else agent.max_calls

            holds_as_written(after.max_calls, partial(self._set_cap, account_id, Kind.AGENT, agent_id), written)
        return after

    def _with_voices(self, account_id: str, agent: Agent) -> Agent:
        """The agent with its voices by their profiles' ids, where a worker of ours speaks for it from now on: until now
        they were names of its own worker's. Raises Problem 422, also where a pipe to it has a voice that is none."""
        for pipe in self._rows.pipes(account_id, agent.agent_id):
            if voice_named(self._voices, agent, pipe.voice_profile_id) != pipe.voice_profile_id:
                message = f"pipe {pipe.pipe_id} names a voice and not its id: change that first"
                raise invalid_field("brain", message, code="voice_profile_not_found")
        voices = (
            replace(each, voice_profile_id=voice_named(self._voices, agent, each.voice_profile_id) or "")
            for each in agent.voices
        )
        return replace(agent, voices=tuple(voices))

    def delete(self, account_id: str, agent_id: str, wanted: int | None) -> None:
        """Its cap goes with it; one that stays binds nobody, and goes when something of this id is made anew."""
        capped = self.get(account_id, agent_id).max_calls is not None

        def attempt() -> Refusal | None:
            agent = self.get(account_id, agent_id)
            check_revision(wanted, agent.revision)
            itself = reference_to(agent)
            seen = self._store.uses(account_id, itself)
            if users := self._store.users(account_id, itself):
                raise in_use("agent", users)
            return self._store.delete(account_id, agent, {itself: seen}, (agent.own_name,))

        until_written(attempt)
        if capped:
            with suppress(Problem):
                self._set_cap(account_id, Kind.AGENT, agent_id, None)

    def add_voice(self, account_id: str, agent_id: str, request: "VoiceRequest", wanted: int | None) -> Agent:
        def changed(before: Agent) -> Agent:
            voice = voice_named(self._voices, before, request.voice_profile) or ""
            if any(each.voice_profile_id == voice for each in before.voices):
                raise Problem(409, "voice_exists", "The agent speaks with this voice already")
            if len(before.voices) >= MOST_VOICES:
                raise Problem(409, "too_many_voices", f"An agent has at most {MOST_VOICES} voices")
            return replace(before, voices=(*before.voices, VoiceBinding(voice, request.greeting)))

        return self._write(account_id, agent_id, wanted, changed)

    def change_voice(
        self, account_id: str, agent_id: str, profile_id: str, change: "VoiceChange", wanted: int | None
    ) -> Agent:
        """The default is the first of the voices."""

        def changed(before: Agent) -> Agent:
            voice = _voice(before, profile_id)
            if "greeting" in change.model_fields_set:
                voice = replace(voice, greeting=change.greeting)
            kept = [voice if each.voice_profile_id == profile_id else each for each in before.voices]
            if change.is_default:
                kept.sort(key=lambda each: each.voice_profile_id != profile_id)
            return replace(before, voices=tuple(kept))

        return self._write(account_id, agent_id, wanted, changed)

    def remove_voice(self, account_id: str, agent_id: str, profile_id: str, wanted: int | None) -> None:
        """Where it was the default, the next one is."""

        def changed(before: Agent) -> Agent:
            gone = _voice(before, profile_id)
            return replace(before, voices=tuple(each for each in before.voices if each != gone))

        self._write(account_id, agent_id, wanted, changed)

    def _write(
        self,
        account_id: str,
        agent_id: str,
        wanted: int | None,
        changed: Callable[[Agent], Agent],
        trunk_id: str | None = None,
    ) -> Agent:
        def attempt() -> Agent | Refusal:
            before = self.get(account_id, agent_id)
            seen = self._store.seen_trunk(account_id, trunk_id)
            after = changed(before)
            check_revision(wanted, before.revision, is_so=after == before)
            if after == before:
                return before
            after = replace(self._sealed(account_id, after), revision=before.revision + 1, modified_at=self._clock())
            begun = line_of(after) - line_of(before)
            return self._store.save(account_id, (Change(after, before),), begun, seen) or after

        return until_written(attempt)

    def _sealed(self, account_id: str, agent: Agent) -> Agent:
        """The agent, whose key of a release that sealed none is sealed."""
        key = agent.endpoint_key
        return agent if key is None else replace(agent, endpoint_key=self._keys.sealed(account_id, agent.agent_id, key))

    def _changed(self, account_id: str, before: Agent, asked: "AgentChange", given: dict[str, Any]) -> Agent:
        fields = {name: given[name] for name in _AS_GIVEN if name in given}
        fields |= {
            name: usual if given[name] is None else given[name] for name, usual in _USUAL.items() if name in given
        }
        if given.get("name") is not None:
            fields["name"] = given["name"]
        if "analytics_schema" in given:
            fields["analytics_schema"] = _schema_text(given["analytics_schema"])
        after = replace(before, **fields, sound=sound_after(before.sound, given))
        if asked.brain is not None:
            after = with_brain(after, asked.brain, self._check_url, self._deployments_names)
        after = with_endpoint_words(after, given)
        key = self._keys.given(account_id, before.agent_id, before.endpoint_key, after.endpoint_key)
        return replace(after, endpoint_key=key)


def _voice(agent: Agent, profile_id: str) -> VoiceBinding:
    for each in agent.voices:
        if each.voice_profile_id == profile_id:
            return each
    raise not_found("voice_not_found", "The agent has no such voice")


def _schema_text(schema: dict[str, Any] | None) -> str | None:
    if schema is None:
        return None
    fault = schema_fault(schema)
    if fault is not None:
        raise invalid_field("analytics_schema", fault)
    return json.dumps(schema, separators=(",", ":"))
