"""Ports and URLs of this machine: a port that nobody uses, and whether a server answers."""

import socket
import urllib.error
import urllib.request


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses, and that nobody gets for the next minute who asks for any free one: whoever
    was told to listen on it has so long to start, while others start beside it.

    A connection has ended on it, and the system keeps such a port for whoever names it (TIME_WAIT).
    """
    with socket.create_server(("127.0.0.1", 0)) as door:
        address = door.getsockname()
        with socket.create_connection(address):
            # The port is kept on the side that hangs up first.
            door.accept()[0].close()
    return int(address[1])


def ask(method: str, url: str, authorization: str | None = None) -> int:
    """The status that a URL answers with; 0 if nobody answers."""
    headers = {} if authorization is None else {"Authorization": authorization}
    request = urllib.request.Request(url, method=method, data=b"" if method == "POST" else None, headers=headers)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except OSError:
        return 0
