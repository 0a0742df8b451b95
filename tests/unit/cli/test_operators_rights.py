"""docs/operating.md lists what an operator's AWS user must be allowed: all that the commands ask, and no more."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
from botocore import xform_name

from local.tools.places import ROOT

FOLDERS = ("cli", "layers/core/ringline/upgrading")
SERVICES = ("cloudformation", "cloudwatch", "dynamodb", "lambda", "secretsmanager", "sns", "sqs", "sts")
OF_THE_STORES = {"BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"}
"""What the command asks of the table by the stores that functions use, too."""
FREE = {"sts:GetCallerIdentity"}
"""Nobody can be denied it."""
BY_ITS_PARTS = {"dynamodb:TransactWriteItems"}
"""A transaction is allowed by what is in it, which the stores ask by itself, too."""
NOT_OF_AWS = {"get_template"}
"""Methods of others that have an operation's name: this one is Jinja's."""
OTHERWISE_CALLED = {"lambda:Invoke": "lambda:InvokeFunction"}


@cache
def actions() -> dict[str, set[str]]:
    """What a client's methods ask, by the method's name."""
    found: dict[str, set[str]] = {}
    session = botocore.session.get_session()
    for service in SERVICES:
        for operation in session.get_service_model(service).operation_names:
            found.setdefault(xform_name(operation), set()).add(f"{service}:{operation}")
    return found


def nodes() -> Iterator[ast.AST]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from ast.walk(ast.parse(Path(path).read_text()))


def text_of(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def methods() -> Iterator[str]:
    for node in nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield (text_of(node) or "") if node.func.attr == "get_paginator" else node.func.attr


def asked() -> set[str]:
    found: set[str] = {f"dynamodb:{action}" for action in OF_THE_STORES} | {"sqs:SendMessage"}
    for method in methods():
        meant = set() if method in NOT_OF_AWS else actions().get(method, set())
        assert len(meant) < 2, f"{method} is an operation of several services: {meant}"
        found |= meant
    return {OTHERWISE_CALLED.get(each, each) for each in found} - FREE - BY_ITS_PARTS


def test_the_page_lists_all_that_an_operators_commands_ask_of_aws_and_nothing_else() -> None:
    page = (ROOT / "docs/operating.md").read_text()
    section = page.split("\n## Accounts, keys, numbers\n")[1].split("\n## ")[0]
    told = re.findall(rf"`((?:{'|'.join(SERVICES)}):\w+)`", section)
    assert set(told) == asked()


def test_every_service_that_the_command_speaks_to_is_looked_through() -> None:
    named = {
        text_of(node)
        for node in nodes()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"client", "aws_client", "create_client"}
    }
    assert named - {None} <= set(SERVICES)
    assert {"cloudformation", "secretsmanager", "sns"} <= named
