"""`agent`, `pipe`, `number`: what an account calls with, and what it is called on.

`put` makes or changes: what is not named stays as it was, and the same command twice is the same as once.
"""

from argparse import SUPPRESS, ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Callable
from copy import replace
from dataclasses import dataclass, fields
from typing import Any

from cli.accounts import known_account
from cli.argument_types import a_url, an_id, one_of, or_none, phone_number, seconds, window
from cli.deployment import Deployment, no_such
from ringline.calls.model.call import UNIQUE_TO_NUMBER, VoicemailPolicy
from ringline.calls.model.timing import (
    LONGEST_CALL_DURATION_S,
    MAX_AGENT_JOIN_S,
    MAX_RING_TIMEOUT_S,
    MIN_RING_TIMEOUT_S,
    VOICEMAIL_GREETING_MIN_S,
    VOICEMAIL_GREETING_S,
    VOICEMAIL_RING_MAX_S,
    VOICEMAIL_RING_MIN_S,
)
from ringline.routing.records import Agent, Brain, EndpointKind, Number, Pipe, VoicemailWindows
from ringline.routing.store import NumberTaken, RoutingStore
from ringline.runtime.ids import new_id
from ringline.runtime.web.problems import Problem, invalid_field

_VOICEMAIL_WINDOWS = ("ring_min_s", "ring_max_s", "greeting_min_s", "greeting_max_s")


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of record. `id_field` names it; `options` are the fields that `put` sets as they are given."""

    noun: str
    id_field: str
    options: tuple[str, ...]
    find: Callable[[RoutingStore, str, str], Any]
    every: Callable[[RoutingStore, str], list[Any]]
    delete: Callable[[RoutingStore, str, str], bool]


_AGENT = _Kind(
    "agent",
    "agent_id",
    (
        "name", "number", "trunk_id", "max_call_duration_s", "brain", "endpoint_url", "endpoint_key", "endpoint_kind",
        "model", "prompt",
    ),
    RoutingStore.agent,
    RoutingStore.agents,
    RoutingStore.delete_agent,
)  # fmt: skip
_PIPE = _Kind(
    "pipe",
    "pipe_id",
    (
        "name", "agent_id", "number", "trunk_id", "voice_profile_id", "recording", "max_call_duration_s",
        "ring_timeout_s", "agent_join_timeout_s", "agent_first", "voicemail_policy",
        "unique_to",
    ),
    RoutingStore.pipe,
    RoutingStore.pipes,
    RoutingStore.delete_pipe,
)  # fmt: skip
_NUMBER = _Kind(
    "number",
    "number",
    ("pipe_id", "agent_id", "trunk_id"),
    RoutingStore.number,
    RoutingStore.numbers,
    RoutingStore.delete_number,
)


def put_agent(deployment: Deployment, asked: Namespace) -> str:
    known_account(deployment, asked.account)
    store = deployment.routing
    before = store.agent(asked.account, asked.id) or Agent(agent_id=asked.id, name=asked.id)
    agent = replace(before, **_calling(before, _given(_AGENT, asked)))
    _check_brain(agent)
    store.put_agent(asked.account, agent)
    return _shown(_AGENT, agent)


def _check_brain(agent: Agent) -> None:
    """Raises Problem 422 for a brain without what it needs, and for what another kind of brain would need."""
    is_endpoint = agent.brain == Brain.ENDPOINT
    if is_endpoint and agent.endpoint_url is None:
        raise invalid_field("--endpoint-url", "must be given: an endpoint is asked at each turn")
    for name in ("endpoint_url", "endpoint_key", "endpoint_kind"):
        if not is_endpoint and getattr(agent, name) is not None:
            flag = f"--{name.replace('_', '-')}"
            raise invalid_field(flag, f"is an endpoint's, and the brain is {agent.brain}: '' takes it back")
    if agent.brain == Brain.PROMPT and agent.prompt is None:
        raise invalid_field("--prompt", "must be given: it is all that such a brain knows")


def put_pipe(deployment: Deployment, asked: Namespace) -> str:
    """Raises Problem 404 for an unknown account or agent, 422 for a new pipe without an agent."""
    known_account(deployment, asked.account)
    store = deployment.routing
    before, given = store.pipe(asked.account, asked.id), _given(_PIPE, asked)
    if before is None and "agent_id" not in given:
        raise invalid_field("--agent", "must be given: a new pipe needs to know who speaks")
    _check_there_is(_AGENT, store, asked.account, given.get("agent_id"))
    before = before or Pipe(pipe_id=asked.id, name=asked.id, agent_id=given["agent_id"])
    windows = {name: getattr(asked, name) for name in _VOICEMAIL_WINDOWS if name in asked}
    pipe = replace(before, **_calling(before, given), voicemail=replace(before.voicemail, **windows))
    _check_windows(pipe.voicemail)
    store.put_pipe(asked.account, pipe)
    return _shown(_PIPE, pipe)


def _check_windows(windows: VoicemailWindows) -> None:
    """Raises Problem 422 for a window that ends before it begins; what a pipe does not set is as usual."""
    ring = (windows.ring_min_s, VOICEMAIL_RING_MIN_S), (windows.ring_max_s, VOICEMAIL_RING_MAX_S)
    greeting = (windows.greeting_min_s, VOICEMAIL_GREETING_MIN_S), (windows.greeting_max_s, VOICEMAIL_GREETING_S)
    for (shortest, longest), names in (
        (ring, ("--voicemail-ring-min-s", "--voicemail-ring-max-s")),
        (greeting, ("--greeting-min-s", "--greeting-max-s")),
    ):
        if _or_usual(*shortest) > _or_usual(*longest):
            raise invalid_field(names[0], f"must not be above {names[1]}")


def _or_usual(value: float | None, usual: float) -> float:
    return usual if value is None else value


def put_number(deployment: Deployment, asked: Namespace) -> str:
    """Raises Problem 404 for an unknown account, pipe or agent, 409 for a number of another account."""
    known_account(deployment, asked.account)
    store = deployment.routing
    given = _given(_NUMBER, asked)
    _check_there_is(_PIPE, store, asked.account, given.get("pipe_id"))
    _check_there_is(_AGENT, store, asked.account, given.get("agent_id"))
    before = store.number(asked.account, asked.id) or Number(number=asked.id, number_id=new_id("num"))
    number = replace(before, **given)
    try:
        store.put_number(asked.account, number)
    except NumberTaken:
        title = f"{asked.id} is the number of {store.owner_of(asked.id)}: `number delete` there gives it up"
        raise Problem(409, "number_taken", title) from None
    return _shown(_NUMBER, number)


def add_commands(nouns: Any) -> None:
    """Adds `agent`, `pipe` and `number` to a parser's subparsers."""
    agent = _add_kind(nouns, _AGENT, "who speaks: what a worker is told as agent_id", put_agent, an_id)
    _add_call_options(agent)
    brain = one_of(*(each.value for each in Brain))
    _option(agent, "--brain", "brain", brain, "livekit (a worker of your own), runner (SDK), endpoint or prompt")
    _option(agent, "--endpoint-url", "endpoint_url", or_none(a_url), "what an endpoint is asked at")
    _option(agent, "--endpoint-key", "endpoint_key", or_none(str), "sent to it as a Bearer key; never shown again")
    kinds = or_none(one_of(*(each.value for each in EndpointKind)))
    _option(
        agent, "--endpoint-kind", "endpoint_kind", kinds, "chat: as OpenAI's completions (usual); turn: a POST each"
    )
    _option(
        agent, "--model", "model", or_none(str), "the model that the endpoint, or the deployment's own, is asked for"
    )
    _option(agent, "--prompt", "prompt", or_none(str), "what a call begins with that has no instructions of its own")

    pipe = _add_kind(nouns, _PIPE, "how calls are made: agent, number, limits", put_pipe, an_id)
    _add_call_options(pipe)
    _option(pipe, "--agent", "agent_id", an_id, "who speaks; a new pipe needs one")
    _option(pipe, "--voice-profile", "voice_profile_id", or_none(an_id), "told to the agent")
    pipe.add_argument("--recording", action=BooleanOptionalAction, default=SUPPRESS, help="record its conversations")
    ring = seconds(MIN_RING_TIMEOUT_S, MAX_RING_TIMEOUT_S)
    _option(pipe, "--ring-timeout-s", "ring_timeout_s", or_none(ring), "how long a phone rings")
    join = seconds(1, MAX_AGENT_JOIN_S)
    _option(pipe, "--agent-join-timeout-s", "agent_join_timeout_s", or_none(join), "how long it may take to join")
    first = "ring nobody before the agent is there"
    pipe.add_argument("--agent-first", action=BooleanOptionalAction, default=SUPPRESS, help=first)
    pipe.add_argument(
        "--voicemail-policy", choices=[each.value for each in VoicemailPolicy], default=SUPPRESS, help="at a voicemail"
    )
    unique = or_none(one_of(UNIQUE_TO_NUMBER))
    _option(pipe, "--unique-to", "unique_to", unique, "number: a call to a number is the only one under way there")
    _option(pipe, "--voicemail-ring-min-s", "ring_min_s", window, "a phone that is gone after as much ringing, up to")
    _option(pipe, "--voicemail-ring-max-s", "ring_max_s", window, "as much, was forwarded to its voicemail")
    _option(pipe, "--greeting-min-s", "greeting_min_s", window, "the shortest greeting of a voicemail")
    _option(pipe, "--greeting-max-s", "greeting_max_s", window, "the longest greeting of a voicemail")

    number = _add_kind(nouns, _NUMBER, "who takes the calls to a number", put_number, phone_number)
    _option(number, "--pipe", "pipe_id", or_none(an_id), "whose agent takes its callers, within the pipe's limits")
    _option(number, "--agent", "agent_id", or_none(an_id), "who takes its callers, before the pipe's agent")
    _option(number, "--trunk", "trunk_id", or_none(an_id), "for calls that name it as from_number; a pipe has its own")


def _add_kind(
    nouns: Any, kind: _Kind, help_: str, put: Callable[[Deployment, Namespace], str], id_type: Callable[[str], str]
) -> ArgumentParser:
    """The noun with its verbs; returns the parser of `put`."""
    verbs = nouns.add_parser(kind.noun, help=help_).add_subparsers(dest="verb", required=True)
    metavar = "+E164" if kind is _NUMBER else kind.noun.upper()
    putting: ArgumentParser = verbs.add_parser(
        "put", help="makes or changes it", description="What is not named stays as it was; '' takes an option back."
    )
    deleting, listing = verbs.add_parser("delete", help="removes it"), verbs.add_parser("list", help="all there are")
    for parser, run in ((putting, put), (deleting, _delete), (listing, _list)):
        parser.add_argument("account")
        parser.set_defaults(run=run, kind=kind)
    for parser in (putting, deleting):
        parser.add_argument("id", type=id_type, metavar=metavar)
    return putting


def _add_call_options(parser: ArgumentParser) -> None:
    _option(parser, "--name", "name", str, "what people call it")
    _option(parser, "--from-number", "number", or_none(phone_number), "what its calls go out from")
    _option(parser, "--trunk", "trunk_id", or_none(an_id), "the LiveKit trunk (ST_...), where not the deployment's")
    duration = seconds(1, LONGEST_CALL_DURATION_S)
    _option(parser, "--max-call-duration-s", "max_call_duration_s", duration, "the longest conversation")


def _option(parser: ArgumentParser, flag: str, field: str, kind: Callable[[str], Any], help_: str) -> None:
    parser.add_argument(flag, dest=field, type=kind, default=SUPPRESS, metavar="...", help=help_)


def _list(deployment: Deployment, asked: Namespace) -> str:
    known_account(deployment, asked.account)
    records = asked.kind.every(deployment.routing, asked.account)
    return "\n".join(_shown(asked.kind, each) for each in records) or f"no {asked.kind.noun}s"


def _delete(deployment: Deployment, asked: Namespace) -> str:
    if not asked.kind.delete(deployment.routing, asked.account, asked.id):
        raise no_such(asked.kind.noun, asked.id, asked.account)
    return f"{asked.kind.noun} {asked.id}: deleted"


def _given(kind: _Kind, asked: Namespace) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in kind.options if name in asked}


def _calling(before: Agent | Pipe, given: dict[str, Any]) -> dict[str, Any]:
    """What is given, without the id of the number that calls went out from before."""
    return given if given.get("number", before.number) == before.number else given | {"number_id": None}


def _check_there_is(kind: _Kind, store: RoutingStore, account_id: str, wanted: str | None) -> None:
    if wanted is not None and kind.find(store, account_id, wanted) is None:
        problem = no_such(kind.noun, wanted, account_id)
        raise Problem(404, problem.code, f"{problem.title}: `{kind.noun} put {account_id} {wanted}` makes it")


def _shown(kind: _Kind, record: Any) -> str:
    """A record with what is set in it and is not the usual."""
    told = _unusual(record)
    record_id = told.pop(kind.id_field)
    return f"{kind.noun} {record_id}: {', '.join(f'{name}={_plain(value)}' for name, value in told.items())}"


def _unusual(record: Any) -> dict[str, Any]:
    held = ((each, getattr(record, each.name)) for each in fields(record))
    told = {
        each.name: "(kept)" if each.name in _SECRET else value
        for each, value in held
        if value is not None and value != each.default
    }
    windows = told.pop("voicemail", None)
    return told if windows is None else told | _unusual(windows)


_SECRET = {"endpoint_key"}


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
