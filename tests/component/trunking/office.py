"""An account that brings trunks and numbers, with a table in this process and a LiveKit that does as it is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

from ringline.routing.records import Agent, Pipe
from ringline.routing.store import RoutingStore
from ringline.runtime.vault.row_secrets import NUMBER as OF_NUMBER
from ringline.runtime.vault.row_secrets import RowSecrets
from ringline.runtime.vault.sealed import Sealer
from ringline.runtime.web.problems import invalid_field
from ringline.trunking.callers import CallerRules
from ringline.trunking.linking import Linking
from ringline.trunking.model.lines import CarrierTrunk
from ringline.trunking.numbers import Numbers
from ringline.trunking.sync import Sync
from ringline.trunking.tables.links import Links
from ringline.trunking.tables.numbers import NumberRows
from ringline.trunking.tables.trunks import TrunkStore
from ringline.trunking.trunks import Trunks
from ringline.webhooks.addresses import host_fault, url_fault
from ringline.webhooks.model.endpoint import new_webhook_secret
from tests.component.one_table import LocalAws, local_aws
from tests.component.trunking.livekit import FakeLivekit
from tests.fakes import HandClock

ACCOUNT, OTHER = "acct_1", "acct_2"
NUMBER = "+15550100777"
CARRIER = {
    "name": "Carrier",
    "type": "byo",
    "provider": "lab",
    "sip_domain": "sip.carrier.example",
    "auth_username": "acme",
    "transport": "tls",
}


class PlainSealer:
    """Seals so that a wrong account or trunk shows."""

    def seal(self, account_id: str, trunk_id: str, password: str) -> str:
        return f"{account_id}/{trunk_id}/{password[::-1]}"

    def open(self, account_id: str, trunk_id: str, sealed: str) -> str:
        account, trunk, password = sealed.split("/")
        assert (account, trunk) == (account_id, trunk_id)
        return password[::-1]


@dataclass(frozen=True, slots=True)
class Office:
    aws: LocalAws
    livekit: FakeLivekit
    clock: HandClock
    numbers: Numbers
    sync: Sync
    limits: list[tuple[object, ...]]
    left: list[str]
    """The accounts that were about to give up a number."""

    @property
    def trunks(self) -> Trunks:
        return self.numbers.trunks

    @property
    def routing(self) -> RoutingStore:
        return self.numbers.routing

    @property
    def links(self) -> Links:
        return self.trunks.linking.links

    def a_trunk(self, account_id: str = ACCOUNT, **said: Any) -> CarrierTrunk:
        trunk, _ = self.trunks.create(account_id, {**CARRIER, **said}, "secret")
        return trunk


@contextmanager
def an_office(stack: str = "ringline/test") -> Iterator[Office]:
    with local_aws() as aws:
        yield office_on(aws, FakeLivekit(), stack)


def office_on(aws: LocalAws, livekit: FakeLivekit, stack: str) -> Office:
    clock, log = HandClock(), Logger(service="test")
    routing = RoutingStore(aws.dynamodb, aws.table_name)
    for account_id in (ACCOUNT, OTHER):
        for agent_id in ("front-desk", "sales"):
            routing.put_agent(account_id, Agent(agent_id=agent_id, name=agent_id))
        routing.put_pipe(account_id, Pipe(pipe_id="pipe_1", name="Outbound", agent_id="front-desk"))

    def check_host(host: str) -> None:
        fault = host_fault(host, allow_private=False)
        if fault is not None:
            raise invalid_field("sip_domain", fault)

    trunks = Trunks(
        store=TrunkStore(aws.dynamodb, aws.table_name),
        routing=routing,
        linking=Linking(Links(aws.dynamodb, aws.table_name, clock), PlainSealer(), stack, log),
        ask=livekit.ask,
        deployment_trunk="ST_deployment",
        check_host=check_host,
        clock=clock,
        log=log,
    )

    def check_url(name: str, url: str) -> None:
        fault = url_fault(url, allow_private=False)
        if fault is not None:
            raise invalid_field(name, fault)

    rows = NumberRows(aws.dynamodb, aws.table_name)
    limits: list[tuple[object, ...]] = []
    left: list[str] = []
    numbers = Numbers(
        rows=rows,
        routing=routing,
        trunks=trunks,
        callers=CallerRules(routing=routing, check_url=check_url, new_secret=new_webhook_secret),
        secrets=RowSecrets(lambda: Sealer(lambda: ("k" * 40,)), OF_NUMBER),
        set_limits=lambda *said: limits.append(said),
        number_leaves=left.append,
        clock=clock,
        log=log,
    )
    return Office(aws, livekit, clock, numbers, Sync(numbers=numbers, clock=clock, log=log), limits, left)
