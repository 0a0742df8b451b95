"""What writes down who changed what."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools import Logger

from ringline.accounts.store import AccountStore
from ringline.audit.log import AuditLog
from ringline.audit.serving import AuditedRoutes, Reader, reader_of
from ringline.calls.tables.store import CallStore
from ringline.resources.overview.own_caps import own_caps
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.web.routes import Request, Route, Serve

_THINGS = frozenset(
    {
        "/v1/agents/<agent_id>",
        "/v1/api-keys/<key_id>",
        "/v1/numbers/<number_id>",
        "/v1/pipes/<pipe_id>",
        "/v1/trunks/<trunk_id>",
        "/v1/telephony/trunks/<trunk_id>",
        "/v1/webhook-endpoints/<endpoint_id>",
    }
)
"""What customers set up. Of calls nothing is compared: what was said in them stands there."""


def auditing(routes: Sequence[Route], table: str, *, clock: Clock, log: Logger) -> Callable[[Route], Serve]:
    dynamodb = aws.dynamodb()
    calls = CallStore(dynamodb, table)

    def caps(request: Request) -> Mapping[str, Any]:
        return own_caps(calls.gate(request.account_id).daily)

    readers: dict[str, Reader] = {
        each.path: reader_of(each) for each in routes if each.method == "GET" and each.path in _THINGS
    }
    audited = AuditedRoutes(
        readers=readers | {"/v1/account": caps},
        write=AuditLog(dynamodb, table).write,
        name_of=AccountStore(dynamodb, table).key_name,
        clock=clock,
        log=log,
    )
    return audited.around
