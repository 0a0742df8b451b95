"""How a run with workers (`make test`) spreads its tests: `pytest -n` asks here which of them stay together.

All is spread by module, because modules share what they prepare; a module whose single tests are long and share nothing
is spread by test. Each worker that runs tests of the deployed stack has one of its own (tests/stack/conftest.py).
"""

from typing import Any

from xdist.scheduler import LoadScopeScheduling

_STACK = "tests/stack/"
# Modules, and folders of them, whose tests are long and share nothing.
BY_TEST = (
    "tests/stack/runners/test_runner_calls.py",
    "tests/stack/troubles/test_troubles_livekit_away.py",
    "tests/stack/deploying/test_deploy_page.py",
    "tests/property/test_simulation.py",
    "tests/component/crash/",
)
# What begins with one of these takes long; the longest is above.
LONGEST = (
    "tests/stack/troubles/test_rollback.py",
    "tests/stack/troubles/test_troubles.py",
    "tests/stack/troubles/test_dialer_container.py",
    "tests/stack/troubles/test_troubles_livekit_away.py::test_half_a_minute_without_livekit_costs_no_call_its_right_end",
    "tests/stack/deploying/test_deploy_page.py",
    "tests/stack/runners/test_runner_calls.py::test_a_runner_that_is_killed_in_the_middle_of_ten_calls_loses_none",
    "tests/stack/runners/test_runner_calls.py::test_a_rolling_restart_of_the_runners_under_load_loses_no_call",
    "tests/stack/test_outbound_call.py",
    "tests/stack/deploying/",
    "tests/stack/troubles/",
    "tests/stack/test_inbound.py",
    "tests/stack/commands/",
    "tests/stack/management/",
    "tests/stack/runners/",
    _STACK,
    "tests/property/test_simulation.py",
    "tests/component/crash/",
    "tests/property/test_rollback.py",
    "tests/dynamodb/",
    "tests/contract/",
    "tests/template/",
    "tests/component/",
)


class Spreading(LoadScopeScheduling):  # type: ignore[misc]  # xdist says nothing of its types
    """Hands out the longest first, so that no worker is left alone with one at the end."""

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        self.workqueue.move_to_end(min(self.workqueue, key=turn), last=False)
        super()._assign_work_unit(node)


def together(nodeid: str) -> str:
    """The name of what a test stays together with: its module, or itself."""
    return nodeid if nodeid.startswith(BY_TEST) else nodeid.partition("::")[0]


def turn(name: str) -> int:
    """What is handed out earlier has the lower number."""
    return next((place for place, start in enumerate(LONGEST) if name.startswith(start)), len(LONGEST))
