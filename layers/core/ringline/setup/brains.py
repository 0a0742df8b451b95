"""Who thinks for an agent: from what is asked to what is kept, with the reason of each refusal."""

import re
from collections.abc import Callable, Mapping
from copy import replace
from typing import TYPE_CHECKING, Any

from ringline.routing.records import Agent, Brain, EndpointKind
from ringline.runtime.web.problems import invalid_field

if TYPE_CHECKING:
    # Bodies are pydantic's, which only requests with one load.
    from ringline.setup.bodies import BrainSpec

type CheckUrl = Callable[[str, str], None]
"""Raises Problem 422 for a field and its URL, if it leads where we do not go."""

_LEFT_OUT = ("headers", "query", "extra_body", "timeout_s", "max_retries")
"""What the SDK's `Endpoint` also takes. Our speech worker sends none of it."""
_AGENT_NAME = re.compile(r"[\x21-\x7e]{1,80}")
_RESERVED = "ringline-"
_SHOWN_ONLY = "has_api_key"
"""Part of what is read, so that it may be sent back."""


def with_brain(agent: Agent, asked: "BrainSpec", check_url: CheckUrl, deployments_names: frozenset[str]) -> Agent:
    """The agent with the brain that is asked for. What is not said of a brain of the same kind stays; a key stays only
    with the URL that it was given for. No worker of an account's own has one of `deployments_names`, under which the
    deployment dispatches its own to everybody's calls. Raises Problem 422."""
    kind = asked.type or agent.brain
    if kind == "playbook":
        raise invalid_field("brain.type", "playbooks are not served: give the text as a prompt, or run an agent")
    ref = None if asked.ref is None else asked.ref.strip() or None
    match kind:
        case Brain.ENDPOINT:
            return _endpoint(agent, ref, asked.cfg or {}, check_url)
        case Brain.PROMPT:
            _nothing_but(asked.cfg or {}, {"model"}, Brain.PROMPT)
            prompt = ref or (agent.prompt if agent.brain == Brain.PROMPT else None)
            if prompt is None:
                raise invalid_field("brain.ref", "must be given: it is all that such a brain knows")
            model = (asked.cfg or {}).get("model") or (agent.model if agent.brain == Brain.PROMPT else None)
            return replace(_without_brain(agent), brain=Brain.PROMPT, prompt=prompt, model=_text("model", model))
    _nothing_but(asked.cfg or {}, set(), kind)
    if kind == Brain.LIVEKIT:
        kept = agent.own_name if asked.ref is None else _own_name(ref, deployments_names)
        return replace(_without_brain(agent), brain=kind, dispatch_name=kept)
    if ref not in {None, agent.agent_id}:
        raise invalid_field("brain.ref", "must be left out: a runner registers under its agent's own id")
    return replace(_without_brain(agent), brain=kind)


def _own_name(name: str | None, deployments_names: frozenset[str]) -> str | None:
    if name is not None and not _AGENT_NAME.fullmatch(name):
        raise invalid_field("brain.ref", "is no name of a worker: 1 to 80 visible ASCII characters")
    if name is not None and name.startswith(_RESERVED):
        why = f"names that begin with {_RESERVED} are the deployment's own: left out, its AgentName is dispatched"
        raise invalid_field("brain.ref", why)
    if name in deployments_names:
        raise invalid_field("brain.ref", "is the deployment's own name: left out, its AgentName is dispatched")
    return name


def _endpoint(agent: Agent, url: str | None, cfg: Mapping[str, Any], check_url: CheckUrl) -> Agent:
    for name in _LEFT_OUT:
        if cfg.get(name) not in (None, {}, ""):
            raise invalid_field(f"brain.cfg.{name}", "is not sent to an endpoint")
    _nothing_but(cfg, {"model", "api_key", "kind", *_LEFT_OUT, _SHOWN_ONLY}, Brain.ENDPOINT)
    before = agent if agent.brain == Brain.ENDPOINT else _without_brain(agent)
    told = url or before.endpoint_url
    if told is None:
        raise invalid_field("brain.ref", "must be given: the URL that is asked")
    check_url("brain.ref", told)
    kept = before.endpoint_key if told == before.endpoint_url else None
    key = _text("api_key", cfg.get("api_key") or None) or kept
    kind = cfg.get("kind") or before.endpoint_kind
    if kind is not None and kind not in list(EndpointKind):
        raise invalid_field("brain.cfg.kind", f"must be one of {', '.join(EndpointKind)}")
    return replace(
        _without_brain(agent),
        brain=Brain.ENDPOINT,
        endpoint_url=told,
        endpoint_key=key,
        endpoint_kind=kind,
        model=_text("model", cfg.get("model") or before.model),
    )


def with_endpoint_words(agent: Agent, given: Mapping[str, Any]) -> Agent:
    """The agent with `llm_model`, `endpoint_key` and `endpoint_kind` as they are given. Raises Problem 422 for those
    that mean nothing to its brain."""
    if "llm_model" in given:
        if given["llm_model"] is not None and agent.brain not in {Brain.ENDPOINT, Brain.PROMPT}:
            raise invalid_field(
                "llm_model", f"is asked of an endpoint or with a prompt, and the brain is {agent.brain}"
            )
        agent = replace(agent, model=given["llm_model"])
    for name in ("endpoint_key", "endpoint_kind"):
        if name in given:
            if given[name] is not None and agent.brain != Brain.ENDPOINT:
                raise invalid_field(name, f"is an endpoint's, and the brain is {agent.brain}")
            agent = replace(agent, **{name: given[name]})
    return agent


def brain_view(agent: Agent) -> dict[str, Any]:
    """The brain as the SDK has it. A key is never shown, only that there is one."""
    match agent.brain:
        case Brain.ENDPOINT:
            cfg = {
                "model": agent.model,
                "kind": agent.endpoint_kind or EndpointKind.CHAT,
                _SHOWN_ONLY: agent.endpoint_key is not None,
            }
            return {"type": agent.brain, "ref": agent.endpoint_url, "cfg": cfg}
        case Brain.PROMPT:
            cfg = {} if agent.model is None else {"model": agent.model}
            return {"type": agent.brain, "ref": agent.prompt, "cfg": cfg}
    return {"type": agent.brain, "ref": agent.own_name, "cfg": {}}


def _without_brain(agent: Agent) -> Agent:
    return replace(
        agent, endpoint_url=None, endpoint_key=None, endpoint_kind=None, model=None, prompt=None, dispatch_name=None
    )


def _nothing_but(cfg: Mapping[str, Any], known: set[str], kind: str) -> None:
    for name, value in cfg.items():
        if name not in known and value is not None:
            raise invalid_field(f"brain.cfg.{name}", f"is not known of a brain that is {kind}")


def _text(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= 500:
        raise invalid_field(f"brain.cfg.{name}", "must be a text of 1 to 500 characters")
    return value
