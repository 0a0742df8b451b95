"""The carriers of the phones: those that tell our hooks what becomes of a call, `<base>/hooks/sip/<form>`.

The events of one call are posted one after the other. None of it holds up the call. The header that names a call is the
product's word, which its customers set up their carriers to show; so its name comes from the product.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.phones.carrier.forms import CarriedCall, CarrierEvent, CarrierSecrets, new_ids, post_of
from local.phones.kernel.ledger import PhoneCall
from local.phones.kernel.pace import Pace
from local.phones.kernel.tasks import Tasks
from local.phones.model.sip_status import CANCELLED, TIMED_OUT, phrase
from local.phones.numbers.callees import CarrierReports, CarrierWord
from local.phones.post.courier import Courier
from ringline.telephony.carriers.reading import CALL_HEADER


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierDesk:
    """Where carriers report to, and what they sign with. Without `hooks_url` they report nothing."""

    hooks_url: str | None
    secrets: CarrierSecrets
    courier: Courier
    tasks: Tasks
    pace: Pace

    def take(self, reports: CarrierReports | None, call: PhoneCall, headers: Mapping[str, str]) -> "CarrierLine":
        """The carrier's side of a call whose INVITE has these headers."""
        return CarrierLine(self, reports, call, headers)


class CarrierLine:
    """What the carrier of one call reports. `attributes` are those that LiveKit maps from its responses."""

    def __init__(
        self, desk: CarrierDesk, reports: CarrierReports | None, call: PhoneCall, headers: Mapping[str, str]
    ) -> None:
        self._desk = desk
        self._reports = reports
        self._call = call
        self._line = desk.courier.line()
        self._posted = 0
        self._over = False
        ids = new_ids(reports.form) if reports is not None else {}
        self.attributes = {name: value for name, value in ids.items() if name.startswith("sip.")}
        header = next((each for each in headers.items() if each[0].lower() == CALL_HEADER), None)
        self._carried = CarriedCall(header, call.from_number, call.to_number, ids, time.time())

    def invited(self) -> None:
        self._tell(CarrierWord.INITIATED)

    def rang(self) -> None:
        self._tell(CarrierWord.RINGING)
        if self._reports is not None and self._reports.forwards_after_s is not None:
            self._desk.tasks.start(self._forward(self._reports, self._reports.forwards_after_s))

    def answered(self) -> None:
        self._tell(CarrierWord.ANSWERED)
        if self._reports is not None and self._reports.gives_up_after_s is not None:
            self._desk.tasks.start(self._give_up_the_other(self._reports.gives_up_after_s))

    def over(self, sip_status: str | None = None) -> None:
        """Reports once that the phone call is over, in the way that the ledger has it."""
        if self._over:
            return
        self._over = True
        call = self._call
        by_callee = call.ended_by == "callee"
        if call.answered_at is not None:
            talked_s = (call.ended_at or time.time()) - call.answered_at
            self._tell(CarrierWord.ENDED, by_callee=by_callee, talked_s=talked_s)
            return
        code = call.sip_code or (CANCELLED if call.ended_by == "livekit" else TIMED_OUT)
        self._tell(CarrierWord.FAILED, sip_code=code, sip_status=sip_status or phrase(code), by_callee=by_callee)

    async def _give_up_the_other(self, after_s: float) -> None:
        await self._desk.pace.sleep(after_s)
        self._tell(CarrierWord.FAILED, sip_code=CANCELLED, sip_status=phrase(CANCELLED), by_callee=False)

    async def _forward(self, reports: CarrierReports, after_s: float) -> None:
        await self._desk.pace.sleep(after_s)
        if not self._over and self._call.answered_at is None:
            self._tell(CarrierWord.FORWARDED, forwarded_to=reports.forwards_to, to_voicemail=reports.to_voicemail)

    def _tell(self, word: CarrierWord, **facts: Any) -> None:
        desk, reports = self._desk, self._reports
        if desk.hooks_url is None or reports is None or word not in reports.words:
            return
        event = CarrierEvent(word=word, at=time.time(), number=self._posted, **facts)
        url = f"{desk.hooks_url.rstrip('/')}/hooks/sip/{reports.form}"
        if (parcel := post_of(reports.form, self._carried, event, desk.secrets, url)) is not None:
            self._posted += 1
            self._line.send(parcel)
