"""How a run with workers (`make test`) spreads its tests: `pytest -n` asks here which of them stay together.

All is spread by module, because modules share what they prepare; a module whose single tests are long and share nothing
is spread by test. Tests of the deployed stack, which is one for all of them, are not run so, or all by one worker.
"""

from typing import Any

from xdist.scheduler import LoadScopeScheduling

_STACK = "tests/stack/"
_BY_TEST = ("tests/property/test_simulation.py", "tests/component/crash/")


class Spreading(LoadScopeScheduling):  # type: ignore[misc]  # xdist says nothing of its types
    """Hands out the longest first, so that no worker is left alone with one at the end."""

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        self.workqueue.move_to_end(min(self.workqueue, key=turn), last=False)
        super()._assign_work_unit(node)


def together(nodeid: str) -> str:
    """The name of what a test stays together with: its module, itself, or all tests of the stack."""
    if nodeid.startswith(_STACK):
        return _STACK
    return nodeid if nodeid.startswith(_BY_TEST) else nodeid.partition("::")[0]


def turn(name: str) -> int:
    """What is handed out earlier has the lower number."""
    longest = (_STACK, *_BY_TEST, "tests/dynamodb/", "tests/contract/", "tests/template/", "tests/component/")
    return next((place for place, start in enumerate(longest) if name.startswith(start)), len(longest))
