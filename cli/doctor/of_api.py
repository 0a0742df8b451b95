"""What a customer's key can see: the API, and what the account has set up."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from cli.doctor.check import Check, Finding, Once, Result
from cli.reach.api import Api, Document
from cli.words.reasons import waits_for
from ringline.calls.views.queue_place import BlockedBy
from ringline.runtime.clock import Clock
from ringline.version import VERSION

if TYPE_CHECKING:
    import httpx

_SKEW_WARN_S, _SKEW_FAIL_S = 5.0, 60.0
"""A token of LiveKit, and a webhook's signature, are believed for a minute or so around their moment."""

_NOT_LINKED = frozenset({"PENDING_VERIFY", "ERROR"})
"""`connection_state` of a number whose trunk or rule is not at LiveKit."""

_NEEDS_MENDING = frozenset({BlockedBy.AGENT, BlockedBy.LIVEKIT})
"""What holds calls back and does not pass by itself."""


def checks_of_api(api: Api, clock: Clock) -> list[Check]:
    """All of them. Three look at one answer: a deployment that sleeps wakes up once for them."""
    asked = Once(lambda: (api.send("GET", "/v1/calls", query={"limit": 1}), clock()))
    return [
        Check("api", lambda: _reached(api, asked()[0])),
        Check("api_key", lambda: _key(asked()[0])),
        Check("release", lambda: _release(api)),
        Check("clock", lambda: skew("clock", asked()[0].headers, asked()[1], "the API")),
        Check("account", lambda: _account(api)),
        Check("agents", lambda: _agents(api)),
        Check("pipes", lambda: _pipes(api)),
        Check("numbers", lambda: _numbers(api)),
        Check("webhook_endpoints", lambda: _webhooks(api)),
    ]


def skew(name: str, headers: Mapping[str, str], now_ms: int, whose: str) -> Finding:
    """How far this machine's clock is from another's, by the Date of its answer, which has whole seconds."""
    try:
        told = parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return Finding(name, Result.SKIPPED, f"{whose} does not tell its time")
    apart_s = abs(datetime.fromtimestamp(now_ms / 1000, UTC) - told).total_seconds()
    if apart_s < _SKEW_WARN_S:
        return Finding(name, Result.OK, f"this machine and {whose} agree on the time")
    result = Result.FAIL if apart_s >= _SKEW_FAIL_S else Result.WARN
    return Finding(name, result, f"this machine and {whose} are {apart_s:.0f} s apart", "Set the clock (NTP).")


def _reached(api: Api, response: "httpx.Response") -> Finding:
    is_ours = "json" in response.headers.get("content-type", "")
    if is_ours and response.status_code < 500:
        return Finding("api", Result.OK, f"answers at {api.url}")
    says = f"{api.url} answers {response.status_code}, and not as Ringline's API does"
    return Finding(
        "api", Result.FAIL, says, "Is it the stack's output ApiUrl? `ringline profile add NAME --api-url URL`."
    )


def _key(response: "httpx.Response") -> Finding:
    if response.status_code in {401, 403}:
        says = "the API does not take the profile's key"
        remedy = "`ringline profile add NAME --api-key sk_...`; an operator makes one: `ringline account key ACCOUNT`."
        return Finding("api_key", Result.FAIL, says, remedy)
    if response.is_success:
        return Finding("api_key", Result.OK, "is taken")
    return Finding("api_key", Result.SKIPPED, f"the API answers {response.status_code}")


def _release(api: Api) -> Finding:
    """Whether the deployment is of this command's release. An older deployment does not say of which it is."""
    response = api.send("GET", "/v1/health")
    said = response.json() if response.status_code in {200, 503} and "json" in _content_type(response) else {}
    if said.get("version") == VERSION:
        return Finding("release", Result.OK, f"the deployment is of release {VERSION}, as this command is")
    says = f"the deployment is of release {said.get('version', 'unknown')}, this command of {VERSION}"
    return Finding("release", Result.WARN, says, "docs/upgrading.md tells how both become the same.")


def _content_type(response: "httpx.Response") -> str:
    return str(response.headers.get("content-type", ""))


def _account(api: Api) -> Finding:
    account = api.get("/v1/account")
    lines, waiting = account["lines"], account["waiting"]
    if lines["cap"] == 0:
        says = "its cap is 0: nobody is dialled"
        return Finding("account", Result.FAIL, says, "`ringline account set ACCOUNT --max-calls N` (operator).")
    held_up = [block for block in account["blocked_by"] if block["what"] in _NEEDS_MENDING]
    if held_up:
        words = waits_for(held_up[0]["what"])
        says = f"{held_up[0]['calls']} calls wait. {words.says}"
        return Finding("account", Result.WARN, says, words.advice)
    says = f"{lines['in_use']} of {lines['cap']} lines in use, {waiting['calls']} calls wait"
    return Finding("account", Result.OK, says)


def _agents(api: Api) -> Finding:
    agents = list(api.rows("/v1/agents"))
    if not agents:
        return Finding("agents", Result.WARN, "there are none", "`ringline agent create front-desk`.")
    brains = {agent["agent_id"]: brain_of(agent) for agent in agents}
    there = {row["agent_id"] for row in api.rows("/v1/runners") if row.get("has_capacity")}
    alone = sorted(agent_id for agent_id, brain in brains.items() if brain == "runner" and agent_id not in there)
    spoken_for = sorted(agent_id for agent_id, brain in brains.items() if brain != "livekit")
    if spoken_for and not any(row.get("has_capacity") for row in api.rows("/v1/workers", {"kind": "media"})):
        says = f"no speech worker is there to speak for {', '.join(spoken_for)}"
        return Finding("agents", Result.FAIL, says, "Start one (docs/speech-worker.md): their calls wait until then.")
    if alone:
        says = f"no runner with a free place is there for {', '.join(alone)}"
        return Finding("agents", Result.WARN, says, "Start it (docs/runners.md): calls of its agent wait until then.")
    return Finding("agents", Result.OK, f"{len(agents)}; workers of livekit agents are seen when a call needs them")


def brain_of(agent: Document) -> str:
    """`livekit`, `runner`, `endpoint` or `prompt`."""
    brain: Any = agent.get("brain")
    return str(brain.get("type") if isinstance(brain, dict) else brain or "livekit")


def _pipes(api: Api) -> Finding:
    pipes = list(api.rows("/v1/pipes"))
    numbers_of = {agent["agent_id"]: agent.get("number") for agent in api.rows("/v1/agents")}
    without = sorted(
        pipe["pipe_id"]
        for pipe in pipes
        if not (pipe.get("number") or pipe.get("caller_ids") or numbers_of.get(pipe.get("agent_id")))
    )
    if not pipes:
        return Finding(
            "pipes", Result.WARN, "there are none", "`ringline pipe create NAME --agent AGENT --from NUMBER`."
        )
    if without:
        # The number that an account calls from where nothing else says is not told to its keys.
        says = f"{', '.join(without)} have no number, nor have their agents: their calls may have to name one"
        return Finding("pipes", Result.WARN, says, "`ringline pipe set PIPE --from NUMBER`.")
    return Finding("pipes", Result.OK, f"{len(pipes)}, each with a number to call from")


def _numbers(api: Api) -> Finding:
    numbers = list(api.rows("/v1/numbers"))
    nobodys = sorted(each["number"] for each in numbers if not each.get("agent_id") and not each.get("pipe_id"))
    if not numbers:
        return Finding("numbers", Result.WARN, "there are none", "`ringline number add NUMBER --trunk TRUNK`.")
    unlinked = sorted(each["number"] for each in numbers if each.get("connection_state") in _NOT_LINKED)
    if unlinked:
        says = f"LiveKit does not let in the callers of {', '.join(unlinked)}"
        return Finding("numbers", Result.FAIL, says, "`ringline number sync` mends it, or says what is in the way.")
    if nobodys:
        says = f"callers of {', '.join(nobodys)} are led to nobody"
        return Finding("numbers", Result.WARN, says, "`ringline number attach NUMBER --agent AGENT`.")
    return Finding("numbers", Result.OK, f"{len(numbers)}, each leads to an agent")


def _webhooks(api: Api) -> Finding:
    endpoints = list(api.rows("/v1/webhook-endpoints"))
    off = [each for each in endpoints if each.get("disabled")]
    if off:
        told = "; ".join(f"{each['url']}: {each.get('disabled_reason')}" for each in off)
        remedy = "Mend the server, then `ringline webhook set ENDPOINT --no-disabled`."
        return Finding("webhook_endpoints", Result.WARN, f"disabled: {told}", remedy)
    return Finding("webhook_endpoints", Result.OK, f"{len(endpoints)}, all enabled")
