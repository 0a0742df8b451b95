"""A peer's worker, as a process that can be killed: `python -m local.bench.peers.worker KIND SERVER PHONES NAME`. It
dials as many calls side by side as there are lines."""

import sys
import threading
import time
import urllib.request

from local.bench.peers.calls.trace import CAP
from local.bench.peers.kinds import KINDS
from local.bench.peers.kinds.peer import BEAT_S, Peer


def _dial(peer: Peer, phones_url: str, name: str) -> None:
    while True:
        call_id = peer.take(name)
        if call_id is None:
            continue
        request = urllib.request.Request(f"{phones_url}/{name}/{call_id}", method="POST")
        with urllib.request.urlopen(request):
            peer.done(name, call_id)


def main() -> None:
    kind, server, phones_url, name = sys.argv[1:]
    _, made = KINDS[kind]
    peer = made(server)
    peer.beat(name)
    for _ in range(CAP):
        threading.Thread(target=_dial, args=(peer, phones_url, name), daemon=True).start()
    print("ready", flush=True)
    while True:
        time.sleep(BEAT_S)
        peer.beat(name)


if __name__ == "__main__":
    main()
