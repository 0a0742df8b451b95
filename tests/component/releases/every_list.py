"""Everything that the API lists, asked for with every filter, on every page."""

import json
from collections.abc import Mapping
from string import Formatter

import httpx

from local.tools.places import ROOT

_FILTERS: Mapping[str, tuple[str, ...]] = {
    "limit": ("1", "20"),
    "direction": ("outbound", "inbound"),
    "end_reason": ("USER_HUNG_UP_IN_CALL", "USER_BUSY,IDLE_TIMEOUT"),
    "call_status": ("completed",),
    "to_number": ("+15550107001",),
    "from_number": ("+15550100000",),
    "metadata": ("none",),
    "created_after": ("2020-01-01T00:00:00Z",),
    "created_before": ("2099-01-01T00:00:00Z",),
    "since": ("2020-01-01T00:00:00Z",),
    "until": ("2099-01-01T00:00:00Z",),
    "after": ("0", "5"),
    "type": ("call_end", "*"),
    "outcome": ("begun", "done", "refused", "failed"),
    "kind": ("media", "brain", "all"),
    "resource": ("pipes",),
    "country": ("US",),
    "trunk_type": ("livekit", "byo"),
    "status_filter": ("assigned",),
    "language": ("en",),
    "include_assigned": ("true",),
}
_OF_PATH: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("/v1/numbers", "status"): ("available", "assigned"),
    ("/v1/webhook-deliveries", "status"): ("failing", "delivered", "gave_up", "failing,gave_up"),
    ("/v1/webhook-deliveries", "type"): ("call_end",),
}
_STATUSES = ("pending", "ringing", "active", "completed", "failed", "completed,failed")
WHERE_IDS_ARE = {
    "agent_id": "/v1/agents",
    "pipe_id": "/v1/pipes",
    "number_id": "/v1/numbers",
    "endpoint_id": "/v1/webhook-endpoints",
    "delivery_id": "/v1/webhook-deliveries",
    "event_id": "/v1/events",
    "key_id": "/v1/api-keys",
    "call_id": "/v1/calls",
}
_HAS_NONE = ("/v1/calls/{call_id}/analytics", "/v1/sessions/{session_id}/analytics")
"""What no call here has."""


async def asked_of_every_list(client: httpx.AsyncClient) -> dict[str, int]:
    """What the API answers to every request that only reads, with each filter, on every page."""
    ids = {kind: (await ids_of(client, kind))[:1] for kind in WHERE_IDS_ARE}
    answers: dict[str, int] = {}
    for path, queries in _lists().items():
        named = {name: found[0] for name, found in ids.items() if found}
        named["session_id"] = named["call_id"]
        if not {name for _, name, _, _ in Formatter().parse(path) if name} <= named.keys():
            continue
        place = path.format_map(named)
        for name, value in queries:
            values = ids.get(name, []) if value is None else [value]
            for each in values:
                answers |= await _on_every_page(client, place, {name: each} if name else {})
    return answers


def _lists() -> dict[str, list[tuple[str, str | None]]]:
    """Every path that answers 200 and names nothing that is not here, with each filter and a value of its; None stands
    for an id."""
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    found: dict[str, list[tuple[str, str | None]]] = {}
    for path, operations in document["paths"].items():
        reads = operations.get("get", {})
        needs = {each["name"] for each in reads.get("parameters", []) if each["in"] == "path"}
        if "200" not in reads.get("responses", {}) or not needs <= {*WHERE_IDS_ARE, "session_id"}:
            continue
        if path not in _HAS_NONE:
            filters = [each["name"] for each in reads.get("parameters", []) if each["in"] == "query"]
            found[path] = [("", ""), *((name, value) for name in filters for value in _values_of(path, name))]
    return found


def _values_of(path: str, name: str) -> tuple[str | None, ...]:
    if name == "cursor":
        return ()
    if (path, name) in _OF_PATH:
        return _OF_PATH[path, name]
    if name == "status":
        return _STATUSES
    if name in WHERE_IDS_ARE:
        return (None,)
    assert name in _FILTERS, f"{path} has a filter that nobody asks for here: {name}"
    return _FILTERS[name]


async def _on_every_page(client: httpx.AsyncClient, path: str, query: Mapping[str, str]) -> dict[str, int]:
    asks = {f"metadata[{name}]" if name == "metadata" else name: value for name, value in query.items()}
    # Events are read on by their number.
    goes_on = "after" if path == "/v1/events" else "cursor"
    answers: dict[str, int] = {}
    cursor: str | None = None
    while True:
        answer = await client.get(path, params=asks | ({goes_on: cursor} if cursor else {}))
        answers[str(answer.request.url.raw_path.decode())] = answer.status_code
        cursor = None if query == {"limit": "1"} else _next_cursor(answer)
        if not cursor:
            return answers


def _next_cursor(answer: httpx.Response) -> str | None:
    body = answer.json() if answer.status_code == 200 else {}
    pagination = body.get("pagination") or {}
    return pagination.get("next_cursor")


async def ids_of(client: httpx.AsyncClient, kind: str) -> list[str]:
    answer = await client.get(WHERE_IDS_ARE[kind])
    assert answer.status_code == 200, (kind, answer.text)
    return [row["id" if kind == "event_id" else kind] for row in answer.json()["data"]]
