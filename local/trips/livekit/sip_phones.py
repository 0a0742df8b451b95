"""Telephones on this machine, one UDP port for all of them: the number that is dialled says how its phone behaves."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.trips.livekit.sip_message import (
    LOOPBACK,
    Dialog,
    Message,
    a_tag,
    cancel_of,
    media_address,
    response,
    sdp,
    uri_of,
    user_of,
)
from local.trips.livekit.sound import Sound

_RINGS_AGAIN_EVERY_S = 0.5
_ALLOWED = ("allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, REFER, NOTIFY")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a phone behaves: it answers, or refuses with another `status`, `after_s`; None does neither."""

    after_s: float | None = 1.0
    rings: bool = True
    status: int = 200
    phrase: str = "OK"
    hangs_up_after_s: float | None = None
    refer: tuple[int, str] = (200, "OK")
    """What becomes of a transfer that is asked of it."""
    says: bytes = b""
    says_after_s: float = 2.0


@dataclass(slots=True)
class PhoneCall:
    """One call of one phone, and what it saw of it."""

    number: str
    invite: Message
    tag: str = field(default_factory=a_tag)
    dialog: Dialog | None = None
    sound: Sound | None = None
    seen: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    is_final: bool = False


class Phones(asyncio.DatagramProtocol):
    """Open them with `opened`, and `close` them. `calls` are all that came and went, oldest first."""

    def __init__(self, manners: Mapping[str, Manner], voice: bytes) -> None:
        self._manners = manners
        self.voice = voice
        """Something to say."""
        self._transport: asyncio.DatagramTransport | None = None
        self._by_id: dict[str, PhoneCall] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.calls: list[PhoneCall] = []

    @classmethod
    async def opened(cls, manners: Mapping[str, Manner], voice: bytes) -> "Phones":
        loop = asyncio.get_running_loop()
        _, phones = await loop.create_datagram_endpoint(lambda: cls(manners, voice), local_addr=(LOOPBACK, 0))
        return phones

    @property
    def port(self) -> int:
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def of(self, number: str) -> list[PhoneCall]:
        return [call for call in self.calls if call.number == number]

    async def close(self) -> None:
        for call in self.calls:
            await self._end(call)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert self._transport is not None
        self._transport.close()

    # ------------------------------------------------------------ a call of ours

    async def ring_in(self, bridge: tuple[str, int], caller: str, dialled: str) -> PhoneCall:
        """A phone calls the bridge. Returns at once."""
        sound = await Sound.opened(LOOPBACK)
        dialog = Dialog(
            call_id=a_tag() * 2,
            ours=f"<sip:{caller}@{LOOPBACK}:{self.port}>;tag={a_tag()}",
            theirs=f"<sip:{dialled}@{bridge[0]}:{bridge[1]}>",
            target=f"sip:{dialled}@{bridge[0]}:{bridge[1]}",
            port=self.port,
            number=0,
        )
        invite = dialog.request("INVITE", [("content-type", "application/sdp"), _ALLOWED], sdp(sound.port))
        call = PhoneCall(caller, invite, dialog=dialog, sound=sound)
        self._by_id[dialog.call_id] = call
        self.calls.append(call)
        self._send(invite, bridge)
        return call

    def hang_up(self, call: PhoneCall, bridge: tuple[str, int]) -> None:
        """Takes the call back, or ends it."""
        assert call.dialog is not None
        if call.answered.is_set():
            self._send(call.dialog.request("BYE"), _address(call.dialog.target) or bridge)
        else:
            self._send(cancel_of(call.invite), bridge)
        call.seen.append("hangs up")

    # ------------------------------------------------------------ what comes

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if not data.strip():
            return
        message = Message.read(data)
        call = self._by_id.get(message["call-id"])
        if message.is_response:
            if call is not None:
                self._response(call, message, addr)
        elif message.method == "INVITE" and call is None:
            self._begin(self._ring(message, addr))
        elif call is not None:
            self._request(call, message, addr)
        elif message.method != "ACK":
            self._send(response(message, 481 if message.method != "OPTIONS" else 200, "Whose", a_tag()), addr)

    def _request(self, call: PhoneCall, message: Message, addr: Any) -> None:
        if message.method == "INVITE":
            return  # sent again because an answer was lost
        if message.method != "ACK":
            call.seen.append(message.method)
        if message.method == "BYE":
            self._send(response(message, 200, "OK", call.tag), addr)
            self._begin(self._end(call))
        elif message.method == "CANCEL":
            self._send(response(message, 200, "OK", call.tag), addr)
            if not call.is_final:
                call.is_final = True
                self._send(response(call.invite, 487, "Request Terminated", call.tag), addr)
            self._begin(self._end(call))
        elif message.method == "REFER":
            self._send(response(message, 202, "Accepted", call.tag), addr)
            self._begin(self._refer(call, message, addr))
        elif message.method != "ACK":
            self._send(response(message, 200, "OK", call.tag), addr)

    def _response(self, call: PhoneCall, message: Message, addr: Any) -> None:
        if message.method != "INVITE" or call.dialog is None:
            return
        call.seen.append(str(message.status))
        if message.status < 200:
            return
        call.dialog.theirs = message["to"]
        if message.status < 300:
            call.dialog.target = uri_of(message["contact"]) or call.dialog.target
            assert call.sound is not None
            call.sound.target = media_address(message.body)
        self._send(call.dialog.ack(call.invite, message), addr)
        if message.status < 300:
            call.answered.set()
        else:
            self._begin(self._end(call))

    # ------------------------------------------------------------ what a phone does

    async def _ring(self, invite: Message, addr: Any) -> None:
        number = user_of(invite["to"])
        manner = self._manners.get(number, Manner(status=404, phrase="Not Found", rings=False, after_s=0.0))
        call = PhoneCall(number, invite, seen=["INVITE"])
        self._by_id[invite["call-id"]] = call
        self.calls.append(call)
        self._send(response(invite, 100, "Trying", call.tag), addr)
        contact = ("contact", f"<sip:{number}@{LOOPBACK}:{self.port}>")
        if manner.rings:
            self._send(response(invite, 180, "Ringing", call.tag, [contact]), addr)
        if manner.after_s is None:
            return
        await asyncio.sleep(manner.after_s)
        if call.is_final:
            return
        call.is_final = True
        if manner.status >= 300:
            self._send(response(invite, manner.status, manner.phrase, call.tag), addr)
            call.over.set()
            return
        call.sound = await Sound.opened(LOOPBACK)
        call.sound.target = media_address(invite.body)
        call.dialog = Dialog(
            invite["call-id"], f"{invite['to']};tag={call.tag}", invite["from"], uri_of(invite["contact"]), self.port
        )
        described = [contact, _ALLOWED, ("content-type", "application/sdp")]
        self._send(response(invite, 200, "OK", call.tag, described, sdp(call.sound.port)), addr)
        call.answered.set()
        if manner.says:
            await asyncio.sleep(manner.says_after_s)
            call.sound.say(manner.says)
        if manner.hangs_up_after_s is not None:
            await asyncio.sleep(manner.hangs_up_after_s)
            if not call.over.is_set():
                self._send(call.dialog.request("BYE"), addr)
                call.seen.append("hangs up")
                await self._end(call)

    async def _refer(self, call: PhoneCall, refer: Message, addr: Any) -> None:
        """Tells how the transfer went; the phone itself hangs up on one that went well."""
        status, phrase = self._manners[call.number].refer if call.number in self._manners else (200, "OK")
        call.seen.append(f"refer-to {user_of(refer['refer-to'])}")
        assert call.dialog is not None
        for code, word, state in ((100, "Trying", "active"), (status, phrase, "terminated;reason=noresource")):
            extra = [
                ("event", "refer"),
                ("subscription-state", state),
                ("content-type", "message/sipfrag;version=2.0"),
            ]
            self._send(call.dialog.request("NOTIFY", extra, f"SIP/2.0 {code} {word}\r\n"), addr)
            await asyncio.sleep(0.5)

    async def _end(self, call: PhoneCall) -> None:
        call.over.set()
        if call.sound is not None:
            await call.sound.close()

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _send(self, message: Message, addr: Any) -> None:
        assert self._transport is not None
        self._transport.sendto(message.octets(), addr)


def _address(uri: str) -> tuple[str, int] | None:
    host, _, port = uri.partition("@")[2].partition(";")[0].partition(":")
    return (host, int(port or 5060)) if host else None
