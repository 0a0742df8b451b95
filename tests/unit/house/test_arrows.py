"""Which folder may lean on which. The arrows are the architecture; this is what keeps them.

Each folder of code stands in one of the tables below, so a new folder fails here until somebody has decided what it may
import. Imports under `TYPE_CHECKING` and inside functions are arrows like all others.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CORE = ROOT / "layers" / "core"

MOST_MODULES = 13
"""About twelve: as many as a stranger takes in at one glance. A folder with more is two rooms."""

_RUNTIME = {"ringline.runtime", "ringline.runtime.vault", "ringline.runtime.web"}
_TRANSFER = "ringline.calls.model.transfers"
_USE_CASE = {
    "ringline.calls.capacity",
    "ringline.calls.model",
    _TRANSFER,
    "ringline.calls.rules",
    "ringline.calls.rules.transfers",
    "ringline.calls.tables",
    "ringline.calls.tables.limits",
    *_RUNTIME,
}

PRODUCT: Mapping[str, set[str]] = {
    # What is written for no room in particular: every room may lean on it.
    "ringline": set(),
    "ringline.runtime": set(),
    "ringline.runtime.vault": {"ringline.runtime"},
    "ringline.runtime.web": {"ringline.runtime"},
    "ringline.accounts": _RUNTIME,
    "ringline.accounts.tables": {*_RUNTIME, "ringline.accounts"},
    "ringline.audit": {"ringline.runtime", "ringline.runtime.web"},
    "ringline.routing": _RUNTIME,
    "ringline.voices": _RUNTIME,
    "ringline.setup": {*_RUNTIME, "ringline.calls.model", _TRANSFER, "ringline.routing", "ringline.voices"},
    "ringline.webhooks": {*_RUNTIME, "ringline.webhooks.model"},
    "ringline.webhooks.model": set(),
    "ringline.webhooks.sending": {
        "ringline.runtime",
        "ringline.runtime.vault",
        "ringline.webhooks",
        "ringline.webhooks.model",
    },
    "ringline.webhooks.pacing": {"ringline.runtime", "ringline.webhooks.model"},
    "ringline.webhooks.tables": {"ringline.runtime", "ringline.webhooks.model"},
    "ringline.webhooks.targets": {
        "ringline.runtime",
        "ringline.runtime.web",
        "ringline.webhooks",
        "ringline.webhooks.model",
        "ringline.webhooks.sending",
    },
    "ringline.webhooks.replaying": {
        "ringline.runtime",
        "ringline.webhooks",
        "ringline.webhooks.model",
        "ringline.webhooks.sending",
    },
    "ringline.telephony": {
        "ringline.runtime",
        "ringline.runtime.vault",
        "ringline.calls.model",
        _TRANSFER,
        "ringline.telephony.asking",
        "ringline.telephony.carriers",
        "ringline.trunking.model",
    },
    "ringline.telephony.asking": {"ringline.runtime"},
    "ringline.telephony.carriers": {"ringline.calls.model"},
    "ringline.agents.model": {"ringline.calls.model"},
    "ringline.agents.tables": {"ringline.agents.model", "ringline.calls.model", "ringline.runtime"},
    "ringline.agents": {
        *_USE_CASE,
        "ringline.agents.model",
        "ringline.agents.tables",
        "ringline.calls.progress",
        "ringline.routing",
    },
    "ringline.calls": set(),
    "ringline.calls.facts": set(),
    "ringline.calls.model": {"ringline.calls.facts", _TRANSFER},
    "ringline.calls.model.transfers": {"ringline.calls.facts"},
    "ringline.calls.capacity": {"ringline.calls.model"},
    "ringline.calls.rules": {
        "ringline.calls.capacity",
        "ringline.calls.model",
        _TRANSFER,
        "ringline.calls.rules.transfers",
    },
    "ringline.calls.rules.transfers": {"ringline.calls.capacity", "ringline.calls.model", _TRANSFER},
    "ringline.calls.tables": {
        "ringline.calls.model",
        _TRANSFER,
        "ringline.calls.tables.asked",
        "ringline.calls.tables.limits",
        "ringline.calls.tables.writes",
        "ringline.runtime",
    },
    "ringline.calls.tables.asked": {"ringline.calls.model", "ringline.runtime"},
    "ringline.calls.tables.writes": {"ringline.calls.capacity", "ringline.calls.model", _TRANSFER, "ringline.runtime"},
    "ringline.calls.tables.limits": {
        "ringline.calls.capacity",
        "ringline.calls.model",
        "ringline.calls.tables.writes",
        "ringline.runtime",
    },
    "ringline.calls.progress": _USE_CASE,
    "ringline.calls.outbound": {*_USE_CASE, "ringline.calls.progress", "ringline.routing"},
    "ringline.calls.signals": {
        *_USE_CASE,
        "ringline.calls.outcomes",
        "ringline.calls.progress",
        "ringline.calls.web",
        "ringline.routing",
    },
    "ringline.calls.web": {
        *_USE_CASE,
        "ringline.calls.progress",
        "ringline.calls.tables.asked",
        "ringline.calls.tables.writes",
        "ringline.routing",
    },
    "ringline.calls.live": {*_USE_CASE, "ringline.calls.progress"},
    "ringline.calls.erasing": {*_USE_CASE, "ringline.calls.progress"},
    "ringline.calls.outcomes": {"ringline.calls.model", "ringline.runtime"},
    "ringline.calls.transfers": {
        *_USE_CASE,
        "ringline.calls.progress",
        "ringline.calls.views",
        "ringline.routing",
    },
    "ringline.calls.mending": {*_USE_CASE, "ringline.calls.progress", "ringline.calls.transfers"},
    "ringline.calls.views": {*_USE_CASE, "ringline.calls.progress", "ringline.webhooks.model"},
    "ringline.upgrading": {
        "ringline.accounts",
        "ringline.calls.model",
        "ringline.calls.tables",
        "ringline.calls.tables.asked",
        "ringline.calls.tables.writes",
        "ringline.runtime",
        "ringline.runtime.vault",
    },
    "ringline.calls.stream": {
        "ringline.calls.capacity",
        "ringline.calls.tables.limits",
        "ringline.calls.model",
        "ringline.calls.tables",
        "ringline.calls.views",
        "ringline.runtime",
    },
    # Trunks and numbers that customers bring.
    "ringline.trunking.model": set(),
    "ringline.trunking.tables": {"ringline.runtime", "ringline.routing", "ringline.trunking.model"},
    "ringline.trunking": {*_RUNTIME, "ringline.routing", "ringline.trunking.model", "ringline.trunking.tables"},
    "ringline.resources.lines": {
        *_RUNTIME,
        "ringline.routing",
        "ringline.calls.views",
        "ringline.trunking",
        "ringline.trunking.model",
    },
    "ringline.resources": {
        *_USE_CASE,
        "ringline.agents.model",
        "ringline.agents.tables",
        "ringline.calls.erasing",
        "ringline.calls.outcomes",
        "ringline.calls.progress",
        "ringline.telephony",
        "ringline.calls.views",
        "ringline.calls.web",
        "ringline.webhooks",
    },
    "ringline.resources.answers.overview": {"ringline.resources.answers", "ringline.calls.views"},
    "ringline.resources.live": {*_USE_CASE, "ringline.calls.live", "ringline.calls.views"},
    "ringline.resources.webhooks": {
        *_RUNTIME,
        "ringline.calls.views",
        "ringline.webhooks",
        "ringline.webhooks.model",
    },
    "ringline.resources.overview": {
        *_USE_CASE,
        "ringline.calls.progress",
        "ringline.accounts",
        "ringline.accounts.tables",
        "ringline.audit",
        "ringline.agents.model",
        "ringline.agents.tables",
        "ringline.calls.outcomes",
        "ringline.calls.signals",
        "ringline.calls.views",
        "ringline.setup",
        "ringline.webhooks",
    },
    "ringline.resources.setup": {
        *_RUNTIME,
        "ringline.accounts",
        "ringline.routing",
        "ringline.setup",
        "ringline.voices",
    },
    # Models that routes name by words: only the document and the tests load them.
    "ringline.resources.answers": {
        "ringline.calls.model",
        "ringline.calls.progress",
        _TRANSFER,
        "ringline.calls.signals",
        "ringline.calls.views",
        "ringline.webhooks.model",
    },
}
_ALL_OF_THE_PRODUCT = set(PRODUCT)
COMPOSITION = {
    "ringline.composition.parts": _ALL_OF_THE_PRODUCT,
    "ringline.composition": {*_ALL_OF_THE_PRODUCT, "ringline.composition.parts"},
}
"""The one room that knows all others. Only the functions lean on it."""

_KEPT = {
    "ringline.calls.model",
    "ringline.calls.stream",
    "ringline.calls.tables",
    "ringline.calls.views",
    "ringline.runtime",
}
_PHONES_MODEL = "local.phones.model"
"""What the world outside does: its one description, for the sandbox, the simulation and the crash tests."""
_AGENTS = "local.agents"
"""What runners and speech workers do, for the simulation and the crash tests."""
_RULES_OF_SPEECH = {"speech.bridge.model", "speech.bridge.rules"}
"""By which the speech worker that is deployed lives."""
_WATCHERS = {"simulation.kernel", "simulation.plan", "simulation.aws", "simulation.actors", "ringline.calls.model"}
SIMULATION: Mapping[str, set[str]] = {
    "simulation.kernel": set(),
    "simulation.plan": {"simulation.kernel", "ringline.calls.capacity", "ringline.calls.model"},
    "simulation.aws": {"simulation.kernel", *_KEPT, "ringline.calls.tables.writes"},
    "simulation.actors": {
        "simulation.kernel",
        "simulation.plan",
        _PHONES_MODEL,
        "ringline.calls.model",
        "ringline.calls.signals",
        "ringline.telephony",
    },
    "simulation.runners": {
        "simulation.kernel",
        "simulation.plan",
        "simulation.actors",
        _PHONES_MODEL,
        _AGENTS,
        *_RULES_OF_SPEECH,
        "ringline.agents",
        "ringline.calls.model",
    },
    "simulation.handovers": {
        "simulation.kernel",
        "simulation.plan",
        "simulation.actors",
        _PHONES_MODEL,
        "ringline.calls.model",
        _TRANSFER,
        "ringline.telephony",
    },
    "simulation.browsers": {
        "simulation.kernel",
        "simulation.plan",
        "simulation.actors",
        _PHONES_MODEL,
        "ringline.calls.model",
    },
    "simulation.watch": {*_WATCHERS, *_KEPT},
    "simulation.watch.handovers": {*_WATCHERS, _TRANSFER, "simulation.watch", "ringline.webhooks.model"},
    "simulation.watch.calls": {
        *_WATCHERS,
        _TRANSFER,
        "simulation.watch",
        "simulation.watch.handovers",
        "ringline.runtime",
        "ringline.webhooks.model",
    },
    "simulation.watch.lines": {
        "ringline.calls.capacity",
        *_WATCHERS,
        "simulation.watch",
        "ringline.calls.tables",
        "ringline.calls.tables.limits",
        "ringline.runtime",
    },
    "simulation.watch.runners": {*_WATCHERS, "simulation.watch", "simulation.runners", "ringline.runtime"},
}
"""What each part of the simulation may know. Its `run` puts all of them and the product together."""

_PHONES_PURE = {_PHONES_MODEL, "local.phones.kernel", "local.phones.numbers"}
_PHONES_UNDER_CALLS = {*_PHONES_PURE, "local.phones.post", "local.phones.carrier", "local.phones.rooms"}
_BRIDGE = {"speech.bridge", "speech.bridge.model"}
_PHONES_IN_CALLS = {"local.phones.calls", "local.phones.agents", "local.phones.speech"}

_UNDER_COMMANDS = {"cli.model", "cli.settings", "cli.reach", "cli.shown", "cli.words", "cli.frame"}
CLI: Mapping[str, set[str]] = {
    "cli": {
        "cli.frame",
        "cli.things",
        "cli.calling",
        "cli.console",
        "cli.doctor",
        "cli.operating",
        "cli.upgrading",
        "cli.webhooks",
    },
    "cli.model": {"ringline.runtime.web"},
    "cli.words": {"ringline.calls.model", "ringline.calls.views"},
    "cli.settings": {"cli.model", "local.stack", "local.tools"},
    "cli.reach": {*_ALL_OF_THE_PRODUCT, "cli.model"},
    "cli.shown": {"cli.words"},
    "cli.frame": {*_RUNTIME, "ringline.routing", *_UNDER_COMMANDS},
    "cli.things": {*_ALL_OF_THE_PRODUCT, *_UNDER_COMMANDS},
    "cli.calling": {*_ALL_OF_THE_PRODUCT, *_UNDER_COMMANDS, "cli.things"},
    "cli.webhooks": {*_ALL_OF_THE_PRODUCT, *_UNDER_COMMANDS, "cli.things"},
    "cli.doctor": {*_ALL_OF_THE_PRODUCT, *_UNDER_COMMANDS},
    # The operator's pages show what commands tell.
    "cli.console.parts": {*_ALL_OF_THE_PRODUCT, *_UNDER_COMMANDS, "cli.doctor"},
    "cli.console.pages": {*_UNDER_COMMANDS, "cli.calling", "cli.console.parts"},
    "cli.console": {*_UNDER_COMMANDS, "cli.console.pages", "cli.console.parts"},
    "cli.operating": {*_ALL_OF_THE_PRODUCT, *_UNDER_COMMANDS},
    "cli.upgrading": {*_ALL_OF_THE_PRODUCT, *_UNDER_COMMANDS},
}
"""The command line: what commands are made of, then the commands. Only an operator's reach beyond the API."""

_WEBHOOKS = {"ringline.webhooks.model", "ringline.webhooks.sending", "ringline.webhooks.tables"}
_UNDER_BENCHES = {"local.tools", "local.aws", "local.stack", "local.trips"}

AROUND: Mapping[str, set[str]] = {
    **CLI,
    "simulation": {"simulation.run"},
    **SIMULATION,
    "simulation.wired": {*_ALL_OF_THE_PRODUCT, *SIMULATION},
    # The stream's filter is the template's.
    "simulation.run": {*_ALL_OF_THE_PRODUCT, *SIMULATION, "simulation.wired", "local.tools", "local.aws"},
    "simulation.planted": {*_ALL_OF_THE_PRODUCT, *SIMULATION, "simulation.wired", "simulation.run"},
    "local": {"local.tools"},
    "local.tools": set(),
    "local.aws": {"local.tools", "ringline.runtime", "ringline.runtime.vault"},
    "local.stack": {*_ALL_OF_THE_PRODUCT, "local.tools", "local.aws", _PHONES_MODEL},
    "local.trips.sdk": {"local.tools", "local.stack"},
    "local.trips.livekit": {"local.tools", "local.stack", "local.trips"},
    "local.trips": {*_ALL_OF_THE_PRODUCT, "local.tools", "local.aws", "local.stack", "local.phones.numbers"},
    "local.bench.dollars": {*_UNDER_BENCHES, "local.bench"},
    "local.bench.claims": {*_ALL_OF_THE_PRODUCT, "ringline.composition", *_UNDER_BENCHES, "local.bench"},
    "local.bench.peers.calls": set(),
    "local.bench.peers.kinds": {"local.bench.peers.calls"},
    "local.bench.peers": {
        *_ALL_OF_THE_PRODUCT,
        *_UNDER_BENCHES,
        "local.bench",
        "local.bench.peers.calls",
        "local.bench.peers.kinds",
    },
    "local.bench.scale": {
        *_UNDER_BENCHES,
        "local.bench",
        "local.bench.claims",
        "local.bench.dollars",
        "local.bench.peers",
    },
    "local.bench": {*_ALL_OF_THE_PRODUCT, *_UNDER_BENCHES, _PHONES_MODEL},
    "local.bench.sweep": {*_ALL_OF_THE_PRODUCT, "local.bench"},
    "local.bench.abuse": {*_ALL_OF_THE_PRODUCT, *_UNDER_BENCHES, "local.bench"},
    "local.bench.plane": {*_UNDER_BENCHES, "local.bench", "local.phones.speech", "speech.bridge"},
    "local.bench.webhooks": {
        "local.aws",
        "local.bench",
        "local.tools",
        "ringline.runtime",
        "ringline.webhooks.pacing",
        *_WEBHOOKS,
        "simulation.aws",
    },
    "local.pages": {
        *_ALL_OF_THE_PRODUCT,
        "cli",
        *CLI["cli"],
        "cli.model",
        "local.tools",
        "local.trips.sdk",
        _PHONES_MODEL,
        "local.phones.numbers",
    },
    "local.fuzz": {"local.tools", "local.stack"},
    "local.audit": {"local.tools"},
    "local.releases": {"local.tools", "local.aws"},
    "local.pages.openapi": {*_ALL_OF_THE_PRODUCT, "ringline.composition", "local.tools"},
    _PHONES_MODEL: set(),
    _AGENTS: _RULES_OF_SPEECH,
    "local.phones.kernel": {_PHONES_MODEL},
    "local.phones.numbers": {_PHONES_MODEL},
    "local.phones.post": _PHONES_PURE,
    "local.phones.carrier": {*_PHONES_PURE, "local.phones.post", "ringline.telephony.carriers"},
    "local.phones.rooms": {*_PHONES_PURE, "local.phones.post"},
    "local.phones.calls": _PHONES_UNDER_CALLS,
    "local.phones.agents": {*_PHONES_UNDER_CALLS, "local.phones.calls"},
    "local.phones.recordings": {*_PHONES_UNDER_CALLS, "local.phones.calls"},
    "local.phones.speech": {
        *_PHONES_UNDER_CALLS,
        "local.phones.calls",
        "local.phones.agents",
        *_BRIDGE,
        "speech.worker.brains",
        "speech.worker.settings",
    },
    "local.phones.api": {*_PHONES_UNDER_CALLS, *_PHONES_IN_CALLS, "local.phones.recordings"},
    "local.phones": {*_PHONES_UNDER_CALLS, *_PHONES_IN_CALLS, "local.phones.api", *_BRIDGE, "speech.worker.settings"},
}

_BRIDGE = {"speech.bridge", "speech.bridge.model", "speech.bridge.rules"}
_WORKER = {
    "speech.worker",
    "speech.worker.settings",
    "speech.worker.calls",
    "speech.worker.brains",
    "speech.worker.answering",
    "speech.worker.voices",
}
SPEECH: Mapping[str, set[str]] = {
    "speech": set(),
    "speech.bridge": {"speech.bridge.model", "speech.bridge.rules"},
    "speech.bridge.model": set(),
    "speech.bridge.rules": {"speech.bridge.model"},
    "speech.worker": {*_BRIDGE, "speech.worker.settings", "speech.worker.calls", "speech.worker.voices"},
    "speech.worker.settings": set(),
    "speech.worker.answering": _BRIDGE,
    "speech.worker.calls": {
        *_BRIDGE,
        "speech.worker.answering",
        "speech.worker.settings",
        "speech.worker.brains",
        "speech.worker.voices",
    },
    "speech.worker.brains": {*_BRIDGE, "speech.worker.settings"},
    "speech.worker.voices": set(),
    "speech.tests": set(),
    "speech.tests.trips": {*_BRIDGE, *_WORKER, "speech.tests.session"},
    "speech.tests.unit": {*_BRIDGE, *_WORKER, "speech.tests.session"},
    "speech.tests.session": {*_BRIDGE, *_WORKER},
}
"""The side that hears and speaks. It runs in a container of its own, and knows nothing of what runs on Lambda."""

PURE = {
    _AGENTS,
    _PHONES_MODEL,
    *_RULES_OF_SPEECH,
    "ringline",
    "ringline.agents.model",
    "ringline.calls.capacity",
    "ringline.calls.facts",
    "ringline.calls.model",
    "ringline.calls.model.transfers",
    "ringline.calls.rules",
    "ringline.calls.rules.transfers",
}
"""No AWS, no LiveKit, no clock and no chance of their own."""
TIME_AND_CHANCE = {"time", "random", "secrets", "os", "asyncio", "datetime"}

KNOWS_AWS = {
    "ringline.accounts.tables",
    "ringline.agents.tables",
    "ringline.calls.tables",
    "ringline.calls.tables.asked",
    "ringline.calls.tables.limits",
    "ringline.calls.tables.writes",
    "ringline.runtime",
    "ringline.trunking.tables",
    "ringline.webhooks.tables",
    "ringline.webhooks.targets",
}
"""Beside these folders, the `store` of a room."""
MOVES_CALLS = "ringline.calls.progress"
"""The one folder that asks the lifecycle what an event does to a call, and that has the answer written."""
KNOWS_LIVEKIT = {
    "ringline.telephony.livekit",
    "ringline.telephony.livekit_transfers",
    "ringline.telephony.livekit_presence",
    "ringline.telephony.livekit_trunks",
}


def _modules() -> dict[str, Path]:
    found = {}
    for base, tree in (
        (CORE, "ringline"),
        *((ROOT, name) for name in ("functions", "simulation", "local", "cli", "speech", "dialer")),
    ):
        for path in sorted((base / tree).rglob("*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()
FOLDERS = {
    module: module if path.name == "__init__.py" else module.rpartition(".")[0] for module, path in MODULES.items()
}
FUNCTIONS = {
    folder: {*_ALL_OF_THE_PRODUCT, *COMPOSITION} for folder in FOLDERS.values() if folder.startswith("functions.")
}
CONTAINERS: Mapping[str, set[str]] = {"dialer": {*_ALL_OF_THE_PRODUCT, *COMPOSITION}}
"""Functions that run as processes of their own."""
MAY_LEAN_ON = {**PRODUCT, **COMPOSITION, **AROUND, **SPEECH, **FUNCTIONS, **CONTAINERS}
TESTS = sorted({path.parent for path in (ROOT / "tests").rglob("*.py")})


@cache
def nodes_of(module: str) -> tuple[ast.Import | ast.ImportFrom | ast.Attribute, ...]:
    """What is asked about a module stands in these. Each module is read once, and its tree let go."""
    kinds = (ast.Import, ast.ImportFrom, ast.Attribute)
    return tuple(node for node in ast.walk(ast.parse(MODULES[module].read_text())) if isinstance(node, kinds))


@cache
def imports_of(module: str) -> tuple[str, ...]:
    return tuple(_imports_of(module))


def _imports_of(module: str) -> Iterator[str]:
    for node in nodes_of(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


@pytest.mark.parametrize("module", MODULES)
def test_a_folder_leans_only_where_it_may(module: str) -> None:
    folder = FOLDERS[module]
    assert folder in MAY_LEAN_ON, f"{folder} is a new folder: say above what it may import"
    for imported in imports_of(module):
        other = FOLDERS.get(imported)
        assert other in {None, folder, "ringline", *MAY_LEAN_ON[folder]}, f"{module} leans on {imported}"


def test_no_folders_form_a_circle() -> None:
    assert_no_circle({folder: set(others) - {folder} for folder, others in MAY_LEAN_ON.items()})


def test_no_modules_form_a_circle() -> None:
    assert_no_circle({module: set(imports_of(module)) & set(MODULES) - {module} for module in MODULES})


def assert_no_circle(arrows: Mapping[str, set[str]]) -> None:
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("folder", sorted(set(FOLDERS.values())))
def test_a_folder_is_taken_in_at_a_glance(folder: str) -> None:
    modules = [module for module, where in FOLDERS.items() if where == folder and module != folder]
    assert len(modules) <= MOST_MODULES, f"{folder} has {len(modules)} modules"


@pytest.mark.parametrize("folder", TESTS, ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_a_folder_of_tests_is_taken_in_at_a_glance(folder: Path) -> None:
    assert len(list(folder.glob("*.py"))) <= MOST_MODULES


@pytest.mark.parametrize("module", sorted(module for module, folder in FOLDERS.items() if folder in PURE))
def test_what_a_call_is_and_what_happens_to_it_is_pure(module: str) -> None:
    for imported in imports_of(module):
        assert FOLDERS.get(imported) in PURE or imported.split(".")[0] in sys.stdlib_module_names, imported
        assert imported.split(".")[0] not in TIME_AND_CHANCE, f"{module} imports {imported}"


@pytest.mark.parametrize("module", sorted(module for module in MODULES if module.startswith("ringline")))
def test_only_stores_telephony_and_runtime_know_aws_and_livekit(module: str) -> None:
    tops = {imported.split(".")[0] for imported in imports_of(module)}
    if tops & {"boto3", "botocore"}:
        assert module.endswith(".store") or FOLDERS[module] in KNOWS_AWS, f"{module} knows AWS"
    if "livekit" in tops:
        assert module in KNOWS_LIVEKIT, f"{module} knows LiveKit's client"


BRIDGE = sorted(module for module in MODULES if FOLDERS[module].startswith("speech.bridge"))
BRIDGE_STANDS_ON = {"aiohttp", "jwt", "speech"}
"""Beside the standard library. Neither LiveKit nor the product: the sandbox and the speech worker both run it."""


@pytest.mark.parametrize("module", BRIDGE)
def test_the_bridge_stands_on_little(module: str) -> None:
    for imported in imports_of(module):
        top = imported.split(".")[0]
        assert top in BRIDGE_STANDS_ON or top in sys.stdlib_module_names, f"{module} leans on {imported}"


@pytest.mark.parametrize("module", [module for module in BRIDGE if FOLDERS[module] in _RULES_OF_SPEECH])
def test_what_follows_in_a_conversation_is_pure(module: str) -> None:
    for imported in imports_of(module):
        top = imported.split(".")[0]
        assert FOLDERS.get(imported) in _RULES_OF_SPEECH or top in sys.stdlib_module_names, imported
        assert top not in TIME_AND_CHANCE | {"logging"}, f"{module} imports {imported}"


_MIGHT_MOVE_CALLS = sorted(
    module
    for module, folder in FOLDERS.items()
    if module.startswith(("ringline", "functions", "dialer", "local", "cli")) and folder != MOVES_CALLS
)
"""The simulation is left out: it plants bugs in the lifecycle."""


@pytest.mark.parametrize("module", _MIGHT_MOVE_CALLS)
def test_nobody_but_progress_moves_a_call(module: str) -> None:
    assert "ringline.calls.rules.lifecycle" not in set(imports_of(module)), f"{module} applies events by itself"
    assert not list(commits_in(module)), f"{module} writes by itself what becomes of a call"


def test_progress_is_seen_to_move_calls() -> None:
    progress = "ringline.calls.progress.progress"
    assert "ringline.calls.rules.lifecycle" in set(imports_of(progress))
    assert len(list(commits_in(progress))) == 2


def commits_in(module: str) -> Iterator[ast.Attribute]:
    for node in nodes_of(module):
        if isinstance(node, ast.Attribute) and node.attr in {"commit", "commit_together"}:
            yield node
