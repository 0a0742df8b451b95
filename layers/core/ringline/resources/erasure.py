"""What is kept of a call is deleted."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response

from ringline.calls.erasing.erase import EraseContent, NotErased
from ringline.calls.erasing.person import ForgetNumber
from ringline.runtime.clock import iso_or_none
from ringline.runtime.ids import is_plausible_id
from ringline.runtime.logging import masked
from ringline.runtime.web.api import json_response
from ringline.runtime.web.problems import Problem, invalid_field, not_found
from ringline.runtime.web.routes import Request, Route


@dataclass(frozen=True, slots=True)
class Erasure:
    """`erase` deletes what is kept of a call, `forget` what is kept of a number. `read_number` is the E.164 of a number
    as an account writes it."""

    erase: EraseContent
    forget: ForgetNumber
    read_number: Callable[[str, str], str]
    log: Logger

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                "DELETE",
                "/v1/calls/<call_id>/content",
                self.delete,
                summary="Deletes what was said, recorded and given to the agent; who was called and why it ended stays",
                answer="ringline.resources.answers.calls:ErasedContent",
                problems=("call_not_found", "call_not_over", "recording_not_finished", "contended"),
            ),
            Route(
                "POST",
                "/v1/erasures",
                self.forget_number,
                summary="Erases a person's number from all calls, with their content; go on with `next_cursor`",
                body="ringline.calls.erasing.bodies:ErasureRequest",
                answer="ringline.resources.answers.calls:ErasedNumber",
                problems=("contended",),
            ),
        )

    def delete(self, request: Request, call_id: str) -> Response[str]:
        erased = self.erase.run(request.account_id, call_id) if is_plausible_id(call_id) else None
        if erased is None:
            raise not_found("call_not_found", "There is no such call")
        if isinstance(erased, NotErased):
            raise _REFUSED[erased.why]
        deleted = erased.deleted
        receipt = {
            "call_id": call_id,
            "content_erased_at": iso_or_none(erased.call.content_erased_at),
            "transcripts": deleted.transcripts,
            "recordings": deleted.recordings,
            "outcomes": deleted.outcomes,
            "events": erased.events,
        }
        self.log.info("content of a call erased", extra=receipt)
        return json_response(200, receipt)

    def forget_number(self, request: Request) -> Response[str]:
        from ringline.calls.erasing.bodies import ErasureRequest
        from ringline.runtime.web.bodies import read_body

        asked = read_body(ErasureRequest, request.json_object())
        number = self._number(request.account_id, asked.number)
        try:
            forgotten = self.forget.run(request.account_id, number, asked.cursor)
        except ValueError:
            raise invalid_field("cursor", "is not a cursor of ours") from None
        counts = {"calls": forgotten.calls, **asdict(forgotten.deleted), "events": forgotten.events}
        self.log.info("number erased", extra={**counts, "number": masked(number), "left": len(forgotten.left)})
        return json_response(200, {**counts, "left": forgotten.left, "next_cursor": forgotten.next_cursor})

    def _number(self, account_id: str, text: str) -> str:
        """A number whose country nobody can tell is whose callers are kept by its digits, as the trunk told them."""
        try:
            return self.read_number(account_id, text)
        except ValueError as error:
            if _DIGITS.fullmatch(text):
                return text
            raise invalid_field("number", str(error)) from None


_DIGITS = re.compile(r"[0-9]{7,15}")

_REFUSED = {
    "not_over": Problem(409, "call_not_over", "The call is not over; end it first"),
    "recording_not_finished": Problem(
        409,
        "recording_not_finished",
        "LiveKit has not said yet that the recording is finished; ask again in a minute",
        headers={"Retry-After": "60"},
    ),
}
