"""The client that posts webhooks, against real servers on this machine."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ringline.webhooks.model.delivery import Phase
from ringline.webhooks.sending.client import Answered, Failure, Unanswered, WebhookClient
from tests.component.webhooks.receivers import Receiver, listening

HEADERS = {"content-type": "application/json", "webhook-id": "msg_1"}


def inside(**seams: Any) -> WebhookClient:
    return WebhookClient(allow_private=True, **seams)


def resolving_to(*addresses: str) -> Callable[..., list[Any]]:
    """A resolver that knows one answer for every name."""

    def resolve(_host: str, port: int, **_hints: Any) -> list[Any]:
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port, 0, 0) if ":" in address else (address, port),
            )
            for address in addresses
        ]

    return resolve


def test_it_posts_the_very_bytes_and_reports_the_status() -> None:
    with listening(Receiver(status=202)) as receiver:
        assert inside().post(receiver.url(), HEADERS, b'{"a":"\xc3\xab"}') == Answered(202)
    (received,) = receiver.received
    assert (received.path, received.body) == ("/hooks?tenant=1", b'{"a":"\xc3\xab"}')
    assert received.headers["webhook-id"] == "msg_1"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"


def test_it_tells_of_retry_after() -> None:
    with listening(Receiver(status=503, headers={"retry-after": "120"})) as receiver:
        assert inside().post(receiver.url(), HEADERS, b"{}") == Answered(503, "120")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_reported_and_not_followed(status: int) -> None:
    with listening(Receiver()) as goal:
        with listening(Receiver(status=status, headers={"location": goal.url()})) as receiver:
            assert inside().post(receiver.url(), HEADERS, b"{}") == Answered(status)
    assert goal.received == []


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "::1", "::ffff:127.0.0.1", "fd00:ec2::254"]
)
def test_a_name_that_resolves_inward_is_never_connected_to(address: str) -> None:
    connected: list[object] = []

    def connect(_family: int, address: tuple[Any, ...], _timeout_s: float) -> socket.socket:
        connected.append(address)
        raise OSError

    client = WebhookClient(allow_private=False, resolve=resolving_to(address), connect=connect)
    assert client.post("https://hooks.example.com/", HEADERS, b"{}") == Unanswered(Failure.ADDRESS_REFUSED)
    assert connected == []


def test_a_name_that_was_public_and_turns_private_reaches_nobody() -> None:
    answers = iter(["93.184.215.14", "127.0.0.1"])
    dialled: list[str] = []

    def rebinding(host: str, port: int, **hints: Any) -> list[Any]:
        return resolving_to(next(answers))(host, port, **hints)

    def connect(_family: int, address: tuple[Any, ...], _timeout_s: float) -> socket.socket:
        dialled.append(address[0])
        raise ConnectionRefusedError

    client = WebhookClient(allow_private=False, resolve=rebinding, connect=connect)
    assert client.post("https://rebind.example.com/", HEADERS, b"{}") == Unanswered(Failure.NOT_CONNECTED)
    assert client.post("https://rebind.example.com/", HEADERS, b"{}") == Unanswered(Failure.ADDRESS_REFUSED)
    # One look-up per try, and the connection goes to what was looked at: there is no second answer to be fooled by.
    assert dialled == ["93.184.215.14"]


def test_an_address_that_is_public_by_name_and_private_when_met_gets_no_byte() -> None:
    with listening(Receiver()) as receiver:

        def connect_elsewhere(family: int, _address: tuple[Any, ...], timeout_s: float) -> socket.socket:
            return socket.create_connection(("127.0.0.1", receiver.port), timeout_s)

        client = WebhookClient(allow_private=False, resolve=resolving_to("93.184.215.14"), connect=connect_elsewhere)
        answer = client.post(receiver.url("hooks.example.com", "https"), HEADERS, b"{}")
    assert answer == Unanswered(Failure.ADDRESS_REFUSED)
    assert receiver.received == []


def test_of_several_addresses_only_public_ones_are_tried() -> None:
    dialled: list[str] = []

    def connect(_family: int, address: tuple[Any, ...], _timeout_s: float) -> socket.socket:
        dialled.append(address[0])
        raise ConnectionRefusedError

    resolve = resolving_to("10.0.0.1", "93.184.215.14", "::1", "2606:2800:21f:cb07:6820:80da:af6b:8b2c")
    client = WebhookClient(allow_private=False, resolve=resolve, connect=connect)
    assert client.post("https://mixed.example.com/", HEADERS, b"{}") == Unanswered(Failure.NOT_CONNECTED)
    assert dialled == ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]


@pytest.mark.parametrize("url", ["http://93.184.215.14/", "https://127.0.0.1/", "https://u:p@example.com/", "nonsense"])
def test_a_url_with_a_fault_is_not_even_resolved(url: str) -> None:
    def resolve(*_: Any, **__: Any) -> list[Any]:
        raise AssertionError("resolved")

    client = WebhookClient(allow_private=False, resolve=resolve)
    assert client.post(url, HEADERS, b"{}") == Unanswered(Failure.URL_REFUSED)


def test_a_dead_address_is_passed_over_for_a_living_one() -> None:
    with listening(Receiver()) as receiver:
        client = inside(resolve=resolving_to("::1", "127.0.0.1"))
        assert client.post(receiver.url("hooks.example.com"), HEADERS, b"{}") == Answered(200)
    assert receiver.received[0].headers["host"] == f"hooks.example.com:{receiver.port}"


def test_a_closed_port_is_not_connected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert inside().post(f"http://127.0.0.1:{port}/", HEADERS, b"{}") == Unanswered(Failure.NOT_CONNECTED)


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")])
def test_a_name_nobody_knows_is_not_resolved(error: Exception) -> None:
    def resolve(*_: Any, **__: Any) -> list[Any]:
        raise error

    client = inside(resolve=resolve)
    assert client.post("https://nobody.example.com/", HEADERS, b"{}") == Unanswered(Failure.NAME_NOT_RESOLVED)


@contextmanager
def raw_server(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A server below HTTP: `talk` gets the connection and an event that is set when the test is over."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    talk(connection, over)
                except OSError:
                    pass  # the client hung up, as it should

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            thread.join()


def _say_nothing(_connection: socket.socket, over: threading.Event) -> None:
    over.wait()


def _drip(connection: socket.socket, over: threading.Event) -> None:
    """A header line that never ends, a byte at a time: each byte comes well within any socket's own time-out."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while not over.wait(0.01):
        connection.sendall(b"a")


@pytest.mark.parametrize("talk", [_say_nothing, _drip])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_takes_its_time_is_cut_off(
    scheme: str, talk: Callable[[socket.socket, threading.Event], None]
) -> None:
    # A drip of plain text is no TLS, which is found out at once, and must not be cut off before on a busy machine.
    slow_tls = scheme == "https" and talk is _drip
    with raw_server(talk) as port:
        answer = inside(timeout_s=20 if slow_tls else 0.2).post(f"{scheme}://127.0.0.1:{port}/", HEADERS, b"{}")
    assert answer == Unanswered(Failure.TLS_FAILED if slow_tls else Failure.TIMED_OUT)


def test_a_failure_says_how_far_the_exchange_had_come() -> None:
    def phase_of(url: str, **seams: Any) -> Phase | None:
        answer = inside(timeout_s=0.3, **seams).post(url, HEADERS, b"x" * 8_000_000)
        assert isinstance(answer, Unanswered)
        return answer.phase

    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(-2, "unknown")

    def hang_up(_connection: socket.socket, _over: threading.Event) -> None:
        """Closes with everything unread: the client is reset while it still sends."""

    def listen_only(connection: socket.socket, _over: threading.Event) -> None:
        while connection.recv(1_000_000):
            pass

    assert phase_of("nonsense") is Phase.URL
    assert phase_of("https://nobody.example.com/", resolve=unknown) is Phase.DNS
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert phase_of(f"http://127.0.0.1:{port}/") is Phase.CONNECT
    with raw_server(_say_nothing) as port:
        assert phase_of(f"https://127.0.0.1:{port}/") is Phase.TLS
    with raw_server(hang_up) as port:
        assert phase_of(f"http://127.0.0.1:{port}/") is Phase.WRITE
    with raw_server(listen_only) as port:
        assert phase_of(f"http://127.0.0.1:{port}/") is Phase.READ


def test_the_beginning_of_a_body_that_broke_off_is_kept() -> None:
    def talk(connection: socket.socket, _over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 500 Oops\r\ncontent-length: 5000\r\n\r\nno database")

    with raw_server(talk) as port:
        answer = inside().post(f"http://127.0.0.1:{port}/", HEADERS, b"{}")
    assert isinstance(answer, Answered) and answer.body == b"no database"


def test_a_body_without_end_is_read_to_4_kb_and_left() -> None:
    def pour(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while not over.is_set():
            connection.sendall(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")

    with raw_server(pour) as port:
        assert inside().post(f"http://127.0.0.1:{port}/", HEADERS, b"{}") == Answered(200)


_POURED = 64 * 1024 * 1024


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n", Answered(200)),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7fffffffffffffff\r\n", Answered(200)),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", Answered(200)),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", Answered(200)),
        (b"HTTP/1.1 200 OK\r\n" + b"x-many: 1\r\n" * 80 + b"x-long: ", Unanswered(Failure.ANSWER_TOO_LONG)),
        (b"HTTP/1.1 100 Continue\r\n\r\n", Unanswered(Failure.ANSWER_TOO_LONG)),
    ],
    ids=["chunk of -1", "chunk without end", "length of -1", "length of 100 GB", "header without end", "only 100"],
)
def test_only_so_much_is_taken_whatever_lengths_are_named(head: bytes, expected: Answered | Unanswered) -> None:
    poured = 0

    def pour(connection: socket.socket, _over: threading.Event) -> None:
        nonlocal poured
        connection.recv(65536)
        connection.sendall(head)
        while poured < _POURED:
            poured += connection.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000 if b"100" in head[:12] else b"x" * 65536)

    with raw_server(pour) as port:
        assert inside().post(f"http://127.0.0.1:{port}/", HEADERS, b"{}") == expected
    # What the system's own buffers took beyond it was never read.
    assert poured < _POURED


def test_a_resolver_that_takes_its_time_is_left_behind() -> None:
    over = threading.Event()

    def resolve(*_: Any, **__: Any) -> list[Any]:
        over.wait()
        raise socket.gaierror(-3, "late")

    answer = inside(resolve=resolve, timeout_s=0.2).post("https://slow.example.com/", HEADERS, b"{}")
    over.set()
    assert answer == Unanswered(Failure.TIMED_OUT)


@pytest.mark.parametrize("error", [RuntimeError("odd"), AssertionError(), IndexError(), MemoryError()])
def test_whatever_goes_wrong_is_an_attempt_that_is_written_down(error: Exception) -> None:
    def connect(*_: Any) -> socket.socket:
        raise error

    client = inside(resolve=resolving_to("127.0.0.1"), connect=connect)
    assert client.post("http://odd.example.com/", HEADERS, b"{}") == Unanswered(Failure.NO_HTTP_ANSWER)


@pytest.mark.parametrize("words", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_does_not_speak_http_gives_no_answer(words: bytes) -> None:
    def talk(connection: socket.socket, _over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(words)

    with raw_server(talk) as port:
        answer = inside().post(f"http://127.0.0.1:{port}/", HEADERS, b"{}")
    assert answer == Unanswered(Failure.NO_HTTP_ANSWER)


def test_tls_is_verified_against_the_name_and_not_the_address(tmp_path: Path) -> None:
    server_side, trust = _certificate_for("hooks.example.com", tmp_path)
    with listening(Receiver(), tls=server_side) as receiver:
        client = inside(resolve=resolving_to("127.0.0.1"), tls=trust)
        assert client.post(receiver.url("hooks.example.com", "https"), HEADERS, b"{}") == Answered(200)
        wrong_name = client.post(receiver.url("other.example.com", "https"), HEADERS, b"{}")
        untrusted = inside(resolve=resolving_to("127.0.0.1")).post(
            receiver.url("hooks.example.com", "https"), HEADERS, b"{}"
        )
    assert wrong_name == untrusted == Unanswered(Failure.TLS_FAILED)
    assert len(receiver.received) == 1


def _certificate_for(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS with a fresh self-signed certificate, and a client's that trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    encoded_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(pem + encoded_key)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(path)
    return server_side, ssl.create_default_context(cadata=pem.decode())
