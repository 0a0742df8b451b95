"""How long each handler takes to import, beside the least that any function with a DynamoDB client can take.

Each import is a fresh interpreter that sees the built layers, with their unchecked-hash bytecode, and nothing else:
`-S` keeps this machine's site-packages out. The handler's own file is compiled each time, as on Lambda, where only
layers carry bytecode. Rounds are interleaved, so that a busy moment of the machine meets every handler alike.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from local.aws import emulator
from local.aws.build import Build
from local.aws.template import read_template, resources_of
from local.bench.report import Reading, Section, at_most
from local.tools import processes
from local.tools.places import ROOT, TEMPLATE
from local.tools.processes import StackError

_ROUNDS = 15
_FLOOR = "botocore floor"
_FLOOR_CODE = "import botocore.session; botocore.session.get_session().create_client('dynamodb')"
_TIMED = "import time; began = time.perf_counter()\n{code}\nprint(1000 * (time.perf_counter() - began))"
_TAKES_AT_MOST_S = 30.0

# Budgets are multiples of the floor. Whatever answers a webhook or works off a queue, stream or schedule is held to the
# hooks' budget.
_HOOKS_AND_SWEEP, _DIALER, _API, _MANAGEMENT = 1.2, 2.0, 1.8, 2.2
_BUDGETS = {
    **dict.fromkeys(("carry_out_transfer", "dial_next"), _DIALER),
    **dict.fromkeys(("assign_brain", "create_call", "receive_agent_event"), _API),
    "manage": _MANAGEMENT,
}

# A port that nothing listens on: an import that reaches out fails.
_NOWHERE = "http://127.0.0.1:9"


def measure(built: Build) -> Section:
    """Raises StackError for a handler that cannot be imported."""
    with tempfile.TemporaryDirectory(prefix="bench-imports-") as copies:
        programs = {_FLOOR: (_FLOOR_CODE, Path(copies))}
        for function, folder in built.functions.items():
            copy = Path(copies) / function
            copy.mkdir()
            shutil.copy(folder / "handler.py", copy)
            programs[function] = ("import handler", copy)
        times_ms = _timed_in_turns(programs, environment_of(built))
    return Section(f"import of a compiled handler, {_ROUNDS} fresh interpreters each", _readings(times_ms))


def _timed_in_turns(programs: Mapping[str, tuple[str, Path]], environment: Mapping[str, str]) -> dict[str, list[float]]:
    times_ms: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(_ROUNDS + 1):
        for name, (code, folder) in programs.items():
            taken_ms = import_ms(name, code, folder, environment)
            if turn > 0:  # the first one also reads the disk
                times_ms[name].append(taken_ms)
    return times_ms


def import_ms(name: str, code: str, folder: Path, environment: Mapping[str, str]) -> float:
    outcome = subprocess.run(
        [sys.executable, "-S", "-B", "-c", _TIMED.format(code=code)],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=_TAKES_AT_MOST_S,
        check=False,
    )
    if outcome.returncode != 0:
        told = outcome.stderr or outcome.stdout
        raise StackError(f"{name} cannot be imported from its layers:\n{told[-2000:]}")
    return float(outcome.stdout.splitlines()[-1])


def environment_of(built: Build) -> dict[str, str]:
    """What functions find on Lambda: the layers' folders, a region, credentials, and every variable that any of them
    is given, with what `sam local invoke` gives it where it has a value there."""
    template = read_template(TEMPLATE)
    functions = resources_of(template, "AWS::Serverless::Function").values()
    declared = [template["Globals"]["Function"], *(function["Properties"] for function in functions)]
    names = {name for each in declared for name in each.get("Environment", {}).get("Variables", {})}
    invoked_with = json.loads((ROOT / "events" / "env.json").read_text())["Parameters"]
    settings = {name: _NOWHERE if name.endswith("_URL") else invoked_with.get(name) or "bench" for name in names}
    return processes.clean_environment(
        {
            **settings,
            "LOG_LEVEL": "INFO",
            "TRUNK_CALLS_PER_SECOND": "0",
            "LIVEKIT_REQUESTS_PER_MINUTE": "0",
            "ANSWER_FROM": "dialer",
            "AWS_REGION": emulator.REGION,
            "AWS_DEFAULT_REGION": emulator.REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "PYTHONPATH": os.pathsep.join(str(path / "python") for path in built.layers.values()),
        }
    )


def _readings(times_ms: Mapping[str, list[float]]) -> tuple[Reading, ...]:
    """The ratios compare the quickest runs: whatever else the machine does can only add time."""
    floor_ms, floor_median_ms = min(times_ms[_FLOOR]), statistics.median(times_ms[_FLOOR])
    readings = [Reading(f"{_FLOOR} (session and DynamoDB client)", "1x", _ms(times_ms[_FLOOR]))]
    for function, taken_ms in sorted(times_ms.items()):
        if function != _FLOOR:
            ratio = min(taken_ms) / floor_ms
            note = f"{_ms(taken_ms)}, of the medians {statistics.median(taken_ms) / floor_median_ms:.2f}x"
            readings.append(at_most(function, ratio, _BUDGETS.get(function, _HOOKS_AND_SWEEP), "x", note))
    return tuple(readings)


def _ms(taken_ms: list[float]) -> str:
    return f"least {min(taken_ms):.0f} ms, median {statistics.median(taken_ms):.0f} ms"
