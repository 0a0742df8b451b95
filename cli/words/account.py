"""Why nothing of an account rings, from what `GET /v1/account` tells."""

from typing import Any


def why_account(document: dict[str, Any], now_ms: int) -> list[str]:
    """Sentences, the most telling first."""
    return []
