"""The dialer's container on this machine: its process, without an image, from the folders that were built."""

import sys
from collections.abc import Mapping
from pathlib import Path

from local.aws import deploy
from local.aws.build import Build
from local.tools import processes
from local.tools.places import ROOT
from local.tools.processes import Child

NAME = "dialer"
COMMAND = (sys.executable, "-m", "dialer")
_READY_WITHIN_S = 60.0


def variables_of(function_name: str, emulator_url: str, built: Build) -> dict[str, str]:
    """The container's environment: the variables of the dialer's function, and the emulator's address."""
    configuration = deploy.client("lambda", emulator_url).get_function_configuration(FunctionName=function_name)
    layers = [str(folder / "python") for folder in built.layers.values()]
    return {
        **configuration["Environment"]["Variables"],
        **deploy.credentials(emulator_url),
        "PYTHONPATH": ":".join([*layers, str(ROOT)]),
    }


def start(variables: Mapping[str, str], log_dir: Path, name: str = NAME) -> Child:
    """Starts the process; `await_ready` returns once it hears doorbells."""
    return processes.start(name, COMMAND, log_dir, processes.clean_environment(variables))


def await_ready(child: Child) -> None:
    """Raises StackError with the end of its log if it does not start."""
    processes.wait_until(child, lambda: processes.ready_line(child) is not None, _READY_WITHIN_S)
