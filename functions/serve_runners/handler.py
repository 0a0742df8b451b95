"""The control sockets of runners and of speech workers (API Gateway WebSocket API): $connect, $disconnect, and every
frame.

A refused credential is refused at the upgrade, so that its runner tries again ever less often. No answer here has a
body, which would be a frame: what a runner is told is posted to its connection.
"""

from typing import Any

from ringline.accounts.authorize import Authorized, Refusal, context_of
from ringline.agents.model.records import DEPLOYMENT
from ringline.composition.serve_runners import Settings, compose
from ringline.runtime.clock import now_ms
from ringline.runtime.logging import make_logger
from ringline.runtime.metrics import count_failure
from ringline.runtime.settings import read
from ringline.runtime.web.http import source_of
from ringline.runtime.web.scopes import Scope

log = make_logger("serve_runners")
authorize, is_of_worker, listen = compose(read(Settings), clock=now_ms, log=log)


@log.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, int]:
    asked = event.get("requestContext") or {}
    connection_id = asked.get("connectionId") or ""
    log.append_keys(connection_id=connection_id)
    try:
        match asked.get("eventType"):
            case "CONNECT":
                return {"statusCode": _connect(connection_id, event.get("headers") or {}, source_of(event))}
            case "DISCONNECT":
                listen.disconnect(connection_id)
            case "MESSAGE":
                listen.receive(connection_id, event.get("body") or "")
    except Exception:
        # API Gateway would tell the runner of an exception in a frame of its own, at which the runner reconnects. So
        # Lambda does not count it among its errors, and it is counted here.
        log.exception("event not handled", extra={"event_type": asked.get("eventType")})
        count_failure(log, event_type=asked.get("eventType"))
        return {"statusCode": 500}
    return {"statusCode": 200}


def _connect(connection_id: str, headers: dict[str, str], source_ip: str | None) -> int:
    headers = {name.lower(): value for name, value in headers.items()}
    is_known_worker = is_of_worker(headers.get("authorization", "").strip())
    if is_known_worker is not None:
        if not is_known_worker:
            log.warning("speech worker refused")
            return 401
        listen.connect(connection_id, DEPLOYMENT)
        return 200
    verdict = authorize.verdict(headers, source_ip)
    if not isinstance(verdict, Authorized):
        log.warning("runner refused", extra={"why": context_of(verdict)["refusal"]})
        return 403 if verdict in {Refusal.ORG_MISMATCH, Refusal.ADDRESS_NOT_ALLOWED} else 401
    if verdict.scopes and Scope.RUNNERS not in verdict.scopes:
        log.warning("runner refused", extra={"why": "scope_missing", "key_id": verdict.key_id})
        return 403
    listen.connect(connection_id, verdict.account_id, verdict.key_id, source_ip)
    return 200
