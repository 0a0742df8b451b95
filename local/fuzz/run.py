"""Runs schemathesis over the API's document, bounded by its number of examples, and tells what it found."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.schemas import BaseSchema

_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "missing_required_header",
    "use_after_free",
)
"""Left out are those that want a status for each fault: what a field says may be wrong although its form is right
(`positive_data_acceptance`), bodies may say a number as text (`negative_data_rejection`), and a method that is not
served is no route at all (`unsupported_method`)."""

OVER_HTTP = (*_CHECKS, "ignored_auth")
"""Schemathesis 4.32 cannot ask without a key what runs in its own process."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was asked, by phase, and each fault once: what is wrong, with the request that shows it."""

    asked: Mapping[str, int]
    answered: Mapping[int, int]
    faults: Mapping[str, str]
    errors: Sequence[str] = field(default_factory=tuple)

    @property
    def is_clean(self) -> bool:
        return not self.faults and not self.errors

    def in_words(self) -> str:
        """Each fault with the request that shows it."""
        return "\n\n".join([*self.errors, *(f"{what}\n  {how}" for what, how in self.faults.items())])


def config_of(
    *,
    key: str,
    examples: int,
    seed: int,
    known: Mapping[str, Sequence[str]],
    checks: Sequence[str] = _CHECKS,
    edges: bool = True,
    livekit_is_away: bool = False,
) -> SchemathesisConfig:
    """`known` are values of path parameters that name something, and are tried half of the time. `edges` are the
    document's own: each field's least and most, left out, and broken, some 2,000 requests. With `livekit_is_away` a 503
    is no failure."""
    no_failures = ["2xx", "3xx", "4xx", *([503] if livekit_is_away else [])]
    bound = {"max-examples": examples, "deterministic": True, "database": "none"}
    document: dict[str, Any] = {
        "seed": seed,
        "headers": {"Authorization": f"Bearer {key}"},
        "generation": bound,
        "phases": {
            "coverage": {"enabled": edges, "unexpected-methods": []},
        },
        "continue-on-failure": True,
        "checks": {
            "enabled": False,
            **{name: {"enabled": True} for name in checks},
            "not_a_server_error": {"enabled": True, "expected-statuses": no_failures},
        },
        "dictionaries": {name: {"values": list(values)} for name, values in known.items()},
        "parameters": {f"path.{name}": {"dictionary": name, "probability": 0.5} for name in known},
        "warnings": False,
    }
    return SchemathesisConfig.from_dict(document)


def served(schema: BaseSchema) -> BaseSchema:
    """The document without what is out of scope, which is answered 501 whatever is asked."""
    return schema.exclude(lambda context: "501" in context.operation.definition.raw["responses"])


def fuzz(schema: BaseSchema) -> Found:
    """Every phase: the document's examples, what lies at the edges, what is drawn by chance, and sequences in which one
    answer is asked about in the next request."""
    asked: Counter[str] = Counter()
    answered: Counter[int] = Counter()
    faults: dict[str, str] = {}
    errors: list[str] = []
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished():
                asked[event.phase.value] += len(event.recorder.interactions)
                answered.update(_statuses(event))
                faults |= {what: how for what, how in _faults(event) if what not in faults}
            case events.NonFatalError():
                errors.append(f"{event.label}: {event.info.format()}")
            case events.FatalError():
                errors.append(str(event.exception))
            case _:
                pass
    return Found(asked, answered, faults, errors)


def _statuses(event: events.ScenarioFinished) -> Iterator[int]:
    for interaction in event.recorder.interactions.values():
        if interaction.response is not None:
            yield interaction.response.status_code


def _faults(event: events.ScenarioFinished) -> Iterator[tuple[str, str]]:
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.status is Status.FAILURE and check.failure_info is not None:
                failure = check.failure_info.failure
                yield f"{event.label}: {failure.title}: {failure.message[:400]}", _request(event, case_id)


def _request(event: events.ScenarioFinished, case_id: str) -> str:
    case = event.recorder.cases[case_id].value
    response = event.recorder.interactions[case_id].response
    status = None if response is None else response.status_code
    text = "" if response is None else (response.content or b"").decode(errors="replace")[:400]
    return f"{case.method} {case.formatted_path} query={case.query!r} body={case.body!r} -> {status} {text}"
