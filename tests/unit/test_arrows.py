"""Which room may lean on which. The arrows are the architecture; this is what keeps them."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "layers" / "core"
MODULES = {
    ".".join(path.relative_to(CORE).with_suffix("").parts): path for path in sorted((CORE / "ringline").rglob("*.py"))
}

MAY_LEAN_ON = {
    "runtime": set(),
    "accounts": {"runtime"},
    "routing": {"runtime"},
    "webhooks": {"runtime"},
    "telephony": {"runtime", "calls"},
    "calls": {"runtime", "routing", "telephony"},
}

# Rules of a call: no AWS, no LiveKit, no clock. They may lean only on each other.
PURE = {
    f"ringline.calls.{name}"
    for name in (
        "agent_rules",
        "agent_words",
        "call",
        "carrier_limits",
        "carrier_rules",
        "deadlines",
        "dial_outcomes",
        "dial_rules",
        "ending",
        "events",
        "hints",
        "kept_rules",
        "leg_rules",
        "lifecycle",
        "ports",
        "presence_rules",
        "reasons",
        "recorder",
        "results",
        "retries",
        "timing",
        "verdict",
        "voicemail",
    )
}
# What telephony may know of calls, and calls of telephony.
PURE_OF_CALLS = {
    f"ringline.calls.{name}" for name in ("call", "carrier_limits", "dial_outcomes", "ports", "recorder", "timing")
}
PURE_OF_TELEPHONY = {"ringline.telephony.carriers.reading", "ringline.telephony.hook"}

KNOWS_AWS = {
    "ringline.calls.tables.pages",
    "ringline.calls.tables.inbound_rooms",
    "ringline.calls.tables.transcripts",
    "ringline.calls.tables.paces",
    "ringline.calls.tables.watchlist",
    "ringline.runtime.aws",
    "ringline.runtime.items",
}


def imports_of(module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "ringline" and len(parts) > 1 else None


@pytest.mark.parametrize("module", MODULES)
def test_rooms_lean_only_where_they_may(module: str) -> None:
    room = room_of(module)
    if room is None or module == "ringline":
        return
    for imported in imports_of(module):
        other = room_of(imported)
        assert other is None or other == room or other in MAY_LEAN_ON[room], f"{module} leans on {imported}"
        if room == "telephony" and other == "calls":
            assert imported in PURE_OF_CALLS, f"{module} leans on {imported}"
        if room == "calls" and other == "telephony":
            assert imported in PURE_OF_TELEPHONY, f"{module} leans on {imported}"


@pytest.mark.parametrize("module", sorted(PURE))
def test_the_rules_of_a_call_are_pure(module: str) -> None:
    for imported in imports_of(module):
        assert imported in PURE or imported.split(".")[0] in sys.stdlib_module_names, f"{module} imports {imported}"
        assert imported not in {"time", "random", "secrets", "os"}, f"{module} imports {imported}"


@pytest.mark.parametrize("module", MODULES)
def test_only_stores_telephony_and_runtime_know_aws_and_livekit(module: str) -> None:
    tops = {imported.split(".")[0] for imported in imports_of(module)}
    if tops & {"boto3", "botocore"}:
        assert module.endswith(".store") or module in KNOWS_AWS, f"{module} knows AWS"
    if "livekit" in tops:
        assert module == "ringline.telephony.livekit", f"{module} knows LiveKit's client"
