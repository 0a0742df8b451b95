"""Whoever acts for an account touches its items, and those that belong to nobody, but never another account's."""

from ringline.runtime.table import (
    LIVEKIT_PK,
    OF_THE_DEPLOYMENT,
    WAITING_PK,
    WAITING_PKS,
    account_pk,
    connection_pk,
    room_pk,
    runners_pk,
    trunk_pk,
)
from simulation.kernel.world import World
from simulation.watch.findings import Findings

_TRUNKS = trunk_pk("")
"""What the keys of trunks begin with: they belong to no account."""

_ROOMS = room_pk("")
"""What the keys of rooms begin with that LiveKit has named: only their items tell whose they are."""

_CONNECTIONS = connection_pk("")
"""What the keys of runners' connections begin with: only their items tell whose they are, too."""

_SPEECH_WORKERS = runners_pk(OF_THE_DEPLOYMENT)
"""Where the speech workers are, who speak for every account's calls."""


_WAITING = {WAITING_PK, *WAITING_PKS}


class OwnAccountOnly:
    def __init__(self, world: World, findings: Findings) -> None:
        self._world = world
        self._findings = findings

    def touched(self, pk: str, sk: str) -> None:
        process = self._world.current
        account_id = None if process is None else process.account_id
        if (
            account_id is None
            or pk.startswith((f"{account_pk(account_id)}#", _TRUNKS, _ROOMS, _CONNECTIONS))
            or (pk in _WAITING and sk == account_id)
            or pk in {LIVEKIT_PK, _SPEECH_WORKERS}
        ):
            return
        self._findings.fail("foreign_account", f"{process and process.name} acts for {account_id} and touches {pk}")
