"""A busy afternoon of an account, for whoever looks at the console."""

from copy import replace
from dataclasses import dataclass

from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import AgentReports, Call, CarrierWords, Evidence, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import Watchlist
from ringline.routing.records import Agent, Number
from ringline.routing.store import RoutingStore
from ringline.webhooks.model.delivery import Attempt, Delivery, DeliveryId, DeliveryStatus
from ringline.webhooks.model.event_type import EventType
from ringline.webhooks.tables.deliveries import DeliveryStore
from tests.builders import ACCOUNT, a_call
from tests.component.cli.terminal import OURS, Terminal

_ANOTHER = "globex"


@dataclass(frozen=True, slots=True)
class Scene:
    """What is looked at: a call that is stuck, one that has ended, and a delivery that was refused."""

    stuck: str
    ended: str
    delivery: str


def a_busy_afternoon(terminal: Terminal) -> Scene:
    """Writes it into the terminal's table."""
    local, now = terminal.local, terminal.now_ms
    at = (local.dynamodb, local.table_name)
    calls, accounts = CallStore(*at), AccountStore(*at)
    accounts.create_account(Account(_ANOTHER, "Globex", _ANOTHER, 20))
    accounts.set_cap(ACCOUNT, 4)
    RoutingStore(*at).put_agent(ACCOUNT, Agent(agent_id="night-desk", name="Night desk"))
    RoutingStore(*at).put_number(ACCOUNT, Number(number="+15551230003", number_id="num_third"))
    terminal.document("key", "create", "--name", "server")
    endpoint_id = str(terminal.document("webhook", "create", "https://crm.example.com/hook")["endpoint_id"])
    _begun(calls, "4", "+15550100204", now - 95_000, answered_after_ms=6000)
    _begun(calls, "5", "+15550100205", now - 8000)
    _ended(calls, "1", "+15550100201", now - 900_000, 6000, 74_000, EndReason.AGENT_HUNG_UP)
    busy = _ended(calls, "2", "+15550100202", now - 600_000, None, 4000, EndReason.USER_BUSY)
    ended = _ended(calls, "3", "+15550100203", now - 400_000, 9000, 61_000, EndReason.USER_HUNG_UP_IN_CALL)
    stuck = _queued("6", "+15550100206", now - 372_000)
    for call in (stuck, _queued("7", "+15550100207", now - 20_000), _queued("8", "+15550100208", now - 5000)):
        calls.create(call)
    Watchlist(*at).mark_waiting(_ANOTHER, now)
    for number, call in enumerate((busy, ended), start=1):
        _refused(DeliveryStore(*at), endpoint_id, number, call, now)
    return Scene(stuck.call_id, ended.call_id, f"dlv_{endpoint_id}_2")


def _queued(which: str, to_number: str, created_at: int) -> Call:
    return a_call(
        account_id=ACCOUNT,
        call_id=f"call_01JD5Z000000000000000000{which}A",
        pipe_id="support",
        agent_id="front-desk",
        from_number=OURS,
        to_number=to_number,
        created_at=created_at,
        eligible_at=created_at,
    )


def _begun(
    calls: CallStore, which: str, to_number: str, dialed_at: int, *, answered_after_ms: int | None = None
) -> Call:
    queued = _queued(which, to_number, dialed_at - 2500)
    calls.create(queued)
    dialed = replace(queued, state=State.DIALING, attempt=1, dialed_at=dialed_at, due_at=dialed_at + 60_000, version=2)
    calls.commit(queued, dialed)
    if answered_after_ms is None:
        return dialed
    answered_at = dialed_at + answered_after_ms
    answered = replace(
        dialed,
        state=State.ACTIVE,
        agent_joined_at=dialed_at + 1800,
        carrier=CarrierWords(rang_at=dialed_at + 2100),
        answered_at=answered_at,
        active_at=answered_at,
        reports=AgentReports(ready_at=dialed_at + 2000, user_spoke_at=answered_at + 1500),
        version=3,
    )
    calls.commit(dialed, answered)
    return answered


def _ended(
    calls: CallStore,
    which: str,
    to_number: str,
    dialed_at: int,
    answered_after_ms: int | None,
    ended_after_ms: int,
    reason: EndReason,
) -> Call:
    begun = _begun(calls, which, to_number, dialed_at, answered_after_ms=answered_after_ms)
    ended_at = dialed_at + ended_after_ms
    talked = answered_after_ms is not None
    evidence = Evidence(leg_left_at=ended_at - 700) if talked else Evidence(sip_code=486, sip_status="Busy Here")
    over = replace(
        begun,
        state=State.ENDED if talked else State.NOT_CONNECTED,
        agent_left_at=ended_at - 200 if talked else None,
        evidence=evidence,
        end_reason=reason,
        ended_at=ended_at,
        due_at=None,
        version=begun.version + 1,
    )
    calls.commit(begun, over)
    return over


def _refused(deliveries: DeliveryStore, endpoint_id: str, sequence: int, call: Call, now: int) -> None:
    ended_at = call.ended_at or now
    tries = [
        Attempt(at=ended_at + wait_ms, duration_ms=40 + wait_ms % 31, status_code=503, answer="maintenance until 18:00")
        for wait_ms in (400, 61_000, 362_000)
    ]
    delivery = Delivery(
        id=DeliveryId(account_id=ACCOUNT, endpoint_id=endpoint_id, sequence=sequence),
        event_id=f"evt_{sequence:032x}",
        event_type=EventType.CALL_ENDED,
        told_as="call.ended",
        status=DeliveryStatus.FAILING,
        call_id=call.call_id,
        webhook_id=f"evt_{sequence:032x}",
        attempts=tuple(tries),
        attempt_count=len(tries),
        next_attempt_at=now + 240_000,
        due_at=now + 300_000,
    )
    assert deliveries.record_failed(delivery, 0, now)
