"""HTTP at the edge of a function: read an API Gateway request (payload 2.0), answer JSON or a problem."""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Any

from ringline.runtime.web.problems import Problem

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
        document = json.loads(raw_body(event, most_bytes) or b"null", parse_float=_finite, parse_constant=_finite)
        # JSON may escape half a character; nothing that is written or sent can hold one.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Problem(400, "body_not_json", "The body is not JSON") from None
    if not isinstance(document, dict):
        raise Problem(400, "body_not_an_object", "The body is not a JSON object")
    return document


def _finite(text: str) -> float:
    """A number that JSON can say again: not NaN, not Infinity, not 1e400. Raises ValueError."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def header(event: Mapping[str, Any], name: str) -> str | None:
    """A request header by its lower-case name."""
    value = (event.get("headers") or {}).get(name)
    return str(value) if value is not None else None


def account_of(event: Mapping[str, Any]) -> str:
    """The account of the credential. The authorizer lets every request through with its verdict in the context, so
    that a refusal is a problem document and not API Gateway's bare text; this is where the verdict is enforced. Raises
    Problem 401, 403."""
    context = ((event.get("requestContext") or {}).get("authorizer") or {}).get("lambda") or {}
    account_id = context.get("account_id")
    if isinstance(account_id, str) and account_id:
        return account_id
    if context.get("refusal") == "org_mismatch":
        raise Problem(403, "org_mismatch", "The Org-Handle header does not name the account of this key")
    challenge = {"www-authenticate": "Bearer"}
    if context.get("refusal") == "missing_key":
        raise Problem(401, "missing_api_key", "No API key: send Authorization: Bearer sk_...", headers=challenge)
    raise Problem(401, "invalid_api_key", "The API key is unknown or no longer valid", headers=challenge)
