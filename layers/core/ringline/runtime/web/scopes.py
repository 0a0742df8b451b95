"""What an API key may do. A key without scopes may do everything; one with scopes may do what they say and no more.

Each route needs one scope, which its method and its path tell: so that a new route needs one, too, without a word.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from ringline.runtime.web.problems import Problem


class Scope(StrEnum):
    CALLS_READ = "calls:read"
    """Calls, what was said in them, which events told of them to whom, and how the account's lines stand."""
    CALLS_WRITE = "calls:write"
    """Making calls, ending and handing them over, and what is done within them."""
    CALLS_LISTEN = "calls:listen"
    """Hearing and speaking in a conversation that goes on."""
    SETUP_READ = "setup:read"
    """Pipes, agents, voices, numbers, trunks, webhook endpoints, runners."""
    SETUP_WRITE = "setup:write"
    KEYS = "keys"
    """API keys, with no more scopes than one's own."""
    ADMIN = "admin"
    """Who changed what, and what the account lets itself use up."""
    RUNNERS = "runners"
    """Being a runner that thinks for the account's agents."""


_CALLS = re.compile(r"/v1/(?:calls|sessions|transcripts|recordings|analytics|account|erasures)(?:/|$)")
_TOLD_OF_CALLS = re.compile(r"/v1/(?:events|webhook-deliveries)(?:/|$)")
"""An event tells what was said in a call, and a server's answer in the log of deliveries may repeat it. Sending one
again is set-up: an endpoint that setup:write makes is told everything as well."""
_LISTENING = re.compile(r"/v1/calls/[^/]+/monitor$")
_KEYS = re.compile(r"/v1/api-keys(?:/|$)")
_AUDIT = re.compile(r"/v1/audit$")
_ACCOUNT = "/v1/account"


def scope_of(method: str, path: str) -> Scope:
    """The scope that a route needs. `path` is as our own API has it, `/v1/calls/<call_id>`."""
    if _KEYS.match(path):
        return Scope.KEYS
    if _AUDIT.match(path) or (path == _ACCOUNT and method != "GET"):
        return Scope.ADMIN
    if _LISTENING.match(path):
        return Scope.CALLS_LISTEN
    reads = method == "GET"
    if _CALLS.match(path):
        return Scope.CALLS_READ if reads else Scope.CALLS_WRITE
    if reads and _TOLD_OF_CALLS.match(path):
        return Scope.CALLS_READ
    return Scope.SETUP_READ if reads else Scope.SETUP_WRITE


def scopes_in(context: Mapping[str, Any]) -> frozenset[str]:
    """The scopes in an authorizer's context; none where the key may do everything."""
    told = context.get("scopes")
    return frozenset(told.split()) if isinstance(told, str) else frozenset()


def check_scope(scopes: frozenset[str], needed: Scope) -> None:
    """Raises Problem 403."""
    if scopes and needed not in scopes:
        raise Problem(403, "scope_missing", f"The API key may not do this: it lacks the scope {needed.value}")
