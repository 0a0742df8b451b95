"""Ports for servers that start beside each other."""

import socket

from local.tools.loopback import free_port


def test_no_port_is_given_to_two_and_whoever_was_told_one_can_listen_on_it() -> None:
    # So many that two of them would be the same if they were drawn from all that are free.
    ports = [free_port() for _ in range(500)]
    assert len(set(ports)) == len(ports)
    with socket.create_server(("127.0.0.1", ports[0])) as server:
        assert server.getsockname()[1] == ports[0]
