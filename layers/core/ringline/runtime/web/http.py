"""HTTP at the edge of a function: read an API Gateway request (payload 2.0), answer JSON or a problem."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringline.json_text import DEEPEST, TooDeep, read_json
from ringline.runtime.web.problems import Problem
from ringline.runtime.web.rate_limit import rate_limited
from ringline.runtime.web.scopes import Scope, check_scope, scopes_in

MAX_BODY_BYTES = 64 * 1024
"""Largest body the API reads. Instructions and data of a call fit many times; more is a mistake or an attack."""

type Answer = dict[str, Any]


def json_answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", **(headers or {})},
        "body": json.dumps(body, separators=(",", ":"), ensure_ascii=False),
    }


def problem_answer(problem: Problem) -> Answer:
    return {
        "statusCode": problem.status,
        "headers": {"content-type": "application/problem+json", **problem.headers},
        "body": json.dumps(problem.body(), separators=(",", ":"), ensure_ascii=False),
    }


def listing(rows: list[dict[str, Any]], next_cursor: str | None) -> dict[str, Any]:
    """A page as the SDK unwraps it: `data` beside `status_code` and `message`, the cursor in `pagination`."""
    return {
        "status_code": 200,
        "message": "ok",
        "data": rows,
        "pagination": {"next_cursor": next_cursor, "has_more": next_cursor is not None},
    }


def raw_body(event: Mapping[str, Any], most_bytes: int = MAX_BODY_BYTES) -> bytes:
    """The body byte for byte as it was sent, whether API Gateway passed it as text or in base64. Raises Problem 400,
    413."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            decoded = base64.b64decode(body, validate=True)
        except binascii.Error:
            raise Problem(400, "unreadable_body", "The body is not what its encoding says") from None
    else:
        decoded = body.encode()
    if len(decoded) > most_bytes:
        raise Problem(413, "body_too_large", f"The body is larger than {most_bytes} bytes")
    return decoded


def json_object(event: Mapping[str, Any], most_bytes: int = MAX_BODY_BYTES) -> dict[str, Any]:
    """The body as a JSON object. Raises Problem 400, 413."""
    try:
        document = read_json(raw_body(event, most_bytes) or b"null")
    except TooDeep:
        raise Problem(400, "body_too_deep", f"The body is nested deeper than {DEEPEST}") from None
    except ValueError:
        raise Problem(400, "body_not_json", "The body is not JSON") from None
    if not isinstance(document, dict):
        raise Problem(400, "body_not_an_object", "The body is not a JSON object")
    return document


def header(event: Mapping[str, Any], name: str) -> str | None:
    """A request header by its lower-case name."""
    value = (event.get("headers") or {}).get(name)
    return str(value) if value is not None else None


def source_of(event: Mapping[str, Any]) -> str | None:
    """The address that a request came from, as API Gateway saw it: no header of the caller's says otherwise. The
    upgrade of a WebSocket has it elsewhere than a request does."""
    asked = event.get("requestContext") or {}
    address = ((asked.get("http") or asked.get("identity")) or {}).get("sourceIp")
    return None if address is None else str(address)


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose key a request bears, and which. Without `scopes` the key may do everything."""

    account_id: str
    key_id: str | None = None
    scopes: frozenset[str] = frozenset()


def context_in(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the authorizer told of a request; nothing where it was not asked."""
    return ((event.get("requestContext") or {}).get("authorizer") or {}).get("lambda") or {}


def asker_of(event: Mapping[str, Any], needed: Scope) -> Asker:
    """Whose credential it is, if it may do what is asked for. The authorizer lets requests through with its verdict in
    the context, so that a refusal is a problem document and not API Gateway's bare text; this is where the verdict is
    enforced. Raises Problem 401, 403, 429."""
    context = context_in(event)
    account_id = context.get("account_id")
    if isinstance(account_id, str) and account_id:
        scopes = scopes_in(context)
        check_scope(scopes, needed)
        return Asker(account_id, context.get("key_id"), scopes)
    if context.get("refusal") == "rate_limited":
        raise rate_limited(context)
    if context.get("refusal") == "org_mismatch":
        raise Problem(403, "org_mismatch", "The Org-Handle header does not name the account of this key")
    if context.get("refusal") == "address_not_allowed":
        title = f"The API key may not be used from {source_of(event) or 'this address'}"
        raise Problem(403, "address_not_allowed", title)
    challenge = {"www-authenticate": "Bearer"}
    if context.get("refusal") == "missing_key":
        raise Problem(401, "missing_api_key", "No API key: send Authorization: Bearer sk_...", headers=challenge)
    raise Problem(401, "invalid_api_key", "The API key is unknown or no longer valid", headers=challenge)
