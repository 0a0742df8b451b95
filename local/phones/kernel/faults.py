"""What a test or a demo can break on purpose, and for how long."""

import itertools
from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from local.phones.kernel.pace import Pace


class FaultKind(StrEnum):
    DROP_HOOKS = "drop_hooks"
    DUPLICATE_HOOKS = "duplicate_hooks"
    DELAY_HOOKS = "delay_hooks"  # events go out delay_s later, so that others overtake them
    REORDER_HOOKS = "reorder_hooks"  # the event goes out after its successor
    FAIL_API = "fail_api"  # the request is answered with `code`, and nothing is done
    DROP_API_CONNECTION = "drop_api_connection"  # the connection breaks before anything is done
    DROP_API_ANSWER = "drop_api_answer"  # the request is carried out, but the client never hears of it
    NO_BRIDGE = "no_bridge"  # dials fail with "no response from servers", and nothing rings


@dataclass(slots=True)
class Fault:
    """One fault under way. Empty `names` means every event or method; `room` is a shell pattern."""

    id: int
    kind: FaultKind
    names: tuple[str, ...] = ()
    room: str = "*"
    times_left: int | None = None
    ends_at_s: float | None = None
    delay_s: float = 0.0
    code: str = "unavailable"
    message: str = "the phone network was told to fail"

    def hits(self, kind: FaultKind, name: str, room: str, now_s: float) -> bool:
        return (
            self.kind is kind
            and (not self.names or name in self.names)
            and fnmatchcase(room, self.room)
            and self.times_left != 0
            and (self.ends_at_s is None or now_s < self.ends_at_s)
        )


class Faults:
    """The faults under way, in the order they were asked for."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)

    def add(
        self,
        kind: FaultKind,
        *,
        names: tuple[str, ...] = (),
        room: str = "*",
        times: int | None = None,
        for_s: float | None = None,
        **details: Any,
    ) -> Fault:
        """Starts a fault that ends after `times` hits, after `for_s` seconds, or when it is cleared."""
        ends_at_s = None if for_s is None else self._pace.now_s() + for_s
        fault = Fault(next(self._ids), kind, names, room, times, ends_at_s, **details)
        self._faults.append(fault)
        return fault

    def take(self, kind: FaultKind, name: str, room: str = "") -> Fault | None:
        """The first fault that hits `name` (an event or a method), counted as one hit; None if all is well."""
        now_s = self._pace.now_s()
        for fault in self._faults:
            if fault.hits(kind, name, room, now_s):
                if fault.times_left is not None:
                    fault.times_left -= 1
                return fault
        return None

    def clear(self, fault_id: int | None = None) -> None:
        self._faults = [fault for fault in self._faults if fault_id is not None and fault.id != fault_id]

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._faults]
