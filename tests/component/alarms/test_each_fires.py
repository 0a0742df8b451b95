"""Each alarm of the template rings for its trouble, for no other, and not where nothing is wrong. What the product
measures comes from its own code; what AWS measures has the names of its documentation."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from types import ModuleType
from typing import Any

import pytest

from local.aws.template import read_template, resources_of
from local.tools.places import TEMPLATE
from ringline.calls.mending.measures import measures_of
from ringline.calls.mending.mend import Swept
from ringline.runtime import metrics
from ringline.webhooks.sending.deliver import GaveUp, WillRetry
from tests.component.alarms.evaluation import Value, is_alarm, values_in
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT
from tests.sample_events import event_of

STACK = "ringline-prod"
ALARMS = {
    name: found["Properties"] for name, found in resources_of(read_template(TEMPLATE), "AWS::CloudWatch::Alarm").items()
}
MINUTE, HOUR = 60, 3600


def resolve(value: Any) -> str:
    """What a name of the template comes to: the stack's name, and a resource's logical id for its name at AWS."""
    if isinstance(value, str):
        return value
    if value == {"Ref": "AWS::StackName"}:
        return STACK
    return str(value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0])


def of_aws(namespace: str, name: str, dimension: str, of: str, value: float, at_s: int) -> Value:
    return Value(at_s, namespace, name, frozenset({(dimension, of)}), value)


visible = partial(of_aws, "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName")
errors = partial(of_aws, "AWS/Lambda", "Errors", "FunctionName")
age_ms = partial(of_aws, "AWS/Lambda", "IteratorAge", "FunctionName")
api_5xx = partial(of_aws, "AWS/ApiGateway", "5xx", "ApiId")


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
        "DOORBELL_QUEUE_URL": local.queue_url,
        "LOOK_QUEUE_URL": local.queue_url,
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
    return [*sweeps, *now_and_then, *retried, *works, api_5xx("HttpApi", 1, 40)]


type Trouble = Callable[[Measured], list[Value]]


def _dead_letter(queue: str) -> Trouble:
    return lambda _measured: [visible(queue, 1, HOUR - 30)]


def _fails(function: str) -> Trouble:
    return lambda _measured: [errors(function, 1, HOUR - back) for back in (30, 90, 270)]


TROUBLES: Mapping[str, Trouble] = {
    **{f"{name}Alarm": _dead_letter(name) for name in (
        "DoorbellDlq", "LookDlq", "TransferDlq", "DeliveryDlq", "RelayDlq", "SweepDlq",
    )},
    "DialerErrorsAlarm": _fails("DialNextFunction"),
    "RelayErrorsAlarm": _fails("RelayCallChangesFunction"),
    "LivekitHookErrorsAlarm": _fails("ReceiveLivekitEventFunction"),
    "CarrierHookErrorsAlarm": _fails("ReceiveSipEventFunction"),
    "ApiErrorsAlarm": lambda _measured: [api_5xx("HttpApi", 6, HOUR - back) for back in (30, 90, 150)],
    "RelayBehindAlarm": lambda _measured: [age_ms("RelayCallChangesFunction", 601_000, HOUR - 30)],
    "UnservedAlarm": lambda measured: [
        value for back in (20, 80, 140) for value in measured.sweep(HOUR - back, oldest_with_line_free_ms=181_000)
    ],
    "LivekitHooksRefusedAlarm": lambda measured: measured.hooks("receive_livekit_event", 6, HOUR - 100),
    "CarrierHooksRefusedAlarm": lambda measured: measured.hooks("receive_sip_event", 21, HOUR - 100),
    "WebhooksGivenUpAlarm": lambda measured: measured.webhooks(GaveUp(10, "503"), HOUR - 1800),
    "MendedAlarm": lambda measured: measured.sweep(HOUR - 10, settled=30, adopted=20, ends_told=6, rooms_closed=5),
}  # fmt: skip
"""By alarm: what happens within the hour before it is looked at, beside what is usual."""

MISSING = "SweepMissingAlarm"
"""Rings for what does not happen."""


def ringing(values: list[Value], now_s: int = HOUR) -> set[str]:
    return {name for name, alarm in ALARMS.items() if is_alarm(alarm, resolve, values, now_s)}


def test_every_alarm_has_a_trouble_that_it_rings_for() -> None:
    assert {*TROUBLES, MISSING} == set(ALARMS)


def test_where_nothing_is_wrong_none_rings(measured: Measured) -> None:
    assert ringing(quiet(measured, HOUR)) == set()


@pytest.mark.parametrize("name", TROUBLES)
def test_it_rings_for_its_trouble_alone_and_is_over_with_it(measured: Measured, name: str) -> None:
    values = quiet(measured, 2 * HOUR + MINUTE)
    trouble = TROUBLES[name](measured)
    assert ringing([*values, *trouble]) == {name}
    assert ringing([*values, *trouble], 2 * HOUR + MINUTE) == set()


def test_a_sweep_that_does_not_come_to_its_end_is_missed(measured: Measured) -> None:
    swept = [each for each in quiet(measured, HOUR) if each.at_s < HOUR - 5 * MINUTE]
    assert ringing(swept) == {MISSING}
    assert ringing([*swept, *measured.sweep(HOUR - 30)]) == set()


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
