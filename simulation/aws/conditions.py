"""The condition and key expressions that the stores use, and no others: what is unknown is refused loudly, so that a
new condition in the product cannot be simulated wrongly by accident."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

type Item = dict[str, Any]
type Test = Callable[[Item, Item], bool]
"""Whether an item (empty where there is none) meets the condition under the expression's values."""

_EXISTS = re.compile(r"attribute_exists\((\w+)\)")
_MISSING = re.compile(r"attribute_not_exists\((\w+)\)")
_CONTAINS = re.compile(r"contains\((\w+), (:\w+)\)")
_SIZE = re.compile(r"size\((\w+)\) (<|<=) (:\w+)")
_NAME = r"#?\w+"
_OPERAND = r"(?:[#:]?\w+|(?:if_not_exists|list_append)\([^()]*\))"
_UPDATES = {
    "ADD": re.compile(r"(#?\w+) (:\w+)"),
    "DELETE": re.compile(r"(#?\w+) (:\w+)"),
    "SET": re.compile(rf"({_NAME}) = ({_OPERAND}(?: [+-] {_OPERAND})?)"),
    "REMOVE": re.compile(r"(#?\w+)()"),
}
_VERBS = re.compile(r"\b(ADD|DELETE|SET|REMOVE) ")
_UNLESS_THERE = re.compile(rf"if_not_exists\(({_NAME}), (:\w+)\)")
_APPENDED = re.compile(r"list_append\(([#:]?\w+), ([#:]?\w+)\)")
_SUM = re.compile(rf"({_OPERAND}) ([+-]) ({_OPERAND})")
_CLAUSES = re.compile(r", (?![^(]*\))")
_COMPARED = re.compile(r"(\w+) (=|<|>|<=|>=|<>) (:?\w+)")


class UnknownExpression(Exception):
    """The product uses an expression that this table does not know."""


@cache
def condition(expression: str) -> Test:
    """The test that `a AND b OR (c AND d)` stands for: parentheses say what holds without them, too."""
    ways = [_all([_part(part) for part in _split(way, " AND ")]) for way in _split(expression, " OR ")]
    if len(ways) == 1:
        return ways[0]
    return lambda item, values: any(way(item, values) for way in ways)


def _part(part: str) -> Test:
    return condition(part[1:-1]) if part.startswith("(") and part.endswith(")") else _test(part)


def _split(expression: str, joint: str) -> list[str]:
    """The parts between joints that stand in no parentheses."""
    parts, depth = [""], 0
    for piece in re.split(f"({joint})", expression):
        if piece == joint and depth == 0:
            parts.append("")
            continue
        depth += piece.count("(") - piece.count(")")
        parts[-1] += piece
    return parts


def _all(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda item, values: all(test(item, values) for test in tests)


def _test(part: str) -> Test:
    if found := _EXISTS.fullmatch(part):
        name = found[1]
        return lambda item, _values: name in item
    if found := _MISSING.fullmatch(part):
        name = found[1]
        return lambda item, _values: name not in item
    if found := _COMPARED.fullmatch(part):
        return _comparison(found[1], found[2], found[3])
    if found := _CONTAINS.fullmatch(part):
        name, value = found.groups()
        return lambda item, values: name in item and _plain(values[value]) in _members(item[name])
    if found := _SIZE.fullmatch(part):
        name, operator, most = found.groups()
        return lambda item, values: name in item and _is_small(item[name], operator, int(values[most]["N"]))
    raise UnknownExpression(part)


def _is_small(kept: Item, operator: str, most: int) -> bool:
    size = len(_plain(kept))
    return size < most if operator == "<" else size <= most


def _comparison(name: str, operator: str, other: str) -> Test:
    def test(item: Item, values: Item) -> bool:
        left, right = item.get(name), values[other] if other.startswith(":") else item.get(other)
        if left is None or right is None or left.keys() != right.keys():
            return False
        a, b = _plain(left), _plain(right)
        match operator:
            case "=":
                return bool(a == b)
            case "<":
                return bool(a < b)
            case ">":
                return bool(a > b)
            case "<>":
                return bool(a != b)
            case ">=":
                return bool(a >= b)
            case _:
                return bool(a <= b)

    return test


def _plain(value: Item) -> Any:
    ((kind, inner),) = value.items()
    return _number(inner) if kind == "N" else inner


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        return Decimal(text)


def _members(value: Item) -> Any:
    """What a text, a set or a list has in it."""
    ((kind, inner),) = value.items()
    return [_plain(each) for each in inner] if kind == "L" else inner


def updated(item: Item, expression: str, names: Mapping[str, str], values: Item) -> Item:
    """The item after `ADD name :value, other :value`, `REMOVE name, other`, or `SET name = :value, other = other + :n`,
    or several of these one behind the other. What is set is worked out from the item as it was."""
    fields, gone = dict(item), set()
    for verb, called, told in _clauses(expression):
        name = names.get(called, called)
        match verb:
            case "ADD":
                fields[name] = _added(item.get(name), values[told])
            case "DELETE":
                left = set(item.get(name, {"SS": []})["SS"]) - set(values[told]["SS"])
                # A set without members is no attribute.
                fields[name] = {"SS": sorted(left)}
                gone |= set() if left else {name}
            case "SET":
                fields[name] = _value(told, item, names, values)
            case _:
                gone.add(name)
    return {name: value for name, value in fields.items() if name not in gone} if gone else fields


def _added(kept: Item | None, more: Item) -> Item:
    if "SS" in more:
        return {"SS": sorted({*(kept or {"SS": []})["SS"], *more["SS"]})}
    return _sum(kept or {"N": "0"}, more)


def _sum(a: Item, b: Item, sign: int = 1) -> Item:
    return {"N": str(_plain(a) + sign * _plain(b))}


def _value(told: str, item: Item, names: Mapping[str, str], values: Item) -> Item:
    """What an attribute is set to."""
    if told in values:
        # Nearly always.
        value: Item = values[told]
        return value
    if found := _UNLESS_THERE.fullmatch(told):
        kept = item.get(names.get(found[1], found[1]))
        return _value(found[2], item, names, values) if kept is None else kept
    if found := _APPENDED.fullmatch(told):
        first, more = (_value(each, item, names, values) for each in found.groups())
        return {"L": [*first["L"], *more["L"]]}
    if found := _SUM.fullmatch(told):
        return _sum(
            _value(found[1], item, names, values), _value(found[3], item, names, values), 1 if found[2] == "+" else -1
        )
    present: Item | None = item.get(names.get(told, told))
    if present is None:
        # DynamoDB refuses the request.
        raise UnknownExpression(f"{told}, which is not there")
    return present


@cache
def _clauses(expression: str) -> tuple[tuple[str, str, str], ...]:
    """What an update does, to which name, with which value."""
    _, *words = _VERBS.split(expression)
    return tuple(
        _clause(verb, clause)
        for verb, rest in zip(words[::2], words[1::2], strict=True)
        for clause in _CLAUSES.split(rest.strip())
    )


def _clause(verb: str, clause: str) -> tuple[str, str, str]:
    form = _UPDATES.get(verb)
    found = form.fullmatch(clause) if form else None
    if found is None:
        raise UnknownExpression(f"{verb} {clause}")
    return verb, found[1], found[2]
