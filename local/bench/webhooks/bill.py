"""What a client's transactions cost in write units, those that were refused included."""

import threading
from dataclasses import dataclass, field
from typing import Any

from local.bench.capacity import write_units
from ringline.runtime.table import EVENT_TURN_SK

_CALL = "dynamodb.TransactWriteItems"
_TURN = "dynamodb.UpdateItem"


@dataclass
class Bill:
    """Of one client, from the moment on at which it is opened."""

    units: int = 0
    units_refused: int = 0
    written: int = 0
    refused: int = 0
    turns: int = 0
    """Writes, one unit each, by which those who append many wait for each other."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, dynamodb: Any) -> None:
        dynamodb.meta.events.register(f"before-parameter-build.{_CALL}", self._asked)
        dynamodb.meta.events.register(f"after-call.{_CALL}", self._answered)
        dynamodb.meta.events.register(f"before-parameter-build.{_TURN}", self._turned)

    def close(self, dynamodb: Any) -> None:
        dynamodb.meta.events.unregister(f"before-parameter-build.{_CALL}", self._asked)
        dynamodb.meta.events.unregister(f"after-call.{_CALL}", self._answered)
        dynamodb.meta.events.unregister(f"before-parameter-build.{_TURN}", self._turned)

    def _asked(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        puts = [each["Put"]["Item"] for each in params["TransactItems"]]
        context["units"] = sum(write_units({}, item, in_transaction=True) for item in puts)

    def _turned(self, params: dict[str, Any], **_: Any) -> None:
        if params["Key"]["sk"] == {"S": EVENT_TURN_SK}:
            with self._lock:
                self.turns += 1

    def _answered(self, http_response: Any, context: dict[str, Any], **_: Any) -> None:
        is_refused = http_response.status_code != 200
        with self._lock:
            self.units += context["units"]
            self.units_refused += context["units"] if is_refused else 0
            self.refused += is_refused
            self.written += not is_refused
