"""Every code that a caller may be refused with is explained once, and none that nobody is."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ringline.runtime.web.problem_codes import PROBLEMS

ROOT = Path(__file__).parents[3]
MAKES_PROBLEMS = ROOT / "layers/core/ringline/runtime/web/problems.py"
"""Its functions hand on the code that they are called with."""


_MAKERS = ("Problem", "not_found", "invalid_field")


class Raised(NamedTuple):
    """A refusal as it stands in the product's text. `code` and `status` are None where they are no plain values."""

    where: str
    status: int | None
    code: str | None


def refusals_in(text: str, where: str) -> Iterator[Raised]:
    if not any(name in text for name in _MAKERS):
        return  # most modules refuse nothing, and reading their trees takes a second
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        match node.func.id:
            case "Problem":
                code = named.get("code") or node.args[1]
                yield Raised(where, _number(named.get("status") or node.args[0]), _word(code))
            case "not_found":
                yield Raised(where, 404, _word(named.get("code") or node.args[0]))
            case "invalid_field":
                yield Raised(where, 422, _word(named["code"]) if "code" in named else "invalid_request")


def _word(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _number(node: ast.expr) -> int | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int) else None


RAISED = [
    raised
    for folder in ("layers/core/ringline", "functions")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != MAKES_PROBLEMS
    for raised in refusals_in(path.read_text(), path.relative_to(ROOT).as_posix())
]


@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: f"{raised.where}-{raised.code}")
def test_a_refusal_bears_a_code_that_is_explained(raised: Raised) -> None:
    assert raised.code is not None, f"{raised.where} refuses with a code that is not a plain word"
    assert raised.code in PROBLEMS, f"say in runtime/web/problem_codes.py what {raised.code} means"
    assert raised.status == PROBLEMS[raised.code].status


def test_every_code_that_is_explained_is_raised() -> None:
    assert set(PROBLEMS) == {raised.code for raised in RAISED}


def test_an_explanation_is_a_sentence() -> None:
    assert [code for code, meaning in PROBLEMS.items() if not meaning.says.endswith(".")] == []


def test_a_refusal_is_found_however_it_is_written() -> None:
    text = """
raise Problem(409, "in_use", "x", headers={})
raise Problem(status=409, code="busy", title="x")
raise not_found("pipe_not_found", "x")
raise invalid_field("a", "b")
raise invalid_field("a", "b", code="odd")
raise Problem(status, word, "x")
"""
    assert [(each.status, each.code) for each in refusals_in(text, "")] == [
        (409, "in_use"),
        (409, "busy"),
        (404, "pipe_not_found"),
        (422, "invalid_request"),
        (422, "odd"),
        (None, None),
    ]
