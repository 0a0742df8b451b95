"""Whether the other side consented to being recorded, as whoever makes the call says it.

It is the customer's proof, not ours: Ringline asks nobody. What regulators ask of such a proof (GDPR article 7, 47 CFR
64.1200 of the FCC) is who consented, when, how, and to what they were told.
"""

from dataclasses import field

from ringline.later import Carried, StoredWord
from ringline.record import stored


class ConsentStatus(StoredWord):
    GRANTED = "granted"
    DENIED = "denied"
    """Nothing of the call is recorded, whatever asks for it."""


class ConsentMethod(StoredWord):
    """How it was given, or refused."""

    VERBAL = "verbal"
    KEYPRESS = "keypress"
    STAYED_ON_LINE = "stayed_on_line"
    """They were told, and went on."""
    WEB_FORM = "web_form"
    WRITTEN = "written"
    CONTRACT = "contract"
    OTHER = "other"


@stored
class RecordingConsent:
    """`at` in milliseconds. `given_by` names the person; `reference` is what finds the proof, and the notice that they
    were given, in the customer's own records."""

    status: ConsentStatus
    method: ConsentMethod
    at: int
    given_by: str | None = None
    reference: str | None = None
    carried: Carried = field(default=(), compare=False, repr=False)


def may_record(consent: RecordingConsent | None, *, is_wanted: bool) -> bool:
    """Whether a call is to be recorded that this was said of. What a later release says is no refusal of ours."""
    return is_wanted and (consent is None or consent.status is not ConsentStatus.DENIED)
