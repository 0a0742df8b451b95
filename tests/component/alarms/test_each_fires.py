"""Each alarm of the template rings for its trouble, for no other, and not where nothing is wrong. What the product
measures comes from its own code; what AWS measures has the names of its documentation."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from local.aws.template import read_template, resources_of
from local.tools.places import TEMPLATE
from ringline.calls.mending.gate_audit import Audited, Difference
from ringline.calls.mending.measures import measures_of, measures_of_audit
from ringline.calls.mending.mend import Swept
from ringline.calls.model.call import State
from ringline.calls.model.reasons import MEANINGS, EndReason
from ringline.calls.stream.batch import Batch
from ringline.calls.stream.measures import measures_of as measures_of_change
from ringline.calls.views.relay import Change
from ringline.runtime import metrics
from ringline.webhooks.sending.deliver import GaveUp, WillRetry
from tests.builders import a_call, an_answered_call
from tests.component.alarms.evaluation import Seen, Value, is_alarm, metrics_of, values_in
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

STACK = "ringline-prod"
READ = read_template(TEMPLATE)
PARAMETERS = READ["Parameters"]
ALARMS = {name: found["Properties"] for name, found in resources_of(READ, "AWS::CloudWatch::Alarm").items()}
QUOTAS = {"ConcurrentExecutions": 1000.0}
"""What AWS lets this account have, at first."""

MOST_METRICS = 10
"""How many metrics CloudWatch reads for one alarm."""

MINUTE, HOUR = 60, 3600


def resolve(value: Any) -> str:
    """What a name of the template comes to: the stack's name, and a resource's logical id for its name at AWS."""
    if isinstance(value, str):
        return value
    if value == {"Ref": "AWS::StackName"}:
        return STACK
    if "Fn::Sub" in value:
        return re.sub(r"\$\{(\w+)\}", lambda found: str(PARAMETERS[found[1]]["Default"]), value["Fn::Sub"])
    return str(value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0])


def of_aws(namespace: str, name: str, dimension: str, of: str, value: float, at_s: int) -> Value:
    return Value(at_s, namespace, name, frozenset({(dimension, of)}), value)


visible = partial(of_aws, "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName")
errors = partial(of_aws, "AWS/Lambda", "Errors", "FunctionName")
age_ms = partial(of_aws, "AWS/Lambda", "IteratorAge", "FunctionName")
api_5xx = partial(of_aws, "AWS/ApiGateway", "5xx", "ApiId")
invocations = partial(of_aws, "AWS/Lambda", "Invocations", "FunctionName")
throttles = partial(of_aws, "AWS/Lambda", "Throttles", "FunctionName")
runs_at_once = partial(of_aws, "AWS/Lambda", "ConcurrentExecutions", "FunctionName")


def used_of_lambda(value: float, at_s: int) -> Value:
    """How many functions run at once in the whole AWS account, as the quota counts them."""
    names = {"Service": "Lambda", "Resource": "ConcurrentExecutions", "Type": "Resource", "Class": "None"}
    return Value(at_s, "AWS/Usage", "ResourceCount", frozenset(names.items()), value)


def _breaks(*_: object, **__: object) -> Any:
    """The table is not to be reached."""
    raise ConnectionError


async def _breaks_later(*_: object) -> Any:
    raise ConnectionError


class _Broken:
    """Of whatever kind: all that is asked of it breaks, once it is opened."""

    def __call__(self) -> "_Broken":
        return self

    async def __aenter__(self) -> Any:
        return SimpleNamespace(run=_breaks_later)

    async def __aexit__(self, *_: object) -> None: ...

    def __getattr__(self, name: str) -> Any:
        return _breaks


BREAKS_AT: Mapping[str, tuple[str, str, Any]] = {
    "assign_brain": ("join", "speaks_for", _breaks),
    "create_call": ("by_pipe", "create_call", _Broken()),
    "deliver_webhook": ("call_end", "together", SimpleNamespace(run=lambda _body: [ConnectionError()])),
    "dial_next": ("one_account", "dialer", _Broken()),
    "receive_agent_event": ("ready", "speaks_for", _breaks),
    "receive_livekit_event": ("forged", "receive", _breaks),
    "receive_sip_event": ("forged", "receive", _breaks),
    "relay_call_changes": ("call_ended", "changes_of_calls", SimpleNamespace(
        relay_each=lambda _records: (SimpleNamespace(ring_again=lambda _changes: None), Batch(failed="1")),
        has_its_room=None,
        may_be_recorded=None,
    )),
    "serve_runners": ("heartbeat", "listen", _Broken()),
}  # fmt: skip
"""By function that answers all the same: a sample of its events, and what stands in its module where it breaks."""


@dataclass
class Measured:
    """What the product's code measures, as CloudWatch reads it from the functions' output."""

    capsys: pytest.CaptureFixture[str]
    load: Callable[[str], ModuleType]

    def of(self, told: Callable[[], object], at_s: int) -> list[Value]:
        self.capsys.readouterr()
        told()
        return list(values_in(self.capsys.readouterr().out, at_s))

    def sweep(self, at_s: int, **found: int) -> list[Value]:
        """A run of the sweep that comes to its end."""
        return self.of(lambda: metrics.tell(measures_of(asdict(replace(Swept(), **found)))), at_s)

    def hooks(self, function: str, count: int, at_s: int) -> list[Value]:
        """Forged hooks."""
        handler = self.load(function)
        event = event_of(function, "forged")
        assert handler.lambda_handler(event, CONTEXT)["statusCode"] == 401
        return [each for _ in range(count) for each in self.of(lambda: handler.lambda_handler(event, CONTEXT), at_s)]

    def fails(self, function: str, at_s: int) -> list[Value]:
        """A run that fails at what it is given, and answers all the same."""
        handler = self.load(function)
        case, part, broken = BREAKS_AT[function]
        setattr(handler, part, broken)
        return self.of(lambda: handler.lambda_handler(event_of(function, case), CONTEXT), at_s)

    def meant(self, count: int, at_s: int) -> list[Value]:
        """Events of phone calls that are not this stack's, which their carrier is asked to send again."""
        handler: Any = self.load("receive_sip_event")

        def not_known_yet(_event: Any) -> Any:
            return handler.problem_answer(handler.Problem(503, "call_not_known_yet", "Send it again"))

        handler.receive = not_known_yet
        told = self.of(lambda: handler.lambda_handler(event_of("receive_sip_event", "twilio_ended"), CONTEXT), at_s)
        return [*told * count, api_5xx("HttpApi", count, at_s)]

    def audit(self, at_s: int, *differences: Difference) -> list[Value]:
        """What the sweep's audit of the gates tells."""
        return self.of(lambda: metrics.tell(measures_of_audit(Audited(7, differences))), at_s)

    def ends(self, reason: EndReason, count: int, at_s: int, state: State = State.DIALING) -> list[Value]:
        """Calls that end so, from that state."""
        after = State.NOT_CONNECTED if state is State.DIALING else State.ENDED
        change = Change("1", a_call(state), a_call(after, end_reason=reason))
        return [each for _ in range(count) for each in self.of(lambda: metrics.tell(measures_of_change(change)), at_s)]

    def answers(self, count: int, at_s: int) -> list[Value]:
        """Dials that are answered."""
        change = Change("1", a_call(State.DIALING), an_answered_call())
        return [each for _ in range(count) for each in self.of(lambda: metrics.tell(measures_of_change(change)), at_s)]

    def webhooks(self, outcome: Any, at_s: int) -> list[Value]:
        return self.of(lambda: self.load("deliver_webhook")._count(outcome), at_s)


@pytest.fixture
def measured(local: LocalAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Measured:
    monkeypatch.setattr(metrics, "NAMESPACE", STACK)
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED")
    environment = {
        "LIVEKIT_URL": "http://127.0.0.1:9",
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "a-secret-of-more-than-32-characters",
        "SIP_HOOK_SECRET": "a-secret-of-the-carrier-0123456789",
        "TWILIO_AUTH_TOKEN": "0123456789abcdef0123456789abcdef",
        "AGENT_NAME": "ringline-agent",
        "SIP_TRUNK_ID": "ST_1",
        "DOORBELL_QUEUE_URL": local.queue_url,
        "LOOK_QUEUE_URL": local.queue_url,
        "RUNNER_CONNECTIONS_URL": "https://runners.example.com/live",
    }
    return Measured(capsys, partial(load_handler, environment=environment))


def each_minute(until_s: int, told: Callable[[int], list[Value]]) -> list[Value]:
    return [value for at_s in range(30, until_s, MINUTE) for value in told(at_s)]


def quiet(measured: Measured, until_s: int) -> list[Value]:
    """A deployment that works: sweeps with little to do, a stranger's hook, a delivery that is tried again."""
    sweeps = each_minute(
        until_s, lambda at_s: measured.sweep(at_s, oldest_waiting_ms=9000, oldest_with_line_free_ms=900)
    )
    now_and_then = [*measured.hooks("receive_livekit_event", 1, 40), *measured.hooks("receive_sip_event", 1, 40)]
    retried = measured.webhooks(WillRetry(1, 1000, "503"), 50)
    works = [errors(name, 0, 40) for name in ("DialNextFunction", "RelayCallChangesFunction")]
    # LiveKit is heard, some phones are answered and some are not.
    heard = each_minute(until_s, lambda at_s: [invocations("ReceiveLivekitEventFunction", 12, at_s)])
    calls = [
        value
        for at_s in range(30, until_s, 10 * MINUTE)
        for value in (*measured.answers(1, at_s), *measured.ends(EndReason.USER_DID_NOT_PICK_UP, 4, at_s))
    ]
    audits = [value for at_s in range(40, until_s, 10 * MINUTE) for value in measured.audit(at_s)]
    runs = [used_of_lambda(300, until_s - 60), runs_at_once("DialNextFunction", 60, until_s - 60)]
    return [*sweeps, *now_and_then, *retried, *works, *heard, *calls, *audits, *runs, api_5xx("HttpApi", 1, 40)]


def without(values: list[Value], *names: str, since_s: int) -> list[Value]:
    """The values but those of such metrics, or of such values of a dimension, from that moment on."""
    return [
        each
        for each in values
        if each.at_s < since_s or not {each.name, *(of for _, of in each.dimensions)} & set(names)
    ]


type Trouble = Callable[[Measured], list[Value]]


def _dead_letter(queue: str) -> Trouble:
    return lambda _measured: [visible(queue, 1, HOUR - 30)]


def _fails(function: str) -> Trouble:
    return lambda _measured: [errors(function, 1, HOUR - back) for back in (30, 90, 270)]


def _fails_and_answers(function: str) -> Trouble:
    return lambda measured: [value for back in (30, 90, 270) for value in measured.fails(function, HOUR - back)]


TROUBLES: Mapping[str, Trouble] = {
    **{f"{name}Alarm": _dead_letter(name) for name in (
        "DoorbellDlq", "LookDlq", "TransferDlq", "DeliveryDlq", "RelayDlq", "SweepDlq",
    )},
    "DialerErrorsAlarm": _fails("DialNextFunction"),
    "RelayErrorsAlarm": _fails("RelayCallChangesFunction"),
    "LivekitHookErrorsAlarm": _fails("ReceiveLivekitEventFunction"),
    "CarrierHookErrorsAlarm": _fails("ReceiveSipEventFunction"),
    "FailuresAlarm": _fails_and_answers("receive_livekit_event"),
    "ApiErrorsAlarm": lambda _measured: [errors("ManageFunction", 6, HOUR - back) for back in (30, 90, 150)],
    "RelayBehindAlarm": lambda _measured: [age_ms("RelayCallChangesFunction", 601_000, HOUR - 30)],
    "UnservedAlarm": lambda measured: [
        value for back in (20, 80, 140) for value in measured.sweep(HOUR - back, oldest_with_line_free_ms=181_000)
    ],
    # LiveKit is heard sixty times in five minutes beside it: these are as many.
    "LivekitHooksRefusedAlarm": lambda measured: [
        invocations("ReceiveLivekitEventFunction", 60, HOUR - 100),
        *measured.hooks("receive_livekit_event", 60, HOUR - 100),
    ],
    "CarrierHooksRefusedAlarm": lambda measured: measured.hooks("receive_sip_event", 21, HOUR - 100),
    "WebhooksGivenUpAlarm": lambda measured: measured.webhooks(GaveUp(10, "503"), HOUR - 1800),
    "MendedAlarm": lambda measured: measured.sweep(HOUR - 10, settled=4, adopted=3, ends_told=2, rooms_closed=1),
    "DialsUnknownAlarm": lambda measured: measured.ends(EndReason.DIAL_STATE_UNKNOWN, 1, HOUR - 1800),
    "GateDiffersAlarm": lambda measured: measured.audit(HOUR - 900, Difference("acme", 2, 1)),
    "LambdaQuotaAlarm": lambda _measured: [used_of_lambda(801, HOUR - 100)],
    "DialerFullAlarm": lambda _measured: [runs_at_once("DialNextFunction", 161, HOUR - 100)],
}  # fmt: skip
"""By alarm: what happens within the hour before it is looked at, beside what is usual."""

MISSING = {"SweepMissingAlarm", "NothingAnsweredAlarm", "LivekitSilentAlarm"}
"""Those that ring for what does not happen."""


def ringing(values: list[Value], now_s: int = HOUR) -> set[str]:
    seen = Seen(values, resolve, QUOTAS)
    return {name for name, alarm in ALARMS.items() if is_alarm(alarm, seen, now_s)}


def test_every_alarm_has_a_trouble_that_it_rings_for() -> None:
    assert {*TROUBLES, *MISSING} == set(ALARMS)


def test_where_nothing_is_wrong_none_rings(measured: Measured) -> None:
    assert ringing(quiet(measured, HOUR)) == set()


@pytest.mark.parametrize("name", TROUBLES)
def test_it_rings_for_its_trouble_alone_and_is_over_with_it(measured: Measured, name: str) -> None:
    trouble = TROUBLES[name](measured)
    values = quiet(measured, 2 * HOUR + MINUTE)
    assert ringing([*values, *trouble]) == {name}
    assert ringing([*values, *trouble], 2 * HOUR + MINUTE) == set()


@pytest.mark.parametrize("function", BREAKS_AT)
def test_what_a_function_fails_at_rings_although_it_answers(measured: Measured, function: str) -> None:
    """Lambda counts an error only where the handler raises, which none of these does."""
    assert ringing([*quiet(measured, HOUR), *_fails_and_answers(function)(measured)]) == {"FailuresAlarm"}


def test_a_503_that_is_meant_rings_nothing(measured: Measured) -> None:
    meant = [value for back in (30, 90, 150, 210) for value in measured.meant(50, HOUR - back)]
    assert ringing([*quiet(measured, HOUR), *meant]) == set()


def test_requests_that_no_function_is_run_for_ring(measured: Measured) -> None:
    turned_away = [throttles("CreateCallFunction", 6, HOUR - back) for back in (30, 90, 150)]
    assert ringing([*quiet(measured, HOUR), *turned_away]) == {"ApiErrorsAlarm"}


def test_a_few_hooks_of_strangers_ring_nothing_where_livekit_is_heard(measured: Measured) -> None:
    strangers = [
        invocations("ReceiveLivekitEventFunction", 40, HOUR - 100),
        *measured.hooks("receive_livekit_event", 40, HOUR - 100),
    ]
    assert ringing([*quiet(measured, HOUR), *strangers]) == set()


def test_a_sweep_that_does_not_come_to_its_end_is_missed(measured: Measured) -> None:
    swept = [each for each in quiet(measured, HOUR) if each.at_s < HOUR - 5 * MINUTE]
    assert ringing(swept) == {"SweepMissingAlarm"}
    assert ringing([*swept, *measured.sweep(HOUR - 30)]) == set()


def test_phones_that_nobody_answers_for_half_an_hour_ring_and_one_answer_ends_it(measured: Measured) -> None:
    answered_nobody = without(quiet(measured, HOUR), "answered", since_s=HOUR - 1800)
    # Twelve rang in that half hour anyway.
    few = measured.ends(EndReason.USER_DID_NOT_PICK_UP, 27, HOUR - 900)
    assert ringing([*answered_nobody, *few]) == set()
    more = measured.ends(EndReason.SIP_FAILED_TRUNK, 1, HOUR - 800)
    assert ringing([*answered_nobody, *few, *more]) == {"NothingAnsweredAlarm"}
    assert ringing([*answered_nobody, *few, *more, *measured.answers(1, HOUR - 10)]) == set()


def test_dials_of_which_livekit_tells_nothing_ring(measured: Measured) -> None:
    unheard = without(quiet(measured, HOUR), "ReceiveLivekitEventFunction", since_s=HOUR - 900)
    assert ringing(unheard) == {"LivekitSilentAlarm"}
    no_dials = without(unheard, "Dials", since_s=HOUR - 900)
    assert ringing(no_dials) == set(), "where nobody dials there is nothing to tell"
    looked_at = [*unheard, invocations("ReceiveLivekitEventFunction", 2, HOUR - 100)]
    assert ringing(looked_at) == {"LivekitSilentAlarm"}, "the doctor's hooks are not LiveKit's"
    heard = [*unheard, invocations("ReceiveLivekitEventFunction", 3, HOUR - 100)]
    assert ringing(heard) == set()


def test_hooks_that_are_refused_are_not_what_livekit_tells(measured: Measured) -> None:
    unheard = without(quiet(measured, HOUR), "ReceiveLivekitEventFunction", since_s=HOUR - 900)
    strangers = [*measured.hooks("receive_livekit_event", 4, HOUR - 400)]
    strangers.append(invocations("ReceiveLivekitEventFunction", 4, HOUR - 400))
    assert ringing([*unheard, *strangers]) == {"LivekitSilentAlarm"}


def test_mends_are_held_against_the_calls_that_end(measured: Measured) -> None:
    mended = TROUBLES["MendedAlarm"](measured)
    values = [*quiet(measured, HOUR), *mended]
    assert ringing(values) == {"MendedAlarm"}
    many = measured.ends(EndReason.AGENT_HUNG_UP, 1, HOUR - 500, State.ACTIVE)
    assert ringing([*values, *(replace(each, value=1000) for each in many)]) == set(), (
        "ten of a thousand are one of a hundred"
    )


def test_every_category_of_an_end_is_one_that_mends_are_held_against() -> None:
    held = {
        each["Dimensions"][0]["Value"]
        for each in metrics_of(ALARMS["MendedAlarm"])
        if each["MetricName"] == "CallsEnded"
    }
    assert held == {each.category.value for each in MEANINGS.values()}


@pytest.mark.parametrize("name", ALARMS)
def test_no_alarm_reads_more_metrics_than_cloudwatch_takes(name: str) -> None:
    assert len(metrics_of(ALARMS[name])) <= MOST_METRICS


def test_an_account_that_is_in_every_second_audit_keeps_the_alarm_of_the_gates(measured: Measured) -> None:
    """Where more accounts have calls than one audit reads, the audits between find nothing."""
    differs = [value for back in (1, 1201, 2401) for value in measured.audit(HOUR - back, Difference("acme", 2, 1))]
    between = [value for back in (601, 1801) for value in measured.audit(HOUR - back)]
    values = [*without(quiet(measured, HOUR), "GateDiffers", since_s=0), *differs, *between]
    assert {name for now_s in (HOUR - 600, HOUR) for name in ringing(values, now_s)} == {"GateDiffersAlarm"}
    assert ringing(values, HOUR - 600) == {"GateDiffersAlarm"}, "once begun it does not come and go"


@pytest.mark.parametrize("name", ["UnservedAlarm", "DialerErrorsAlarm", "LivekitHooksRefusedAlarm"])
def test_a_little_less_of_it_is_no_alarm(measured: Measured, name: str) -> None:
    assert ringing([*quiet(measured, HOUR), *TROUBLES[name](measured)[:-1]]) == set()


def test_values_of_another_stack_ring_nothing(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    values = quiet(measured, HOUR)
    monkeypatch.setattr(metrics, "NAMESPACE", "ringline-staging")
    assert ringing([*values, *TROUBLES["MendedAlarm"](measured)]) == set()


def test_each_tells_the_topic_when_it_rings_and_when_it_is_over() -> None:
    for name, alarm in ALARMS.items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}], name
