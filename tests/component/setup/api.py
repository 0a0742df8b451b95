"""The API in this process, asked by method, path and body."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.routing.store import RoutingStore
from ringline.trunking.tables.trunks import TrunkStore
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT

ACCOUNT = "acct_1"
OTHER = "acct_2"

_NOT_NEEDED = {
    "LIVEKIT_URL": "http://127.0.0.1:9",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters",
    "AGENT_NAME": "house-agent",
    "SPEECH_AGENT_NAME": "house-speech",
}


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> str:
        return str(self.body["code"])

    @property
    def fields(self) -> list[str]:
        """The fields that a refusal names."""
        return [each["field"] for each in self.body["errors"]]


@dataclass(frozen=True, slots=True)
class SetupApi:
    local: LocalAws
    handler: ModuleType

    @property
    def rows(self) -> RoutingStore:
        return RoutingStore(self.local.dynamodb, self.local.table_name)

    @property
    def trunks(self) -> TrunkStore:
        return TrunkStore(self.local.dynamodb, self.local.table_name)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        account_id: str = ACCOUNT,
        if_match: str | None = None,
        scopes: str | None = None,
        key_id: str | None = None,
        source_ip: str | None = None,
    ) -> Answered:
        path, _, query = path.partition("?")
        told = {"account_id": account_id, "scopes": scopes, "key_id": key_id}
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "queryStringParameters": dict(each.split("=", 1) for each in query.split("&")) if query else None,
            "headers": {} if if_match is None else {"if-match": if_match},
            "requestContext": {
                "http": {"method": method, "path": path, "sourceIp": source_ip},
                "authorizer": {"lambda": {name: value for name, value in told.items() if value is not None}},
                "stage": "$default",
            },
            "body": None if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }
        answer = self.handler.lambda_handler(event, CONTEXT)
        headers = answer.get("headers") or {name: each[0] for name, each in answer.get("multiValueHeaders", {}).items()}
        read = json.loads(answer["body"]) if answer.get("body") else None
        return Answered(answer["statusCode"], read, {name.lower(): value for name, value in headers.items()})

    def made(self, path: str, body: dict[str, Any], account_id: str = ACCOUNT) -> dict[str, Any]:
        """What a POST made."""
        answered = self.ask("POST", path, body, account_id=account_id)
        assert answered.status == 201, answered.body
        made: dict[str, Any] = answered.body
        return made


def setup_api(local: LocalAws, environment: Mapping[str, str] | None = None) -> SetupApi:
    """With two accounts."""
    accounts = AccountStore(local.dynamodb, local.table_name)
    for account_id in (ACCOUNT, OTHER):
        accounts.create_account(Account(account_id, account_id, f"org-of-{account_id}", 2))
    variables = {**_NOT_NEEDED, "DOORBELL_QUEUE_URL": local.queue_url, **(environment or {})}
    return SetupApi(local, load_handler("manage", variables))
