"""Numbers and trunks."""

from collections.abc import Awaitable, Callable

from aws_lambda_powertools import Logger

from ringline.accounts.tables.allowances import Allowances
from ringline.calls.capacity.counters import Kind
from ringline.calls.model.timing import NUMBER_LEAVES_WITHIN_S, ms
from ringline.calls.progress.set_cap import SetCap
from ringline.calls.tables.store import TableContended
from ringline.resources.lines.numbers import NumberRoutes
from ringline.resources.lines.platform import PlatformRoutes
from ringline.resources.lines.trunks import TrunkRoutes
from ringline.routing.store import RoutingStore
from ringline.runtime import aws
from ringline.runtime.clock import Clock
from ringline.runtime.settings import SettingsModel, optional, required
from ringline.runtime.vault.kept import sealer
from ringline.runtime.vault.row_secrets import NUMBER, RowSecrets
from ringline.runtime.web.problems import Problem, invalid_field
from ringline.telephony.livekit_settings import LivekitSettings, stack_mark
from ringline.trunking.callers import CallerRules
from ringline.trunking.linking import Linking
from ringline.trunking.model.lines import SipService
from ringline.trunking.numbers import Numbers
from ringline.trunking.sealing import KmsSealer
from ringline.trunking.sync import Sync
from ringline.trunking.tables.links import Links
from ringline.trunking.tables.numbers import NumberRows
from ringline.trunking.tables.trunks import TrunkStore
from ringline.trunking.trunks import Trunks
from ringline.webhooks.addresses import host_fault, url_fault
from ringline.webhooks.model.endpoint import new_webhook_secret


class LineSettings(SettingsModel):
    """`stack` names this deployment in what it makes at LiveKit; `key_id` is the KMS key of carriers' passwords."""

    stack: str = required("STACK_ID")
    key_id: str = required("TRUNK_KEY_ID")
    sip_trunk_id: str = optional("SIP_TRUNK_ID")


def line_resources(
    settings: LineSettings,
    livekit: LivekitSettings,
    table: str,
    cap: SetCap,
    read_number: Callable[[str, str], str],
    *,
    allow_private: bool,
    clock: Clock,
    log: Logger,
) -> tuple[NumberRoutes | TrunkRoutes | PlatformRoutes, ...]:
    dynamodb = aws.dynamodb()
    routing, allowances = RoutingStore(dynamodb, table), Allowances(dynamodb, table)
    linking = Linking(
        Links(dynamodb, table, clock), KmsSealer(aws.kms, settings.key_id), stack_mark(settings.stack), log
    )

    def check_host(host: str) -> None:
        fault = host_fault(host, allow_private=allow_private)
        if fault is not None:
            raise invalid_field("sip_domain", fault)

    trunks = Trunks(
        store=TrunkStore(dynamodb, table),
        routing=routing,
        linking=linking,
        ask=_AskLivekit(livekit),
        deployment_trunk=settings.sip_trunk_id,
        check_host=check_host,
        clock=clock,
        log=log,
    )

    def set_limits(account_id: str, number: str, max_calls: int | None, calls_per_day: int | None) -> None:
        try:
            cap.run(account_id, Kind.NUMBER, number, max_calls, calls_per_day)
        except TableContended:
            title = "The number's limits were not set; ask again"
            raise Problem(503, "contended", title) from None

    def number_leaves(account_id: str) -> None:
        allowances.set(account_id, {"numbers_left_at": clock() + ms(NUMBER_LEAVES_WITHIN_S)})

    def check_url(name: str, url: str) -> None:
        fault = url_fault(url, allow_private=allow_private)
        if fault is not None:
            raise invalid_field(name, fault)

    numbers = Numbers(
        rows=NumberRows(dynamodb, table),
        routing=routing,
        trunks=trunks,
        callers=CallerRules(routing=routing, check_url=check_url, new_secret=new_webhook_secret),
        secrets=RowSecrets(sealer, NUMBER),
        set_limits=set_limits,
        number_leaves=number_leaves,
        clock=clock,
        log=log,
    )
    sync = Sync(numbers=numbers, clock=clock, log=log)
    return NumberRoutes(numbers, sync, read_number), TrunkRoutes(trunks, sync, log), PlatformRoutes(numbers, trunks)


class _AskLivekit:
    """LiveKit's client takes long to load. It is loaded with the first request that needs it."""

    def __init__(self, settings: LivekitSettings) -> None:
        self._settings = settings

    def __call__[T](self, work: Callable[[SipService], Awaitable[T]]) -> T:
        from ringline.telephony.livekit_trunks import ask_for_trunks

        return ask_for_trunks(self._settings, work)
