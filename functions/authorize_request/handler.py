"""Says whose API key a request carries (Lambda authorizer of the HTTP API, payload 2.0, simple response)."""

from typing import Any

from ringline.accounts.authorize import Authorized, Refusal, context_of
from ringline.accounts.strangers import Strangers
from ringline.composition.authorize_request import Settings, compose
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.settings import read
from ringline.runtime.web.http import source_of

logger = make_logger("authorize_request")
authorize = compose(read(Settings), clock=now_ms, log=logger)
strangers = Strangers(now_ms)


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    source_ip = source_of(event)
    verdict = authorize.verdict(event.get("headers") or {}, source_ip)
    told = context_of(verdict)
    if isinstance(verdict, Refusal) and not strangers.get_words(source_ip):
        # API Gateway refuses it, with 403, and no other function sees it: this is its one line.
        logger.info("key refused", extra={"refusal": told["refusal"], "source_ip": source_ip})
        return {"isAuthorized": False, "context": told}
    if isinstance(verdict, Authorized):
        logger.debug("key accepted", extra={"account_id": verdict.account_id, "key_id": verdict.key_id})
    # Any other refusal is `runtime.web.http.asker_of`'s, in a problem document and with a log line of its own.
    return {"isAuthorized": True, "context": told}
