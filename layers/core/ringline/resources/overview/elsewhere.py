"""Routes that functions of their own serve, as the API's document tells of them. None of those functions loads this;
tests/unit/local/pages/test_openapi.py holds it against template.yaml.

API Gateway takes a path with a slash at its end for another one, and keeps no route of that name: such a request comes
to the function that answers what nobody serves, which sends it to where it belongs.
"""

import re
from collections.abc import Mapping
from typing import Any

from ringline.runtime.web.http import Answer
from ringline.runtime.web.routes import Described

_AGENTS = "ringline.resources.answers.agent_plane"

ELSEWHERE = (
    Described(
        "POST",
        "/v1/calls",
        summary="Accepts a call, which rings once a line is free",
        body="ringline.calls.outbound.requests:CreateCallRequest",
        answer="ringline.resources.answers.calls:CreatedCall",
        status=201,
        other_status=200,
        problems=(
            "no_pipe_or_agent",
            "unknown_pipe",
            "pipe_disabled",
            "unknown_agent",
            "no_from_number",
            "unknown_from_number",
            "destination_not_allowed",
            "idempotency_key_reused",
            "no_endpoint_for_calls",
            "queue_full",
            "daily_cap_reached",
            "contended",
        ),
    ),
    Described(
        "POST",
        "/v1/calls/<call_id>/agent-events",
        summary="Takes what the call's agent reports; sending the same again is safe",
        body=f"{_AGENTS}:Reports",
        answer=f"{_AGENTS}:HeardReports",
        problems=("not_persisted",),
        proof="call_token",
    ),
    Described(
        "POST",
        "/v1/calls/<call_id>/agent-transfers",
        summary="Hands a call over, on the word of its agent",
        body="ringline.calls.transfers.bodies:TransferRequest",
        answer="ringline.resources.answers.calls:ShownTransfer",
        status=202,
        problems=(
            "call_not_found",
            "handed_over",
            "call_not_active",
            "no_phone_in_call",
            "transfer_under_way",
            "too_many_transfers",
            "transfer_not_allowed",
            "destination_not_allowed",
            "transfer_target_not_served",
            "unknown_agent",
            "idempotency_key_reused",
            "contended",
        ),
        proof="call_token",
    ),
    Described(
        "GET",
        "/v1/calls/<call_id>/agent-transfers/<transfer_id>",
        summary="Shows a transfer to the agent that asked for it",
        answer="ringline.resources.answers.calls:ShownTransfer",
        problems=("call_not_found", "transfer_not_found"),
        proof="call_token",
    ),
    Described(
        "POST",
        "/v1/calls/<call_id>/brain",
        summary="Tells a speech worker what is to think for its call",
        body=f"{_AGENTS}:BrainRequest",
        answer=f"{_AGENTS}:BrainAnswer",
        problems=("call_not_found", "call_is_over", "agent_is_gone", "key_not_opened", "no_brain_to_give", "contended"),
        proof="call_token",
    ),
    Described(
        "POST",
        "/hooks/livekit",
        summary="Takes what LiveKit reports of rooms",
        answer=f"{_AGENTS}:HookOutcome",
        problems=("unreadable_body", "body_too_large", "unreadable_event", "not_persisted"),
        proof="livekit",
    ),
    Described(
        "POST",
        "/hooks/sip/<provider>",
        summary="Takes what a carrier reports of phone calls",
        answer=f"{_AGENTS}:HookOutcomes",
        problems=(
            "unreadable_body",
            "body_too_large",
            "unknown_provider",
            "hook_not_configured",
            "call_not_known_yet",
            "not_persisted",
        ),
        proof="carrier",
    ),
)

CALLS_UNDER = ("/platform", "/api/v2/platform/speech")
"""The prefixes of SDKs under which calls are created, too."""

_ID = r"[\w.:~-]+"
"""What stands in a path's brackets: nothing that would end a header's line."""


def _pattern(route: Described) -> str:
    prefixes = "|".join(CALLS_UNDER) if route.path == "/v1/calls" else ""
    return f"{route.method} (?:{prefixes})?{re.sub(r'<[a-z_]+>', lambda _: _ID, route.path)}"


_ANOTHERS = re.compile("|".join(map(_pattern, ELSEWHERE)))


def sent_on(event: Mapping[str, Any]) -> Answer | None:
    """Where another function serves the path but for the slash at its end: 308, with which a client sends the same
    method and body there. None for any other request."""
    path = str(event.get("rawPath") or "/")
    meant = path.rstrip("/")
    method = ((event.get("requestContext") or {}).get("http") or {}).get("method")
    if meant == path or not _ANOTHERS.fullmatch(f"{method} {meant}"):
        return None
    query = event.get("rawQueryString") or ""
    return {"statusCode": 308, "headers": {"location": f"{meant}{'?' if query else ''}{query}"}, "body": ""}
