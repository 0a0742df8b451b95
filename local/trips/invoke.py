"""Runs one built function on one event without a container engine, with AWS's own runtime client (awslambdaric).

    make invoke-create_call EVENT=minimal
    python -m local.trips.invoke create_call minimal

takes `events/create_call/minimal.json`, which `sam local invoke` takes too. The function gets the environment it has in
the running stack and works on that stack's table and queues; without a stack it runs too, but nothing of AWS answers.
The answer goes to stdout, the function's log to stderr; the exit code is 1 if the function raised or took too long.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from local.aws import build, deploy, emulator
from local.aws.runtime_api import Answer, serving
from local.aws.template import read_template, resources_of
from local.stack.lifecycle import is_healthy
from local.stack.record import Stack, StackRecord
from local.tools import processes
from local.tools.places import ROOT, TEMPLATE, default_state_dir
from local.tools.processes import StackError

_EVENTS = ROOT / "events"
# A port that nothing listens on: without a stack a function must not reach the user's real AWS account.
_NO_AWS = "http://127.0.0.1:9"
_STARTS_WITHIN_S = 10.0


def find_event(function: str, case: str) -> Path:
    """The event's file. Raises StackError naming the functions or cases that there are."""
    functions = sorted(build.build_functions())
    if function not in functions:
        raise StackError(f"no function {function!r}; there are: {', '.join(functions)}")
    cases = sorted(path.stem for path in (_EVENTS / function).glob("*.json"))
    if case not in cases:
        wanted = f"no event {case!r}" if case else "which event? say EVENT=<case>"
        raise StackError(f"{wanted}; events/{function} has: {', '.join(cases) or 'none'}")
    return _EVENTS / function / f"{case}.json"


def invoke(function: str, event: bytes, stack: Stack | None) -> tuple[Answer | None, float]:
    """The function's answer and the time it is given in seconds; None if it took longer. Raises StackError if the
    function's layers do not build."""
    logical_id, timeout_s = _described(function)
    built = build.build_all()
    arn = f"arn:aws:lambda:{emulator.REGION}:000000000000:function:{logical_id}"
    with serving(event, arn, timeout_s) as invocation:
        layers = [str(path / "python") for path in reversed(list(built.layers.values()))]
        environment = processes.clean_environment(
            {
                **_function_environment(logical_id, stack),
                "AWS_LAMBDA_RUNTIME_API": invocation.address,
                "PYTHONPATH": os.pathsep.join(layers),
                "LAMBDA_TASK_ROOT": str(built.functions[function]),
                "_HANDLER": "handler.lambda_handler",
            }
        )
        client = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", "handler.lambda_handler"],
            cwd=built.functions[function],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
        )
        try:
            return invocation.answer_within(timeout_s + _STARTS_WITHIN_S), timeout_s
        finally:
            client.kill()
            client.wait()


def _described(function: str) -> tuple[str, float]:
    """The function's logical id and time-out in seconds, from the template."""
    template = read_template(TEMPLATE)
    for logical_id, resource in resources_of(template, "AWS::Serverless::Function").items():
        if Path(resource["Properties"]["CodeUri"]).name == function:
            default = template["Globals"]["Function"]["Timeout"]
            return logical_id, float(resource["Properties"].get("Timeout", default))
    raise StackError(f"functions/{function} is not in template.yaml")


def _function_environment(logical_id: str, stack: Stack | None) -> dict[str, str]:
    """What the function's environment says in the running stack; without one, the template's names with their own as
    values."""
    common = {
        "AWS_LAMBDA_FUNCTION_NAME": logical_id,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_REGION": emulator.REGION,
        "AWS_DEFAULT_REGION": emulator.REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": stack.emulator_url if stack else _NO_AWS,
    }
    if stack is None:
        return common | _placeholders(logical_id)
    configuration = deploy.client("lambda", stack.emulator_url).get_function_configuration(
        FunctionName=stack.functions[logical_id]
    )
    variables: dict[str, str] = configuration["Environment"]["Variables"]
    return common | variables


def _placeholders(logical_id: str) -> dict[str, str]:
    template = read_template(TEMPLATE)
    own = template["Resources"][logical_id]["Properties"].get("Environment", {}).get("Variables", {})
    variables: dict[str, Any] = template["Globals"]["Function"]["Environment"]["Variables"] | own
    named = {name: value if isinstance(value, str) else _named(value, template) for name, value in variables.items()}
    return named | {name: _NO_AWS for name in named if name.endswith("_URL")}


def _named(value: dict[str, str], template: dict[str, Any]) -> str:
    """A parameter's default, or the name of what is referred to."""
    name = value.get("Ref", "unknown")
    default = template["Parameters"].get(name, {}).get("Default", "")
    # Of a parameter that is empty by default the name will do; 0 is a value.
    return name if default == "" else str(default)


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 2:
        print("usage: python -m local.trips.invoke <function> <case>", file=sys.stderr)
        return 2
    function, case = arguments[0].replace("-", "_"), (arguments[1] if len(arguments) == 2 else "").removesuffix(".json")
    record = StackRecord(default_state_dir())
    stack = record.stack() if is_healthy(record) else None
    if stack is None:
        print("no stack is up, so nothing of AWS answers (`make up` starts one)", file=sys.stderr)
    try:
        answer, timeout_s = invoke(function, find_event(function, case).read_bytes(), stack)
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if answer is None:
        print(f"error: no answer within the function's time-out of {timeout_s:.0f} s", file=sys.stderr)
        return 1
    print(json.dumps(answer.body, indent=2, ensure_ascii=False))
    return 1 if answer.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
