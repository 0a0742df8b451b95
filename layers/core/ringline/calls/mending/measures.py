"""What a run of the sweep adds to the deployment's metrics: what it mended, and gauges that nobody else can see. Pure.

| metric            | says
|-------------------|-------------------------------------------------------------------------------------------
| Swept             | that a run came to its end: where it is missing, nothing is being mended
| Mended            | calls that were ended, adopted or told of, and rooms closed, because nobody else had
| Overdue           | calls that were due to be looked at, those on a line for half a minute among them
| DeliveriesFailing | deliveries whose next try was due
| AccountsWaiting   | accounts with calls that could be dialled now, of those that the run looked at itself
| OldestWaiting     | ms for which the first of those has waited
| OldestUnserved    | the same, of accounts that have a line free: somebody should have dialled it. 0 while all dials
|                   | wait for LiveKit's budget
| LinesInUse        | with an audit of the gates: calls that hold a line
| GateDiffers       | with it: lines by which gates count otherwise than there are calls
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ringline.runtime.metrics import Measure, Unit

if TYPE_CHECKING:
    # Loaded with the first audit.
    from ringline.calls.mending.gate_audit import Audited

_MENDED = ("settled", "adopted", "ends_told", "rooms_closed")


def measures_of_audit(audited: "Audited") -> Iterator[Measure]:
    """The measures of an audit of the gates."""
    yield Measure("LinesInUse", audited.lines_in_use)
    yield Measure("GateDiffers", sum(abs(each.lines) for each in audited.differences))


def measures_of_shares(swept: Mapping[str, Any]) -> Iterator[Measure]:
    """The measures of shares that a run has handed out: of what is counted at most once in a run, nothing."""
    yield Measure("Mended", sum(swept[name] for name in _MENDED))
    yield Measure("OldestWaiting", swept["oldest_waiting_ms"], Unit.MILLISECONDS)
    yield Measure("OldestUnserved", swept["oldest_with_line_free_ms"], Unit.MILLISECONDS)


def measures_of(swept: Mapping[str, Any]) -> Iterator[Measure]:
    """The measures of one run, by what it did (`Swept` as a mapping)."""
    yield Measure("Swept", 1)
    yield Measure("Mended", sum(swept[name] for name in _MENDED))
    yield Measure("Overdue", swept["overdue"])
    yield Measure("DeliveriesFailing", swept["deliveries_overdue"])
    yield Measure("AccountsWaiting", swept["accounts_waiting"])
    yield Measure("OldestWaiting", swept["oldest_waiting_ms"], Unit.MILLISECONDS)
    yield Measure("OldestUnserved", swept["oldest_with_line_free_ms"], Unit.MILLISECONDS)
