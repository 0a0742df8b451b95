"""SIP over UDP (RFC 3261), as much of it as a telephone on this machine needs: messages, read and written."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"
_SHORT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response. `headers` by their names in lower case, in their order."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: str = ""

    @classmethod
    def read(cls, octets: bytes) -> "Message":
        head, _, body = octets.decode("utf-8", "replace").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        headers = []
        for line in lines:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            headers.append((_SHORT.get(name, name), value.strip()))
        return cls(start, tuple(headers), body)

    def octets(self) -> bytes:
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        lines.append(f"content-length: {len(self.body.encode())}")
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each == name]

    def __getitem__(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def is_response(self) -> bool:
        return self.start.startswith("SIP/2.0 ")

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    @property
    def method(self) -> str:
        """Of a response, the method that it answers."""
        return self["cseq"].split(" ")[-1] if self.is_response else self.start.split(" ")[0]


def a_tag() -> str:
    return secrets.token_hex(6)


def user_of(address: str) -> str:
    """`+1555` of `"X" <sip:+1555@host>;tag=1`, or of `<tel:+1555>`."""
    return uri_of(address).partition(":")[2].partition("@")[0]


def uri_of(address: str) -> str:
    """What stands between the angle brackets, or else before the parameters."""
    return address.partition("<")[2].partition(">")[0] if "<" in address else address.partition(";")[0]


@dataclass(slots=True)
class Dialog:
    """One call between this telephone and another end, as requests within it need it."""

    call_id: str
    ours: str
    theirs: str
    target: str
    """The URI that requests go to."""
    port: int
    """This telephone's."""
    number: int = field(default=1)

    def request(self, method: str, extra: Iterable[tuple[str, str]] = (), body: str = "") -> Message:
        """The next request of this side."""
        self.number += 1
        return Message(
            f"{method} {self.target} SIP/2.0",
            (
                ("via", f"SIP/2.0/UDP {LOOPBACK}:{self.port};branch=z9hG4bK{a_tag()};rport"),
                ("max-forwards", "70"),
                ("from", self.ours),
                ("to", self.theirs),
                ("call-id", self.call_id),
                ("cseq", f"{self.number} {method}"),
                ("contact", f"<sip:phone@{LOOPBACK}:{self.port}>"),
                *extra,
            ),
            body,
        )

    def ack(self, invite: Message, answer: Message) -> Message:
        """For the final answer to this side's INVITE. Of a refusal, it is a part of the INVITE's own transaction."""
        self.number -= 1
        made = self.request("ACK")
        via = invite["via"] if answer.status >= 300 else made["via"]
        own = {"via": via, "cseq": invite["cseq"].replace("INVITE", "ACK")}
        return Message(made.start, tuple((name, own.get(name, value)) for name, value in made.headers))


def cancel_of(invite: Message) -> Message:
    """Takes an INVITE back that has no final answer yet."""
    kept = [(name, value) for name, value in invite.headers if name not in {"content-type", "contact"}]
    return Message(
        invite.start.replace("INVITE", "CANCEL", 1),
        tuple((name, value.replace("INVITE", "CANCEL") if name == "cseq" else value) for name, value in kept),
    )


def response(
    request: Message, status: int, phrase: str, tag: str, extra: Iterable[tuple[str, str]] = (), body: str = ""
) -> Message:
    """An answer to a request. `tag` is the telephone's own in the dialog."""
    to = request["to"] if "tag=" in request["to"] or status == 100 else f"{request['to']};tag={tag}"
    return Message(
        f"SIP/2.0 {status} {phrase}",
        (
            *(("via", via) for via in request.all("via")),
            *(("record-route", route) for route in request.all("record-route")),
            ("from", request["from"]),
            ("to", to),
            ("call-id", request["call-id"]),
            ("cseq", request["cseq"]),
            *extra,
        ),
        body,
    )


def sdp(rtp_port: int) -> str:
    """Mu-law at 8 kHz, and nothing else."""
    return "\r\n".join(
        [
            "v=0", f"o=- 1 1 IN IP4 {LOOPBACK}", "s=-", f"c=IN IP4 {LOOPBACK}", "t=0 0",
            f"m=audio {rtp_port} RTP/AVP 0 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000",
            "a=ptime:20", "a=sendrecv", "",
        ]
    )  # fmt: skip


def media_address(description: str) -> tuple[str, int] | None:
    """Where a session description wants its audio."""
    host, port = "", 0
    for line in description.splitlines():
        if line.startswith("c=IN IP4 "):
            host = line.split(" ")[2].partition("/")[0]
        elif line.startswith("m=audio "):
            port = int(line.split(" ")[1])
    return (host, port) if host and port else None
