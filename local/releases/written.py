"""Prints what the release on the path writes: one row of each kind and of each state of a call, and its messages, as
JSON. Run with that release's own code (`local.releases.__main__`), so it asks of a release only what it has.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from inspect import signature
from typing import Any

import boto3
import moto

release_code = importlib.import_module("release_code")
"""Beside this script, which runs where nothing of `local` is on the path."""
ACCOUNT, TABLE, NOW = release_code.ACCOUNT, release_code.TABLE, release_code.NOW
NUMBER, CALLEE = release_code.NUMBER, release_code.CALLEE
RELEASE, made, samples_of = release_code.RELEASE, release_code.made, release_code.samples_of
has, clock = release_code.has, release_code.clock
around_accounts, around_calls = map(importlib.import_module, ("around_accounts", "around_calls"))
around_webhooks = importlib.import_module("around_webhooks")

_USUAL: dict[str, Any] = {
    "account_id": ACCOUNT,
    "pipe_id": "pipe_1",
    "agent_id": "agent_1",
    "from_number": NUMBER,
    "to_number": CALLEE,
    "trunk_id": "ST_1",
    "ring_timeout_s": 30,
    "max_call_duration_s": 600,
    "data": {"customer": "C-1042", "score": 1.5},
    "metadata": {"batch": 7},
    "created_at": NOW,
    "eligible_at": NOW,
}
_DIALED: dict[str, Any] = {"attempt": 1, "dialed_at": NOW + 1000, "due_at": NOW + 21_000, "version": 2}
_ANSWERED: dict[str, Any] = {
    "answered_at": NOW + 6000,
    "active_at": NOW + 6000,
    "agent_joined_at": NOW + 2000,
    "leg_sid": "PA_leg",
    "sip_call_id": "SCL_1",
    "agent_sid": "PA_agent",
    "version": 3,
}

_NOT_OF_ALL = frozenset(_USUAL | _DIALED | _ANSWERED) | {
    *("call_id", "state", "ended_at", "due_at"),
    # What is apart from a call, and one whose content is erased, is written by itself.
    *("asked_key", "asked_is_read", "metadata_apart", "content_erased_at"),
}


# --- calls -----------------------------------------------------------------------------------------------------------


def calls() -> Iterator[Any]:
    """One in each state, of each direction, for each reason, and one with all that can be known of a call."""
    call, reasons = RELEASE.call, RELEASE.reasons
    for number, state in enumerate(call.State):
        yield a_call(f"state_{number:02d}", state)
    for number, direction in enumerate(call.Direction):
        yield a_call(f"direction_{number:02d}", call.State.ACTIVE, direction=direction)
    for number, reason in enumerate(reasons.EndReason):
        yield a_call(f"reason_{number:02d}", call.State.NOT_CONNECTED, end_reason=reason, end_asked_reason=reason)
    yield all_that_is_known()


def a_call(name: str, state: Any, **more: Any) -> Any:
    values = _USUAL | {"call_id": f"call_01JD5Z0000000000{name}", "state": state}
    if state.value != "queued":
        values |= _DIALED
    if state.value in {"active", "last_words", "ended"}:
        values |= _ANSWERED
    if state.is_terminal:
        values |= {"ended_at": NOW + 60_000, "due_at": None}
    return made(RELEASE.call.Call, **values | more)


def all_that_is_known() -> Any:
    """An ended call with every attribute that its release knows."""
    call, reason = RELEASE.call, RELEASE.reasons.EndReason.USER_BUSY
    more: dict[str, Any] = {
        "evidence": samples_of(call.Evidence, sip_code=486),
        "carrier": samples_of(call.CarrierWords),
        "reports": samples_of(call.AgentReports, can_report=("user_spoke",)),
        "recorded": samples_of(call.Recording),
        "former_recordings": (samples_of(call.Recording),),
        "attempts": (samples_of(call.Attempt, end_reason=reason),),
        "notes": (call.Note(NOW + 3000, "dial_1_not_sent: no response from servers"),),
        "retry": RELEASE.retries.RetryPolicy(3),
        "end_reason": reason,
        "voicemail_policy": call.VoicemailPolicy.LEAVE_MESSAGE,
        "answer_from": call.AnswerFrom.CARRIER,
        "instructions": "Be kind.",
        "recording": True,
        "scheduled_at": NOW,
        "expires_at": NOW + 900_000,
        "deferrals": 1,
        "former_leg_sids": ("PA_before",),
        "brain": "runner",
        "runner_id": "bot_1",
        "counters": ("AGENT#agent_1",),
    }
    if RELEASE.transfer is not None:
        more |= {"transfers": tuple(transfers()), "listeners": (samples_of(call.Listener),)}
    if has("consent"):
        consent = RELEASE.consent
        said = {"status": consent.ConsentStatus.GRANTED, "method": consent.ConsentMethod.VERBAL}
        more |= {"recording_consent": samples_of(consent.RecordingConsent, **said)}
    return a_call("zz_all", call.State.ENDED, **release_code.filled(call.Call, _NOT_OF_ALL) | more)


def transfers() -> Iterator[Any]:
    transfer = RELEASE.transfer
    for number, state in enumerate(transfer.TransferState, start=1):
        target = transfer.Target(list(transfer.TargetKind)[number % 2], "+15550100888", None)
        yield transfer.Transfer(
            f"transfer_{number}",
            1,
            target,
            list(transfer.TransferMode)[number % 2],
            list(transfer.AskedBy)[number % 2],
            NOW + number,
            state=state,
            former=transfer.Former("agent_0"),
            left=transfer.TargetLeft(NOW + 9),
        )


# --- everything that is put ------------------------------------------------------------------------------------------


def write_all(db: Any) -> None:
    accounts = RELEASE.accounts.AccountStore(db, TABLE, clock)
    accounts.create_account(RELEASE.account.Account(ACCOUNT, "Acme", "acme", 100))
    accounts.add_key(ACCOUNT, "first")
    write_setup(db)
    write_calls(db)
    write_webhooks(db)
    write_hints(db)
    if has("lines"):
        write_management(db)
    if has("events"):
        # The releases before events were rows are cut already, and have little of it.
        around_accounts.write_around_accounts(db)
        around_calls.write_around_calls(db, a_call)
        around_webhooks.write_replays(db)


def write_setup(db: Any) -> None:
    routing, records = RELEASE.routing.RoutingStore(db, TABLE), RELEASE.set_up
    routing.put_number(ACCOUNT, made(records.Number, number=NUMBER, number_id="num_1", agent_id="agent_1"))
    routing.put_agent(ACCOUNT, made(records.Agent, agent_id="agent_1", name="Agent", number=NUMBER))
    routing.put_pipe(ACCOUNT, made(records.Pipe, pipe_id="pipe_1", name="Pipe", agent_id="agent_1", recording=True))
    for number, brain in enumerate(getattr(records, "Brain", ()), start=2):
        routing.put_agent(ACCOUNT, made(records.Agent, agent_id=f"agent_{number}", name="Agent", brain=brain.value))
    if hasattr(records, "Trunk"):
        routing.put_trunk(records.Trunk(trunk_id="ST_1", country="US", account_id=ACCOUNT))


def write_calls(db: Any) -> None:
    store, state = RELEASE.calls.CallStore(db, TABLE), RELEASE.call.State
    for call in calls():
        if call.state is state.QUEUED:
            store.create(call, RELEASE.results.Once("a" * 64, "b" * 64))
        else:
            # As the store puts a call that has gone on.
            db.put_item(TableName=TABLE, Item=RELEASE.records.call_to_item(call))
    rings_in = a_call("rings_in", state.RINGING, direction=RELEASE.call.Direction.INBOUND, inbound_room="in_1")
    RELEASE.rooms.InboundRooms(db, TABLE).open(rings_in)
    transcripts = RELEASE.transcripts
    said = transcripts.Transcript((transcripts.Turn("user", "Hello"),), "A greeting.", {"tokens": 7})
    kept = transcripts.Transcripts(db, TABLE, lambda: None, "")
    kept.keep(a_call("state_03", state.ACTIVE), said)
    if "part" in signature(kept.keep).parameters:
        # Of an agent to which the call was handed over.
        kept.keep(a_call("state_03", state.ACTIVE), said, part=2)


def write_webhooks(db: Any) -> None:
    delivery, event_type = RELEASE.delivery, RELEASE.event_type.EventType
    endpoint = RELEASE.endpoint.Endpoint(
        endpoint_id="ep_1", url="https://example.com/hook", secrets=("whsec_AAAA",), created_at=NOW,
        event_types=tuple(event_type),
    )  # fmt: skip
    RELEASE.endpoints.EndpointStore(db, TABLE).add(ACCOUNT, endpoint)
    events = around_webhooks.write_events(db, all_that_is_known()) if has("events") else []
    ended = event_type.CALL_ENDED if hasattr(event_type, "CALL_ENDED") else event_type.CALL_END
    for sequence, status in enumerate(delivery.DeliveryStatus, start=4):
        about: dict[str, Any] = {"call_id": f"call_{status}", "event_type": ended, "sequence": sequence}
        if events:
            event = events[sequence - 1]
            about |= {"call_id": event.call_id, "event_type": event.event_type, "event_id": event.event_id}
        named = made(delivery.DeliveryId, account_id=ACCOUNT, endpoint_id="ep_1", **about)
        is_over = status is not delivery.DeliveryStatus.FAILING
        tried = made(
            delivery.Delivery, id=named, status=status, attempts=(delivery.Attempt(NOW, 12, 500),), attempt_count=1,
            next_attempt_at=None if is_over else NOW + 5000, due_at=None if is_over else NOW + 65_000,
            **{"event_id": "evt_1", "webhook_id": "evt_1", "told_as": "call_end"} | about,
        )  # fmt: skip
        RELEASE.deliveries.DeliveryStore(db, TABLE).record_failed(tried, 0, NOW)


def write_hints(db: Any) -> None:
    watchlist = RELEASE.watchlist.Watchlist(db, TABLE)
    watchlist.mark_waiting(ACCOUNT, NOW)
    RELEASE.paces.TrunkPaces(db, TABLE).set_rate("ST_1", 2)
    RELEASE.links.CarrierLinkTable(db, TABLE, clock).link("twilio", "CA1", f"{ACCOUNT}.call_1.1")


def write_management(db: Any) -> None:
    RELEASE.trunks.TrunkStore(db, TABLE).add(ACCOUNT, RELEASE.lines.CarrierTrunk(trunk_id="t1", name="T", type="byo"))
    RELEASE.trunk_links.Links(db, TABLE, clock).take(ACCOUNT, "t1")
    profile = RELEASE.profiles.VoiceProfile(profile_id="vp", stt_provider="deepgram", tts_provider="cartesia")
    RELEASE.voices.VoiceCatalogue(db, TABLE, clock).put(profile)
    RELEASE.counters.Counters(db, TABLE, clock).set_cap(ACCOUNT, RELEASE.capacity.Kind.AGENT, "agent_1", 50, None)
    told = RELEASE.outcome.AgentOutcome("booking", {"day": "Monday"})
    for fit in RELEASE.outcome.Fit:
        kept = RELEASE.outcome.KeptOutcome(1, told.__class__(fit.value, told.data), NOW, "agent_1", fit)
        RELEASE.outcomes.Outcomes(db, TABLE).keep(ACCOUNT, "call_1", kept)
    caller = a_call("web", RELEASE.call.State.RINGING, direction=RELEASE.call.Direction.WEB)
    RELEASE.tickets.Tickets(db, TABLE).put(RELEASE.ticket.Ticket(caller, NOW + 60_000))
    for number, state in enumerate(RELEASE.runner_records.AssignmentState, start=1):
        sent = RELEASE.runner_records.Assignment(ACCOUNT, "call_1", number, 1, 1, "wss://bridge", state, NOW)
        RELEASE.assignments.Assignments(db, TABLE).put(None, sent)


# --- messages --------------------------------------------------------------------------------------------------------


def messages() -> dict[str, list[str]]:
    rings, looks, workers, shares, carried_out = (around_webhooks.Heard() for _ in range(5))
    RELEASE.doorbells.SqsDoorbell(lambda: rings, "").ring(ACCOUNT)
    queue = RELEASE.looks.SqsLookQueue
    queue(lambda: looks, "").look_again(ACCOUNT, "call_1", 5)
    if hasattr(queue, "look_for_calls_of"):
        queue(lambda: workers, "").look_for_calls_of("speech_1", 5)
    if hasattr(queue, "hand_out"):
        for first, last in ((NOW, NOW + 1000), ("acct_a", "acct_z")):
            queue(lambda: shares, "").hand_out(RELEASE.ports.Share("due", first, last, NOW))
    if RELEASE.transfer is not None:
        RELEASE.doorbells.SqsTransferQueue(lambda: carried_out, "").carry_out(ACCOUNT, "call_1", "transfer_1")
    heard = {"doorbell": rings, "look": looks, "lost_worker": workers, "share": shares, "transfer": carried_out}
    told = {name: queue.bodies for name, queue in heard.items()} | around_webhooks.webhook_messages()
    return {name: bodies for name, bodies in told.items() if bodies}


def main() -> None:
    with moto.mock_aws():
        db = boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        release_code.make_table(db)
        write_all(db)
        rows = db.scan(TableName=TABLE)["Items"]
    rows.sort(key=lambda row: (row["pk"]["S"], row["sk"]["S"]))
    told = {"rows": rows, "messages": messages()}
    json.dump(told, sys.stdout, indent=1, sort_keys=True, ensure_ascii=False, default=release_code.as_json)


if __name__ == "__main__":
    main()
