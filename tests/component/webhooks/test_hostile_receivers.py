"""Receivers that misbehave, real ones, and what becomes of their deliveries: each failure is one try that is written
down, the next one has the same bytes, and nobody is led anywhere."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from typing import Any

import pytest

from ringline.webhooks.model.delivery import Delivery, DeliveryStatus
from ringline.webhooks.sending.client import WebhookClient
from tests.component.one_table import LocalAws
from tests.component.webhooks.receivers import Receiver, listening
from tests.component.webhooks.replay_world import ReplayWorld

type Talk = Callable[[socket.socket], None]


def world_of(local: LocalAws, url: str, **seams: Any) -> ReplayWorld:
    """An account whose endpoint is this URL, told of one event by a client that really posts."""
    world = ReplayWorld(local, events=1)
    world.change(url=url)
    world.deliver._client = WebhookClient(**{"allow_private": True, "timeout_s": 0.5} | seams)
    return world


def delivery_of(world: ReplayWorld) -> Delivery:
    delivery = world.deliveries.delivery(world.named(1))
    assert delivery is not None
    return delivery


@contextmanager
def talking(*talks: Talk) -> Iterator[str]:
    """The URL of a server below HTTP, which has something else to say to each who connects, and the last to all that
    follow."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.02)

        def serve() -> None:
            served = 0
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(2)
                    try:
                        connection.recv(65536)
                        talks[min(served, len(talks) - 1)](connection)
                    except OSError:
                        pass  # who was told lies hangs up, as it should
                served += 1

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/hook"
        finally:
            over.set()
            thread.join()


def says(words: bytes) -> Talk:
    return lambda connection: connection.sendall(words)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


TAKEN = says(b"HTTP/1.1 204 No Content\r\n\r\n")
BROKEN = {
    "it hangs up at once": says(b""),
    "it resets": _reset,
    "it stops in the middle of its status": says(b"HTTP/1."),
    "it names no status": says(b"HTTP/1.1 twohundred OK\r\n\r\n"),
    "its status is no status": says(b"HTTP/1.1 99999 OK\r\n\r\n"),
    "it speaks another protocol": says(b"220 mail.example.com ESMTP\r\n"),
    "it refuses and breaks off": says(b"HTTP/1.1 500 Oops\r\ncontent-length: 9000\r\n\r\nno data"),
    "its refusal has a negative chunk": says(b"HTTP/1.1 503 No\r\ntransfer-encoding: chunked\r\n\r\n-1\r\nx"),
}


@pytest.mark.parametrize("talk", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_answer_or_a_broken_one_is_tried_again(local: LocalAws, talk: Talk) -> None:
    with talking(talk, TAKEN) as url:
        world = world_of(local, url)
        world.tell(1)
        failed = delivery_of(world)
        assert (failed.status, failed.attempt_count) == (DeliveryStatus.FAILING, 1)
        assert failed.next_attempt_at == failed.attempts[0].at + failed.attempts[0].duration_ms + 5_000
        assert (failed.attempts[0].status_code is None) is (failed.attempts[0].error is not None)
        world.clock.move(5)
        world.tell(1)
    assert (delivery_of(world).status, delivery_of(world).attempt_count) == (DeliveryStatus.DELIVERED, 2)


LYING = {
    "it is closed before its length": b"content-length: 5000\r\n\r\nthank",
    "it names a negative length": b"content-length: -5\r\n\r\nthanks",
    "it names two lengths": b"content-length: 2\r\ncontent-length: 5000\r\n\r\nok",
    "it has a negative chunk": b"transfer-encoding: chunked\r\n\r\n-1\r\nx",
    "it has a chunk that is no number": b"transfer-encoding: chunked\r\n\r\nlots\r\nx",
    "it breaks off within a chunk": b"transfer-encoding: chunked\r\n\r\nff\r\nx",
}


@pytest.mark.parametrize("behind", LYING.values(), ids=LYING.keys())
def test_a_2xx_whose_body_lies_is_taken(local: LocalAws, behind: bytes) -> None:
    with talking(says(b"HTTP/1.1 200 OK\r\n" + behind)) as url:
        world = world_of(local, url)
        world.tell(1)
    assert (delivery_of(world).status, delivery_of(world).attempt_count) == (DeliveryStatus.DELIVERED, 1)


def test_every_try_of_a_flaky_receiver_has_the_same_bytes_and_id_and_a_signature_of_its_own(local: LocalAws) -> None:
    with listening(Receiver(status=500)) as receiver:
        world = world_of(local, receiver.url())
        for status in (500, 429, 302, 200):
            receiver.status = status
            world.tell(1)
            world.clock.move(4 * 3600)
    first, *others = receiver.received
    assert len(others) == 3
    assert {each.body for each in others} == {first.body}
    assert {each.headers["webhook-id"] for each in others} == {first.headers["webhook-id"]}
    signatures = {each.headers["webhook-signature"] for each in receiver.received}
    assert len(signatures) == 4, "each try is signed at its own moment"
    assert [each.status_code for each in delivery_of(world).attempts] == [500, 429, 302, 200]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_nobody_anywhere(local: LocalAws, status: int) -> None:
    with listening(Receiver()) as goal, listening(Receiver(status, {"location": goal.url()})) as receiver:
        world = world_of(local, receiver.url())
        world.tell(1)
    assert (len(receiver.received), goal.received) == (1, [])
    assert delivery_of(world).status is DeliveryStatus.FAILING


@pytest.mark.parametrize(
    ("retry_after", "waits_s"),
    [("120", 120), ("2", 5), ("-1", 5), ("99999999999999999999", 24 * 3600), ("soon", 5), ("1e9", 5), ("", 5)],
)
def test_a_429_is_obeyed_up_to_a_day_and_no_shorter_than_the_schedule(
    local: LocalAws, retry_after: str, waits_s: int
) -> None:
    with listening(Receiver(429, {"retry-after": retry_after})) as receiver:
        world = world_of(local, receiver.url())
        world.tell(1)
    (attempt,) = delivery_of(world).attempts
    assert delivery_of(world).next_attempt_at == attempt.at + attempt.duration_ms + waits_s * 1000


def test_a_429_that_names_a_moment_is_obeyed(local: LocalAws) -> None:
    with listening(Receiver(429)) as receiver:
        world = world_of(local, receiver.url())
        receiver.headers = {"retry-after": formatdate(world.clock() / 1000 + 600, usegmt=True)}
        world.tell(1)
    wait_ms = (delivery_of(world).next_attempt_at or 0) - world.clock()
    assert 599_000 <= wait_ms <= 600_000


def test_410_is_the_last_try_of_all(local: LocalAws) -> None:
    with listening(Receiver(410)) as receiver:
        world = world_of(local, receiver.url())
        world.tell(1)
        world.happen()
        world.tell(1, 2)
        world.work(120)
    assert len(receiver.received) == 1
    assert delivery_of(world).status is DeliveryStatus.GAVE_UP
    assert not world.endpoint.is_enabled


def test_a_receiver_on_ipv6_is_told(local: LocalAws) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        got: list[bytes] = []

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                got.append(connection.recv(65536))
                TAKEN(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        world = world_of(local, f"http://[::1]:{port}/hook", timeout_s=5)
        world.tell(1)
        thread.join()
    assert delivery_of(world).status is DeliveryStatus.DELIVERED
    assert f"host: [::1]:{port}\r\n".encode() in got[0]


def test_a_name_that_turns_inward_at_its_second_look_reaches_nobody(local: LocalAws) -> None:
    """The first try goes to where the name leads then, and fails there; the next one is checked anew."""
    answers = iter(["93.184.215.14", "127.0.0.1", "169.254.169.254"])
    met: list[str] = []

    def resolve(_host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(_family: int, address: tuple[Any, ...], _timeout_s: float) -> socket.socket:
        met.append(address[0])
        raise ConnectionRefusedError

    with listening(Receiver()) as receiver:
        url = f"https://hooks.example.com:{receiver.port}/"
        world = world_of(local, url, allow_private=False, resolve=resolve, connect=connect)
        for _ in range(3):
            world.tell(1)
            world.clock.move(4 * 3600)
    assert (met, receiver.received) == (["93.184.215.14"], [])
    assert [each.error for each in delivery_of(world).attempts] == [
        "not_connected", "address_refused", "address_refused",
    ]  # fmt: skip
