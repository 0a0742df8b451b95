"""Routes that a call's agent asks, proven by the token that it was dispatched with instead of an API key."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from ringline.calls.model.call import Speaker
from ringline.runtime.web.http import header, source_of
from ringline.runtime.web.problems import Problem
from ringline.telephony.agent_dispatch import TokenRefused, read_token
from ringline.telephony.token_secrets import accepted_secrets


def speaks_for(event: Mapping[str, Any], call_id: str, log: Logger) -> Speaker:
    """Which agent of the call the request's token speaks for, sent as `Bearer` or alone. Raises Problem 401."""
    log.append_keys(source_ip=source_of(event))
    scheme, _, rest = (header(event, "authorization") or "").strip().partition(" ")
    try:
        return read_token(rest.strip() if scheme.lower() == "bearer" else scheme, call_id, accepted_secrets)
    except TokenRefused as refused:
        log.warning("agent refused", extra={"why": str(refused)})
        raise Problem(
            401,
            "invalid_token",
            "The token does not speak for this call, or no longer",
            headers={"www-authenticate": "Bearer"},
        ) from None
