"""What an account may name when it sets something up."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ringline.routing.numbers import read_number
from ringline.routing.records import Agent, Number, Pipe, Sound, Trunk
from ringline.runtime.web.problems import FieldError, Problem, invalid_field
from ringline.setup.store import Kind, Refusal, User
from ringline.voices.profiles import VoiceProfile

_TRIES = 20
"""Each lost try means that somebody else's change went first, or was at it."""
_WAIT_S = 0.05
_LONGEST_ID = 80

SOUND_FIELDS = ("greeting", "first_speaker", "background_sound", "background_sound_enabled", "background_sound_volume")


type SetCap = Callable[[str, Kind, str, int | None], None]
"""Has a pipe or an agent of the account have at most so many calls at once from now on. Repeating changes nothing."""


class Rows(Protocol):
    """What the account has set up: `ringline.routing.store`."""

    def pipe(self, account_id: str, pipe_id: str) -> Pipe | None: ...

    def pipes(self, account_id: str, agent_id: str | None = None) -> list[Pipe]: ...

    def agent(self, account_id: str, agent_id: str) -> Agent | None: ...

    def agents(self, account_id: str) -> list[Agent]: ...

    def number(self, account_id: str, number: str) -> Number | None: ...

    def numbers(self, account_id: str) -> list[Number]: ...

    def trunk(self, trunk_id: str) -> Trunk | None: ...


class Voices(Protocol):
    def profile(self, profile_id: str) -> VoiceProfile | None: ...

    def profiles(self, language: str | None = None) -> list[VoiceProfile]: ...


def voice_named(voices: Voices, agent: Agent, named: str | None) -> str | None:
    """The id of the profile that is named by its id or, as the SDK's own examples do, by its name. A worker of the
    customer's own has voices of its own: its word is kept. Raises Problem 422 `voice_profile_not_found`."""
    if named is None or agent.brain_of_ours is None:
        return named
    profile = voices.profile(named) or next((each for each in voices.profiles() if each.name == named), None)
    if profile is None or not profile.is_served:
        message = "is no voice of this deployment: GET /v1/voice-profiles lists them"
        raise invalid_field("voice_profile", message, code="voice_profile_not_found")
    return profile.profile_id


def check_line(rows: Rows, account_id: str, before: Pipe | Agent | None, after: Pipe | Agent) -> dict[str, Any]:
    """What follows for the number's id from the number and trunk of `after`, which must be the account's own where they
    are others than before. Raises Problem 422 `unknown_number` or `unknown_trunk`."""
    follows: dict[str, Any] = {}
    if before is None or after.number != before.number:
        number = None if after.number is None else rows.number(account_id, after.number)
        if after.number is not None and number is None:
            raise invalid_field("number", "is no number of this account", code="unknown_number")
        follows["number_id"] = None if number is None else number.number_id
    if after.trunk_id is not None and (before is None or after.trunk_id != before.trunk_id):
        known = {each.trunk_id for each in rows.numbers(account_id)}
        trunk = rows.trunk(after.trunk_id)
        if after.trunk_id not in known and (trunk is None or trunk.account_id != account_id):
            raise invalid_field("trunk_id", "is no trunk of this account", code="unknown_trunk")
    return follows


def fallback_kept(asked: str | Sequence[Any] | None) -> tuple[str, ...]:
    """Whom failed transfers go on to, as the pipe keeps it, of what a body says. Raises ValueError."""
    named = (asked,) if isinstance(asked, str) else tuple(asked or ())
    kept = tuple(each if isinstance(each, str) else _target_kept(each) for each in named)
    if "end" in kept[:-1]:
        raise ValueError("has targets behind the end of the call")
    return kept


def _target_kept(target: Mapping[str, Any]) -> str:
    kind, config = target["type"], target["config"]
    name = {"sip": "number", "agent": "agent_id"}[kind]
    value = config.get(name)
    if set(config) != {name} or not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID:
        raise ValueError(f"the config of {kind} is its {name}, and nothing else")
    return f"{kind}:{read_number(value) if kind == 'sip' else value}"


def sound_after(before: Sound, given: dict[str, Any]) -> Sound:
    """The sound with what is given; a null is what is usual."""
    told = {name: getattr(before, name) for name in SOUND_FIELDS} | {
        name: given[name] for name in SOUND_FIELDS if name in given
    }
    if told["background_sound_enabled"] is None:
        told["background_sound_enabled"] = True
    return Sound(**told)


def in_use(what: str, users: list[User]) -> Problem:
    """The refusal to delete what is used; `errors` names each user."""
    errors = tuple(FieldError(f"{each.kind}:{each.thing_id}", f"uses this {what}") for each in users[:50])
    named = ", ".join(f"{each.kind} {each.thing_id}" for each in users[:5])
    return Problem(409, "in_use", f"The {what} is used by {named}{' and others' if len(users) > 5 else ''}", errors)


def until_written[Thing](attempt: Callable[[], Thing | Refusal]) -> Thing:
    """What `attempt` gave once nobody else's change went before it. It reads anew each time. Raises Problem 503."""
    for _ in range(_TRIES):
        outcome = attempt()
        if outcome is Refusal.NAME_TAKEN:
            raise Problem(409, "agent_name_taken", "An agent of another account is dispatched under this name")
        if not isinstance(outcome, Refusal):
            return outcome
        time.sleep(random.uniform(0, _WAIT_S))  # noqa: S311 - so that two do not meet again
    raise Problem(503, "contended", "Too many changes came at once; ask again")
