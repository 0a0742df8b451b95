"""The functions, loaded as Lambda loads them, and what AWS does around them: queues that hand a message out again, a
stream that repeats, a schedule that comes each minute; LiveKit, which repeats its webhooks; a carrier, which may; a
customer and an agent, who repeat their requests. Time is a clock that jumps from one event to the next."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ringline.accounts.store import AccountStore
from ringline.calls.model.call import AnswerFrom, Call, State
from tests.builders import NOW
from tests.component.crash.rig.phones import Phones
from tests.component.crash.rig.process import ACTING, Invocation, Killed, Trouble
from tests.component.crash.rig.table import RELAY, Stream, WatchedTable
from tests.component.crash.rig.webhooks.hooks import (
    CARRIER_SECRET,
    LIVEKIT_KEY,
    LIVEKIT_SECRET,
    PUBLIC_URL,
    agents_report,
    carriers_hook,
    livekits_hook,
)
from tests.component.one_table import RECORDS_BUCKET, LocalAws, load_handler
from tests.fakes import CONTEXT, HandClock
from tests.sample_events import event_of

if TYPE_CHECKING:
    from tests.component.crash.rig.speech import Speech

ACCOUNT = "acct_demo"

# Which function hears a queue, how long a message it failed on stays hidden, how many one invocation gets.
CONSUMERS = {
    "doorbells": ("dial_next", 1080, 10),
    "deliveries": ("deliver_webhook", 180, 1),
    "looks": ("sweep", 300, 1),
    "transfers": ("carry_out_transfer", 780, 1),
}
RECEIVED_AT_MOST = 5
_CARRIER_WAITS_S = 2
_SWEEP_EVERY_MS = 60_000
_GIVES_UP_MS = 30 * 60_000


@dataclass
class Message:
    queue: str
    body: str
    visible_at: int
    received: int = 0


@dataclass
class World:
    aws: LocalAws
    clock: HandClock
    phones: Phones
    table: WatchedTable
    in_shards: list[bool] = field(default_factory=lambda: [False])
    """Whether what is due and who waits is listed in shards, in each deployment, one after the other."""
    answer_from: AnswerFrom = AnswerFrom.DIALER
    carrier_repeats: bool = True
    carrier_is_first: bool = False
    """Whether the carrier's word of what happened comes before LiveKit's."""
    receiver_answers: list[int] = field(default_factory=lambda: [200])
    messages: list[Message] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    dead_letters: list[Message] = field(default_factory=list)
    posts: list[tuple[Mapping[str, str], dict[str, Any]]] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    """What calls were asked for with."""
    decision: dict[str, Any] | None = None
    """What the customer's server says about a caller; None where it does not answer in time."""
    questions: list[str] = field(default_factory=list)
    """The callers that it was asked about."""
    after_each: Callable[["World"], None] = lambda _world: None
    invocations: list[Invocation] = field(default_factory=list)
    spoken_for: list[tuple[str, str]] = field(default_factory=list)
    """Each room that a runner began to think for, and which."""
    broken: list[AssertionError] = field(default_factory=list)
    speech: "Speech" = field(init=False)
    stream: Stream = field(init=False)
    hidden_s: dict[str, int] = field(default_factory=dict)
    """How long a message that failed stays hidden, where that is another time than CONSUMERS says."""
    once_loaded: Callable[[str, ModuleType], None] = lambda _function, _loaded: None
    """What becomes of a function's code when it is loaded."""
    _swept_at: int = NOW
    _warm: dict[str, ModuleType] = field(default_factory=dict)
    _struck: tuple[Invocation, str] | None = None

    def __post_init__(self) -> None:
        self.stream = Stream(self.table)

    # --- invocations -------------------------------------------------------------------------------------------------

    def strike(self, function: str, trouble: Trouble | None, after: int | str, hearing: str = "") -> Invocation:
        """The function's next invocation whose event has this in it meets trouble after so many steps, or the first of
        that name."""
        struck = Invocation(function, trouble, after)
        self._struck = (struck, hearing)
        return struck

    def invoke(self, function: str, event: Mapping[str, Any]) -> Invocation:
        invocation = Invocation(function)
        if self._struck is not None and self._struck[0].function == function:
            struck, hearing = self._struck
            if hearing in json.dumps(event):
                invocation, self._struck = struck, None
        self.invocations.append(invocation)
        handler = self._warm.get(function) or self._cold(function)
        token = ACTING.set(invocation)
        try:
            invocation.answer = handler.lambda_handler(event, CONTEXT)
        except Killed:
            invocation.is_dead = True
        except Exception as error:
            invocation.raised = error
        finally:
            ACTING.reset(token)
        if invocation.failed:
            # Lambda throws the process away: what it remembered is gone.
            del self._warm[function]
        try:
            self.after_each(self)
        except AssertionError as broken:
            # Raised here it would be caught by the handler in whose waiting this invocation came.
            self.broken.append(broken)
        return invocation

    def deploy(self, *, in_shards: bool) -> None:
        """Every function is started anew, to list what is due so."""
        self.in_shards.append(in_shards)
        self._warm.clear()

    def _cold(self, function: str) -> ModuleType:
        queues = {name: self.aws.queue_url.replace("deliveries", name) for name in CONSUMERS}
        environment = {
            "DOORBELL_QUEUE_URL": queues["doorbells"],
            "DELIVERY_QUEUE_URL": queues["deliveries"],
            "LOOK_QUEUE_URL": queues["looks"],
            "TRANSFER_QUEUE_URL": queues["transfers"],
            "LIVEKIT_URL": "http://127.0.0.1:9",
            "LIVEKIT_API_KEY": LIVEKIT_KEY,
            "LIVEKIT_API_SECRET": LIVEKIT_SECRET,
            "SIP_TRUNK_ID": "ST_1",
            "AGENT_NAME": "ringline-agent",
            "ALLOW_PRIVATE_WEBHOOKS": "true",
            "PUBLIC_URL": PUBLIC_URL,
            "ANSWER_FROM": self.answer_from,
            "ASKED_APART": "true",
            "DUE_IN_SHARDS": str(self.in_shards[-1]).lower(),
            "SIP_HOOK_SECRET": CARRIER_SECRET,
            "CARRIERS_REPORT": "true",
            "LINK_CARRIER_CALLS": "true",
            "RUNNER_CONNECTIONS_URL": "https://connections.test",
            "RECORDS_BUCKET": RECORDS_BUCKET,
        }
        self._warm[function] = load_handler(function, environment)
        self.once_loaded(function, self._warm[function])
        return self._warm[function]

    # --- the customer and the agents ---------------------------------------------------------------------------------

    def request(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        """A request as the SDK sends it: again, while the answer is missing or a server error."""
        for _ in range(3):
            invocation = self.invoke(function, event)
            if not invocation.needs_repeat:
                break
            self.clock.move(1)
            self.meanwhile()
        assert not invocation.needs_repeat and invocation.answer["statusCode"] < 300, invocation
        answer: dict[str, Any] = json.loads(invocation.answer["body"])
        if invocation.answer["statusCode"] == 201:
            self.accepted.append(answer["call_id"])
        return answer

    def create(self, key: str | None = None, **fields: Any) -> str:
        self.asked.append(fields)
        event = event_of("create_call", "by_pipe")
        event["body"] = json.dumps({"to_number": "+15550100200", "pipe_id": "PIPE_1", **fields})
        event["headers"] = event["headers"] | ({"idempotency-key": key} if key else {})
        return str(self.request("create_call", event)["call_id"])

    def set_lines(self, lines: int) -> None:
        AccountStore(self.aws.dynamodb, self.aws.table_name).set_cap(ACCOUNT, lines)

    def reserve_lines(self, lines: int | None) -> None:
        """So many lines are kept for callers, who hold lines then."""
        AccountStore(self.aws.dynamodb, self.aws.table_name).set_inbound_reserve(ACCOUNT, lines)

    def ring(self) -> None:
        """A doorbell from nowhere: they may be doubled."""
        self.messages.append(Message("doorbells", json.dumps({"account_id": ACCOUNT}), self.clock.now))

    def lose(self, queue: str) -> None:
        """What is under way in the queue never arrives."""
        self.messages = [message for message in self.messages if message.queue != queue]

    def hang_up(self, call_id: str | None = None) -> dict[str, Any]:
        path = f"/v1/calls/{call_id or self.accepted[0]}/hangup"
        return self.request("manage", event_of("manage", "hang_up") | {"rawPath": path})

    def transfer(self, **body: Any) -> dict[str, Any]:
        """The customer has the first call handed over."""
        path = f"/v1/calls/{self.accepted[0]}/transfers"
        event = event_of("manage", "hang_up") | {"rawPath": path, "body": json.dumps(body)}
        return self.request("manage", event)

    def control_recording(self, deed: str) -> dict[str, Any]:
        """The customer has the recording of the first call paused, or go on."""
        path = f"/v1/calls/{self.accepted[0]}/recording/{deed}"
        return self.request("manage", event_of("manage", "hang_up") | {"rawPath": path, "body": None})

    def agent_tells(self, *reports: Mapping[str, Any]) -> None:
        """The agent of the first call tells this, and is heard."""
        (dispatched,) = self.phones.dispatched[self.call().room_name or ""]
        answer = self.request("receive_agent_event", agents_report(dispatched, reports))
        assert [each["type"] for each in answer["results"]] == [each["type"] for each in reports]

    # --- what AWS and LiveKit do -------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Lets time pass until nothing is under way any more: sweeps come each minute as long as anything is open."""
        self.pass_until(lambda: not self._next_moments() and not self._anything_open())
        self.sweep()
        self.drain()

    def pass_until(self, it_is_so: Callable[[], bool]) -> None:
        """Lets time pass until it is so. Fails if that takes half an hour."""
        give_up_at = self.clock.now + _GIVES_UP_MS
        self.drain()
        while not self.broken and not it_is_so():
            assert self.clock.now < give_up_at, "it goes on and on"
            sweep_at = self._swept_at + _SWEEP_EVERY_MS
            moments = self._next_moments() + ([sweep_at] if self._anything_open() else [])
            assert moments, "nothing will happen any more"
            self.clock.now = max(self.clock.now, min(moments))
            self.drain()
            if self.clock.now >= sweep_at and self._anything_open():
                self.sweep()
                self.drain()
        for broken in self.broken:
            raise broken

    def sweep(self) -> None:
        self._swept_at = self.clock.now
        self.invoke("sweep", event_of("sweep", "scheduled"))

    def drain(self) -> None:
        """Delivers whatever is due now, and what comes of it."""
        busy = True
        while busy:
            self.phones.happen()
            busy = self._deliver_word() or self._relay() or any(self._deliver(queue) for queue in CONSUMERS)

    def meanwhile(self) -> None:
        """What happens while an invocation waits: phones, and the webhooks that tell of them."""
        self.phones.happen()
        while self._deliver_word():
            self.phones.happen()

    def _next_moments(self) -> list[int]:
        phones_at = self.phones.next_at
        return [message.visible_at for message in self.messages] + ([phones_at] if phones_at is not None else [])

    def _anything_open(self) -> bool:
        """Whether a call, a room or a due date waits for a sweep. The count of events is due in half a day's time."""
        return bool(self.phones.rooms) or any(
            (item.get("due_at") and "#EVENT_COUNT" not in item["pk"]) or "#QUEUE" in item["pk"]
            for item in self.table.items()
        )

    def _deliver_word(self) -> bool:
        """LiveKit and the carrier do not wait for each other."""
        if self.carrier_is_first:
            return self._deliver_carriers_word() or self._deliver_hook()
        return self._deliver_hook() or self._deliver_carriers_word()

    def _deliver_hook(self) -> bool:
        hook = self.phones.hooks.next()
        if hook is None:
            return False
        invocation = self.invoke("receive_livekit_event", livekits_hook(hook.document, self.clock.now))
        wait_s = self.phones.hooks.tried(hook, is_taken=not invocation.needs_repeat)
        if wait_s is not None:
            self.phones.after(wait_s, lambda: None)
        return True

    def _deliver_carriers_word(self) -> bool:
        if not self.phones.words:
            return False
        word = self.phones.words.popleft()
        invocation = self.invoke("receive_sip_event", carriers_hook(word))
        word.tried += 1
        if invocation.needs_repeat and self.carrier_repeats and word.tried < RECEIVED_AT_MOST:
            self.phones.after(_CARRIER_WAITS_S, lambda: self.phones.words.append(word))
        return True

    def _relay(self) -> bool:
        records = self.stream.records(self.clock.now)
        if not records:
            return False
        invocation = self.invoke(RELAY, {"Records": records})
        if not invocation.failed:
            self.stream.take(invocation.answer["batchItemFailures"])
        return True

    def _deliver(self, queue: str) -> bool:
        function, hidden_s, at_once = CONSUMERS[queue]
        here = [each for each in self.messages if each.queue == queue and each.visible_at <= self.clock.now][:at_once]
        if not here:
            return False
        records = [{"messageId": str(number), "body": message.body} for number, message in enumerate(here)]
        for message in here:
            self.messages.remove(message)
        invocation = self.invoke(function, {"Records": records})
        failures = [] if invocation.failed else (invocation.answer or {}).get("batchItemFailures", [])
        failed = {failure["itemIdentifier"] for failure in failures}
        for number, message in enumerate(here):
            if invocation.failed or str(number) in failed:
                message.received += 1
                message.visible_at = self.clock.now + self.hidden_s.get(queue, hidden_s) * 1000
                (self.messages if message.received < RECEIVED_AT_MOST else self.dead_letters).append(message)
        return True

    def note_sent(self, request: Mapping[str, Any]) -> None:
        queue = request["QueueUrl"].rpartition("/")[2]
        visible_at = self.clock.now + request.get("DelaySeconds", 0) * 1000
        self.sent.append(Message(queue, request["MessageBody"], visible_at))
        if queue in CONSUMERS:
            self.messages.append(self.sent[-1])

    # --- how far it is -----------------------------------------------------------------------------------------------

    def call(self, number: int = 0) -> Call:
        return list(self.table.calls.values())[number]

    def is_there(self, state: State, calls: int = 1) -> Callable[[], bool]:
        """Whether so many calls are in that state."""
        return lambda: len([call for call in self.table.calls.values() if call.state is state]) >= calls
