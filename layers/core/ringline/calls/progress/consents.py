"""Consent to recording, as a request says it."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from ringline.calls.model.call import ConsentMethod, ConsentStatus, RecordingConsent
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.web.problems import invalid_field

_CLOCKS_DIFFER_MS = 5 * 60 * MS_PER_S
_EARLIEST_MS = 946_684_800_000
"""The year 2000: a moment before it is a slip of the pen."""

type _Words = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class ConsentRequest(BaseModel):
    """Whether the other side consented to being recorded: who, how and when. Of a call that it is denied for nothing is
    recorded, whatever its pipe or `recording` says."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    status: Literal["granted", "denied"]
    method: Literal["verbal", "keypress", "stayed_on_line", "web_form", "written", "contract", "other"]
    at: Annotated[AwareDatetime, Field(description="When it was given or refused; not to come")]
    given_by: Annotated[_Words | None, Field(description="Who. It goes when the call's content is erased")] = None
    reference: Annotated[
        _Words | None, Field(description="What finds the proof, and the notice given, in records of your own")
    ] = None

    def consent(self, now: int) -> RecordingConsent:
        """Raises Problem 422 for a moment that is to come, or long gone."""
        at = round(self.at.timestamp() * MS_PER_S)
        if not _EARLIEST_MS <= at <= now + _CLOCKS_DIFFER_MS:
            raise invalid_field("recording_consent.at", "lies in the future, or in another century")
        status, method = ConsentStatus.kept(self.status), ConsentMethod.kept(self.method)
        return RecordingConsent(status, method, min(at, now), self.given_by, self.reference)
