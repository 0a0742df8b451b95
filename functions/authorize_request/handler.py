"""Says whose API key a request carries (Lambda authorizer of the HTTP API, payload 2.0, simple response)."""

from typing import Any

from ringline.accounts.authorize import Authorized, context_of
from ringline.composition.authorize_request import Settings, compose
from ringline.runtime.logging import make_logger
from ringline.runtime.settings import read

logger = make_logger("authorize_request")
authorize = compose(read(Settings))


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    verdict = authorize.verdict(event.get("headers") or {})
    if isinstance(verdict, Authorized):
        logger.debug("key accepted", extra={"account_id": verdict.account_id, "key_id": verdict.key_id})
    else:
        logger.info("key refused", extra={"refusal": verdict})
    # Always authorized: `runtime.web.http.account_of` refuses, with a problem document instead of API Gateway's bare
    # text.
    return {"isAuthorized": True, "context": context_of(verdict)}
