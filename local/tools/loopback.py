"""Ports and URLs of this machine: a port that nobody uses, and whether a server answers."""

import socket
import urllib.error
import urllib.request


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
