"""Numbers: bring, list, get, change, delete; attach, move, detach; compare with LiveKit."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response

from ringline.calls.views.listing import check_names
from ringline.routing.numbers import is_e164
from ringline.runtime.web.api import json_response
from ringline.runtime.web.http import listing
from ringline.runtime.web.problems import Problem, invalid_field
from ringline.runtime.web.revisions import if_match, revised
from ringline.runtime.web.routes import Request, Route
from ringline.trunking.model.lines import TrunkType
from ringline.trunking.numbers import Numbers
from ringline.trunking.settling import Kept
from ringline.trunking.sync import Sync
from ringline.trunking.views import number_view, synced_view

_ANSWERS = "ringline.resources.answers.lines"
_BODIES = "ringline.trunking.bodies"
_SHOWN = f"{_ANSWERS}:ShownNumber"
_CHANGED = f"{_ANSWERS}:ChangedNumber"
_AT_LIVEKIT = ("livekit_away", "livekit_refused", "busy_at_livekit")
_NAMES = ("unknown_trunk", "unknown_agent", "unknown_pipe")
_FIELDS = (
    "trunk_id", "agent_id", "pipe_id", "country", "max_calls", "calls_per_day", "overflow", "decision_url",
    "decision_default",
)  # fmt: skip
_FILTERS = frozenset({"status", "status_filter", "country", "trunk_type"})

_STATUSES = ("available", "assigned")
_WORDS = {"status": _STATUSES, "status_filter": _STATUSES, "trunk_type": tuple(TrunkType)}
_COUNTRY = re.compile("[A-Za-z]{2}")


@dataclass(frozen=True, slots=True)
class NumberRoutes:
    """`read_number` reads a number as an account writes it (account, text), and raises NotANumber."""

    numbers: Numbers
    sync: Sync
    read_number: Callable[[str, str], str]

    @property
    def routes(self) -> tuple[Route, ...]:
        one, attached = "/v1/numbers/<number_id>", "/v1/numbers/<number_id>/attach"
        return (
            Route(
                "GET",
                "/v1/numbers",
                self.list_them,
                summary="Lists the account's numbers",
                query="ringline.resources.answers.queries:NumberFilters",
                answer=f"{_ANSWERS}:NumberList",
            ),
            Route(
                "POST",
                "/v1/numbers",
                self.bring,
                summary="Brings a number that you have at a carrier",
                body=f"{_BODIES}:NumberRequest",
                answer=_CHANGED,
                status=201,
                problems=("number_taken", "number_exists", "unknown_number", "overflow_chained", *_NAMES, *_AT_LIVEKIT),
                has_revision=True,
            ),
            Route(
                "POST",
                "/v1/numbers/sync",
                self.compare,
                summary="Compares numbers and trunks with LiveKit, mends what is ours and tells of the rest",
                answer=f"{_ANSWERS}:ShownSync",
                problems=("livekit_away", "livekit_refused"),
            ),
            Route(
                "GET",
                one,
                self.get,
                summary="Shows a number, by its id or in E.164",
                answer=_SHOWN,
                problems=("number_not_found",),
                has_revision=True,
            ),
            Route(
                "PATCH",
                one,
                self.change,
                summary="Changes a number; what is not named stays",
                body=f"{_BODIES}:NumberChange",
                answer=_CHANGED,
                problems=("number_not_found", "contended", "unknown_number", "overflow_chained", *_NAMES, *_AT_LIVEKIT),
                has_revision=True,
            ),
            Route(
                "POST",
                f"{one}/decision-secret/rotate",
                self.rotate_decision_secret,
                summary="Makes another decision secret, shown this once; the old one signs nothing from then on",
                answer=_CHANGED,
                problems=("number_not_found", "no_decision_url", "contended"),
                has_revision=True,
            ),
            Route(
                "DELETE",
                one,
                self.delete,
                summary="Gives a number up, here and at LiveKit",
                status=204,
                problems=("number_not_found", "number_in_use", "contended", *_AT_LIVEKIT),
                has_revision=True,
            ),
            Route(
                "POST",
                attached,
                self.attach,
                summary="Leads a number's callers to an agent or a pipe",
                body=f"{_BODIES}:AttachRequest",
                answer=_SHOWN,
                problems=(
                    "number_not_found",
                    "number_already_assigned",
                    "number_taken",
                    "number_exists",
                    "contended",
                    *_NAMES,
                    *_AT_LIVEKIT,
                ),
                has_revision=True,
            ),
            Route(
                "PUT",
                attached,
                self.move,
                summary="Leads the callers of an attached number to another agent",
                body=f"{_BODIES}:MoveRequest",
                answer=_SHOWN,
                problems=("number_not_found", "not_attached", "unknown_agent", "contended", *_AT_LIVEKIT),
                has_revision=True,
            ),
            Route(
                "DELETE",
                attached,
                self.detach,
                summary="Leads a number's callers to nobody",
                answer=_SHOWN,
                problems=("number_not_found", "contended", *_AT_LIVEKIT),
                has_revision=True,
            ),
        )

    def list_them(self, request: Request) -> Response[str]:
        check_names(request.query, _FILTERS)
        said = {name: word for name, word in request.query.items() if word}
        _check_filters(said)
        # The SDK in direct mode says `status_filter` for what it says as `status` behind a proxy.
        wanted = {
            "status": said.get("status") or said.get("status_filter"),
            "country": said["country"].upper() if "country" in said else None,
            "trunk_type": said.get("trunk_type"),
        }
        rows = [number_view(each) for each in self.numbers.all(request.account_id)]
        shown = [row for row in rows if all(value is None or row[name] == value for name, value in wanted.items())]
        return json_response(200, listing(shown, None))

    def bring(self, request: Request) -> Response[str]:
        # Bodies are read by pydantic, which takes a quarter of the function's start: only requests with one load it.
        from ringline.runtime.web.bodies import read_body
        from ringline.trunking.bodies import NumberRequest

        asked = read_body(NumberRequest, request.json_object(), self._numbers_of(request))
        said = {name: value for name, value in _said(asked, *_FIELDS).items() if value is not None}
        return _changed(self.numbers.bring(request.account_id, asked.number, said), 201)

    def get(self, request: Request, number_id: str) -> Response[str]:
        number = self.numbers.find(request.account_id, unquote(number_id))
        return _shown(self.numbers.settling.kept(request.account_id, number))

    def change(self, request: Request, number_id: str) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.trunking.bodies import NumberChange

        said = _said(read_body(NumberChange, request.json_object(), self._numbers_of(request)), *_FIELDS)
        return _changed(self.numbers.change(request.account_id, unquote(number_id), said, if_match(request.event)))

    def rotate_decision_secret(self, request: Request, number_id: str) -> Response[str]:
        wanted = if_match(request.event)
        return _changed(self.numbers.rotate_decision_secret(request.account_id, unquote(number_id), wanted))

    def delete(self, request: Request, number_id: str) -> Response[str]:
        self.numbers.delete(request.account_id, unquote(number_id), if_match(request.event))
        return Response(204)

    def attach(self, request: Request, number_id: str) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.trunking.bodies import AttachRequest

        asked = read_body(AttachRequest, request.json_object(), self._numbers_of(request))
        account_id, named = request.account_id, self._named(request.account_id, number_id, asked.number)
        trunk_id = asked.outbound_trunk_id or asked.inbound_trunk_id
        if asked.inbound_trunk_id and asked.outbound_trunk_id:
            self.numbers.check_one_trunk(account_id, asked.inbound_trunk_id, asked.outbound_trunk_id)
        try:
            kept = self.numbers.attach(account_id, named, asked.agent_id, asked.pipe_id, trunk_id)
        except Problem as problem:
            if problem.code != "number_not_found" or not is_e164(named):
                raise
            # The SDK's `agents.numbers.attach` names numbers that are nobody's yet.
            said = {"agent_id": asked.agent_id, "pipe_id": asked.pipe_id, "account_trunk_id": trunk_id}
            kept = self.numbers.bring(account_id, named, {name: each for name, each in said.items() if each})
        return _shown(kept)

    def move(self, request: Request, number_id: str) -> Response[str]:
        from ringline.runtime.web.bodies import read_body
        from ringline.trunking.bodies import MoveRequest

        asked = read_body(MoveRequest, request.json_object(), self._numbers_of(request))
        named = self._named(request.account_id, number_id, asked.number)
        return _shown(self.numbers.move(request.account_id, named, asked.agent_id, if_match(request.event)))

    def detach(self, request: Request, number_id: str) -> Response[str]:
        return _shown(self.numbers.detach(request.account_id, unquote(number_id), if_match(request.event)))

    def compare(self, request: Request) -> Response[str]:
        return json_response(200, synced_view(self.sync.run(request.account_id)))

    def _named(self, account_id: str, number_id: str, number: str | None) -> str:
        """The number that a path and its body name. Raises Problem 422 where they name two."""
        named = unquote(number_id)
        if number is None:
            return named
        try:
            there = self.numbers.find(account_id, named).number
        except Problem:
            digits = named.removeprefix("+")
            there = f"+{digits}" if digits.isdecimal() else number
        if there != number:
            raise invalid_field("number", "is not the number that the path names")
        return number

    def _numbers_of(self, request: Request) -> Callable[[str], str]:
        return partial(self.read_number, request.account_id)


def _check_filters(said: Mapping[str, str]) -> None:
    """Raises Problem 422 for a word that no number can have: a misspelled one must not show an empty list."""
    for name, words in _WORDS.items():
        if said.get(name, words[0]) not in words:
            raise invalid_field(name, f"is not one of {', '.join(words)}")
    if not _COUNTRY.fullmatch(said.get("country", "US")):
        raise invalid_field("country", "is not a country's two letters")


def _said(asked: Any, *names: str) -> dict[str, Any]:
    """What was said of the fields, under the names that the record has."""
    said: dict[str, Any] = asked.said(*names)
    if "trunk_id" in said:
        said["account_trunk_id"] = said.pop("trunk_id")
    if "overflow" in said:
        overflow = said.pop("overflow")
        for name in ("pipe_id", "agent_id", "number"):
            said[f"overflow_{name}"] = None if overflow is None else getattr(overflow, name)
    return said


def _shown(kept: Kept, status: int = 200) -> Response[str]:
    return json_response(status, number_view(kept), revised(kept.number.revision))


def _changed(kept: Kept, status: int = 200) -> Response[str]:
    """With the decision secret, where one was made just now."""
    shown = {**number_view(kept), "decision_secret": kept.new_secret}
    return json_response(status, shown, revised(kept.number.revision))
