"""`doctor`: the command."""

from collections.abc import Sequence
from typing import Any

import typer
from rich.console import Group
from rich.text import Text

from cli.doctor.check import Check, Finding, Once, Result, run_all, worst
from cli.doctor.of_api import checks_of_api
from cli.frame.command import command
from cli.frame.desk import Desk
from cli.model.failures import ExitCode, Usage
from cli.shown.tables import table

_NO_KEY = "the profile has no API key: `ringline profile add NAME --api-key sk_...`"
_NO_STACK = "the profile names no CloudFormation stack, and so no operator's rights"

_EXIT_CODES = {Result.FAIL: ExitCode.TO_MEND, Result.WARN: ExitCode.WORTH_A_LOOK}


def add_commands(app: typer.Typer) -> None:
    command(app, "doctor", "doctor", panel="Watching")(doctor)


def doctor(desk: Desk) -> None:
    """Looks at all that calls need, and says what to mend: API, key, clocks, LiveKit, trunks, rules, agents, quotas."""
    findings = run_all(checks_of(desk))
    document = {"result": worst(findings).value, "checks": [each.as_json() for each in findings]}
    desk.show(document, lambda: _page(findings))
    code = _EXIT_CODES.get(worst(findings))
    if code is not None:
        raise typer.Exit(code)


def checks_of(desk: Desk) -> list[Check]:
    """Every check there is for the desk's stack; what the profile does not reach is skipped."""
    # What an operator's checks stand on takes long to load.
    from cli.doctor.of_gate import GateCheck
    from cli.doctor.of_lines import LineChecks
    from cli.doctor.of_livekit import LivekitChecks
    from cli.doctor.of_stack import StackChecks
    from cli.reach.livekit import livekit_keys

    profile = desk.profile()
    deployment = Once(desk.deployment)
    around = desk.around
    stack = [*StackChecks(deployment).all(), *GateCheck(deployment, around.clock, around.sleep).all()]
    of_livekit = LivekitChecks(Once(lambda: livekit_keys(profile, deployment())), desk.around.clock)
    livekit, lines = of_livekit.all(), LineChecks(desk.api, Once(of_livekit.trunks_and_rules)).all()
    try:
        api = checks_of_api(desk.api(), desk.around.clock)
    except Usage as failure:
        why = str(failure)
        api = [_skipped("api", _NO_KEY) if profile.api_key is None else _failed("api", failure)]
        lines = [_skipped(each.name, _NO_KEY if profile.api_key is None else why) for each in lines]
    if profile.stack is None and profile.on_this_machine is None:
        return [*api, *(_skipped(each.name, _NO_STACK) for each in [*livekit, *lines, *stack])]
    return [*api, *livekit, *lines, *stack]


def _skipped(name: str, why: str) -> Check:
    return Check(name, lambda: Finding(name, Result.SKIPPED, why))


def _failed(name: str, failure: Usage) -> Check:
    return Check(name, lambda: Finding(name, Result.FAIL, str(failure), failure.advice))


def _page(findings: Sequence[Finding]) -> Group:
    rows = [[each.name, each.result.value, each.says] for each in findings]
    parts: list[Any] = [table(("check", "result", "what"), rows)]
    to_mend: dict[str, list[str]] = {}
    for each in findings:
        if each.remedy and each.result in {Result.FAIL, Result.WARN}:
            to_mend.setdefault(each.remedy, []).append(each.name)
    if to_mend:
        parts += ["", Text("to mend", style="bold")]
    parts += [Text(f"  {', '.join(names)}: {remedy}") for remedy, names in to_mend.items()]
    return Group(*parts)
