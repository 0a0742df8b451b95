"""What `doctor` finds, and what it says is to be mended. Nothing of it changes anything."""

from collections.abc import Mapping
from dataclasses import replace
from threading import Event
from types import ModuleType
from typing import Any

import httpx
import pytest

from cli.doctor import of_api
from cli.doctor.check import Check, Finding, Once, Result, run_all, worst
from cli.doctor.of_api import skew
from cli.doctor.of_livekit import LivekitChecks
from cli.doctor.of_stack import StackChecks
from cli.model.failures import NotReachable
from cli.model.profiles import Profile
from cli.reach.deployment import Deployment
from cli.reach.livekit import LivekitKeys, livekit_keys
from ringline.accounts.store import AccountStore
from ringline.routing.records import Agent
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import now_ms
from ringline.runtime.vault.document import new_document
from tests.builders import ACCOUNT
from tests.component.cli.terminal import Terminal
from tests.component.one_table import LocalAws, load_handler
from tests.fakes import CONTEXT

KEYS = LivekitKeys("ws://127.0.0.1:9", "devkey", "secret" * 8, "ST_1", "http://127.0.0.1:9/hooks/livekit", "agent")


def found(terminal: Terminal, name: str) -> dict[str, Any]:
    told = terminal.type("--json", "doctor")
    checks = {each["name"]: each for each in told.document["checks"]}
    assert set(checks[name]) == {"name", "result", "says", "remedy"}
    return dict(checks[name])


def test_a_customers_doctor_skips_what_only_an_operator_sees(terminal: Terminal) -> None:
    told = terminal.type("doctor")
    assert "names no CloudFormation stack" in told.out
    assert found(terminal, "livekit")["result"] == found(terminal, "quotas")["result"] == "skipped"
    assert (found(terminal, "api")["result"], found(terminal, "api_key")["result"]) == ("ok", "ok")
    assert found(terminal, "clock")["result"] == "ok"


def test_nothing_is_changed_by_looking(terminal: Terminal) -> None:
    before = terminal.local.items()
    terminal.type("doctor")
    assert terminal.local.items() == before and terminal.local.messages() == []
    assert {request.split()[0] for request in terminal.api.requests} == {"GET"}


def test_the_exit_code_says_the_worst_that_was_found(terminal: Terminal) -> None:
    assert terminal.type("doctor").exit_code == 6, "an account without numbers is worth a look"
    AccountStore(terminal.local.dynamodb, terminal.local.table_name).set_cap(ACCOUNT, 0)
    assert terminal.type("doctor").exit_code == 5


def test_a_key_that_is_not_taken_is_told_with_its_remedy(terminal: Terminal) -> None:
    assert terminal.running is not None
    terminal.running = replace(terminal.running, api_key="sk_0123456789abcdef")
    finding = found(terminal, "api_key")
    assert finding["result"] == "fail" and "account key" in finding["remedy"]
    assert terminal.type("doctor").exit_code == 5


def test_an_api_that_is_away_fails_each_check_of_it(terminal: Terminal) -> None:
    terminal.api.answers_first = [httpx.ConnectError("refused")] * 50
    told = terminal.type("--json", "doctor")
    assert told.exit_code == 5
    results = {each["name"]: each["result"] for each in told.document["checks"]}
    assert results["api"] == results["api_key"] == results["account"] == "fail"
    terminal.api.answers_first = [httpx.ConnectError("refused")] * 50
    (line,) = (line for line in terminal.type("doctor").out.splitlines() if line.endswith("Is the stack up?"))
    assert line.startswith("  api, api_key, "), "one remedy is told once"


def test_what_is_no_api_of_ours_is_told(terminal: Terminal) -> None:
    terminal.api.answers_first = [httpx.Response(200, text="<html>", headers={"content-type": "text/html"})] * 50
    assert found(terminal, "api")["result"] == "fail"


def test_a_deployment_of_another_release_is_told(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(terminal, "release")["result"] == "ok"
    monkeypatch.setattr(of_api, "VERSION", "99.0.0")
    finding = found(terminal, "release")
    assert finding["result"] == "warn" and "99.0.0" in finding["says"]


def test_a_paused_account_is_told(terminal: Terminal) -> None:
    AccountStore(terminal.local.dynamodb, terminal.local.table_name).set_cap(ACCOUNT, 0)
    assert found(terminal, "account")["says"] == "its cap is 0: nobody is dialled"


def test_a_runner_that_is_not_there_is_missed(terminal: Terminal) -> None:
    routing = RoutingStore(terminal.local.dynamodb, terminal.local.table_name)
    routing.put_agent(ACCOUNT, Agent(agent_id="concierge", name="Concierge", brain="runner"))
    finding = found(terminal, "agents")
    assert finding["result"] == "fail" and "concierge" in finding["says"]


def test_a_disabled_endpoint_is_told(terminal: Terminal) -> None:
    made = terminal.document("webhook", "create", "https://example.com/hook")
    terminal.done("webhook", "set", made["endpoint_id"], "--disabled")
    assert found(terminal, "webhook_endpoints")["result"] == "warn"


@pytest.mark.parametrize(("apart_s", "result"), [(0, Result.OK), (10, Result.WARN), (-90, Result.FAIL)])
def test_clocks_that_are_apart_are_told(apart_s: int, result: Result) -> None:
    headers = {"date": "Sat, 21 Nov 2026 02:09:00 GMT"}
    assert skew("clock", headers, 1_795_226_940_000 + apart_s * 1000, "the API").result is result
    assert skew("clock", {}, 0, "the API").result is Result.SKIPPED


# ---------------------------------------------------------------- LiveKit


def test_a_livekit_that_is_away_is_told_by_every_check_of_it() -> None:
    findings = {each.name: each for each in run_all(LivekitChecks(lambda: KEYS, now_ms).all())}
    failing = ("livekit", "outbound_trunk", "inbound_trunks", "dispatch_rules", "livekit_webhook")
    assert {findings[name].result for name in failing} == {Result.FAIL}
    assert "127.0.0.1:9" in findings["livekit"].says
    assert findings["livekit_clock"].result is Result.SKIPPED


def test_hooks_that_livekit_elsewhere_cannot_reach_are_told() -> None:
    keys = replace(KEYS, url="wss://livekit.example.com")
    (check,) = (each for each in LivekitChecks(lambda: keys, now_ms).all() if each.name == "livekit_webhook")
    finding = check.look()
    assert finding.result is Result.FAIL and "PUBLIC_URL" in finding.remedy


@pytest.fixture
def hook(local: LocalAws, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """What the doctor posts reaches the function that hears LiveKit."""
    settings = {"LIVEKIT_URL": KEYS.url, "LIVEKIT_API_KEY": KEYS.api_key, "LIVEKIT_API_SECRET": KEYS.api_secret}
    queues = {"DOORBELL_QUEUE_URL": local.queue_url, "LOOK_QUEUE_URL": local.queue_url}
    handler = load_handler("receive_livekit_event", settings | queues | {"AGENT_NAME": KEYS.agent_name})

    def post(url: str, *, content: bytes, headers: dict[str, str], **_: Any) -> httpx.Response:
        event = {"headers": headers, "body": content.decode(), "requestContext": {"domainName": url}}
        answer = handler.lambda_handler(event, CONTEXT)
        return httpx.Response(answer["statusCode"], text=answer["body"])

    monkeypatch.setattr(httpx, "post", post)
    return handler


def webhook_found(keys: LivekitKeys) -> Finding:
    (check,) = (each for each in LivekitChecks(lambda: keys, now_ms).all() if each.name == "livekit_webhook")
    return check.look()


def test_a_look_at_the_hook_is_not_counted_as_a_refused_one(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch, local: LocalAws
) -> None:
    counted: list[Any] = []
    monkeypatch.setattr(hook, "count", lambda *told, **_: counted.append(told))
    before = local.items()
    finding = webhook_found(KEYS)
    assert (finding.result, counted, local.items()) == (Result.OK, [], before)


def test_a_hook_that_does_not_know_the_key_is_told(hook: ModuleType) -> None:
    finding = webhook_found(replace(KEYS, api_secret="another" * 8))
    assert finding.result is Result.FAIL and "refuses" in finding.says


@pytest.mark.parametrize(("status", "text"), [(404, "{}"), (200, "<html>")])
def test_an_address_that_is_no_hook_of_ours_is_told(monkeypatch: pytest.MonkeyPatch, status: int, text: str) -> None:
    monkeypatch.setattr(httpx, "post", lambda *_args, **_how: httpx.Response(status, text=text))
    finding = webhook_found(KEYS)
    assert finding.result is Result.FAIL and str(status) in finding.says


# ---------------------------------------------------------------- the deployed stack


class Aws:
    """A stack of one alarm, its topic and one dead-letter queue; each answer may be changed."""

    def __init__(self, **answers: Any) -> None:
        self._answers: dict[str, Any] = {
            "StackStatus": "UPDATE_COMPLETE",
            "MetricAlarms": [],
            "ApproximateNumberOfMessages": "0",
            "UnreservedConcurrentExecutions": 900,
            "Subscriptions": [{"SubscriptionArn": "arn:aws:sns:eu-west-1:000000000000:mine-AlarmTopic:1"}],
            "Datapoints": [{"Sum": 1.0}],
            **answers,
        }

    def create_client(self, _service: str, **_settings: Any) -> "Aws":
        return self

    def describe_stacks(self, **_asked: Any) -> dict[str, Any]:
        return {"Stacks": [{"StackStatus": self._answers["StackStatus"]}]}

    def get_paginator(self, _operation: str) -> "Aws":
        return self

    def get_metric_statistics(self, **asked: Any) -> dict[str, Any]:
        assert (asked["Namespace"], asked["MetricName"]) == ("mine", "Swept")
        return {"Datapoints": self._answers["Datapoints"]}

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        if "TopicArn" in asked:
            assert asked["TopicArn"] == "arn:aws:sns:eu-west-1:000000000000:mine-AlarmTopic"
            return [{"Subscriptions": self._answers["Subscriptions"]}]
        kinds = {
            "SweepDlq": ("AWS::SQS::Queue", "https://queue"),
            "DoorbellQueue": ("AWS::SQS::Queue", "https://bell"),
            "SweepDlqAlarm": ("AWS::CloudWatch::Alarm", "mine-SweepDlqAlarm"),
            "AlarmTopic": ("AWS::SNS::Topic", "arn:aws:sns:eu-west-1:000000000000:mine-AlarmTopic"),
        }
        rows = [
            {"LogicalResourceId": name, "ResourceType": kind, "PhysicalResourceId": physical}
            for name, (kind, physical) in kinds.items()
        ]
        return [{"StackResourceSummaries": rows}]

    def describe_alarms(self, **_asked: Any) -> dict[str, Any]:
        return {"MetricAlarms": self._answers["MetricAlarms"]}

    def get_queue_attributes(self, QueueUrl: str, **_asked: Any) -> dict[str, Any]:
        assert QueueUrl == "https://queue", "only dead letters are counted"
        return {"Attributes": {"ApproximateNumberOfMessages": self._answers["ApproximateNumberOfMessages"]}}

    def get_account_settings(self) -> dict[str, Any]:
        free = self._answers["UnreservedConcurrentExecutions"]
        return {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": free}}

    def describe_stack_resource(self, **_asked: Any) -> dict[str, Any]:
        return {"StackResourceDetail": {"PhysicalResourceId": "mine-DialNext"}}

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:
        assert FunctionName == "mine-DialNext"
        said = {"LIVEKIT_URL": KEYS.url, "STACK_SECRETS": "mine/secrets"}
        return {"Environment": {"Variables": {**said, "SIP_TRUNK_ID": "ST_1", "AGENT_NAME": "agent"}}}

    class exceptions:
        class ResourceNotFoundException(Exception):
            pass

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        assert SecretId == "mine/secrets"
        return {"SecretString": new_document(1).with_value("livekit", f"devkey:{KEYS.api_secret}", 1).as_text()}


def deployed(local: LocalAws, aws: Aws, stack: str | None = "mine") -> Deployment:
    return Deployment(local.dynamodb, aws, local.table_name, local.queue_url, "http://127.0.0.1:9", stack, aws)


def results(local: LocalAws, **answers: Any) -> Mapping[str, Result]:
    deployment = deployed(local, Aws(**answers))
    return {each.name: each.result for each in run_all(StackChecks(lambda: deployment).all())}


def test_a_stack_that_is_whole_has_nothing_to_mend(local: LocalAws) -> None:
    assert set(results(local).values()) == {Result.OK}


@pytest.mark.parametrize(
    ("answers", "name", "result"),
    [
        ({"StackStatus": "UPDATE_IN_PROGRESS"}, "stack", Result.WARN),
        ({"MetricAlarms": [{"AlarmName": "mine-SweepDlqAlarm"}]}, "alarms", Result.FAIL),
        ({"Subscriptions": []}, "alarms_heard", Result.WARN),
        ({"Subscriptions": [{"SubscriptionArn": "PendingConfirmation"}]}, "alarms_heard", Result.WARN),
        ({"Datapoints": []}, "last_sweep", Result.FAIL),
        ({"ApproximateNumberOfMessages": "3"}, "dead_letters", Result.FAIL),
        ({"UnreservedConcurrentExecutions": 10}, "quotas", Result.WARN),
    ],
)
def test_what_is_wrong_with_a_stack_is_told(
    local: LocalAws, answers: dict[str, Any], name: str, result: Result
) -> None:
    found_results = results(local, **answers)
    assert found_results[name] is result
    assert {other for each, other in found_results.items() if each != name} == {Result.OK}


def test_the_stack_on_one_machine_has_no_quotas(local: LocalAws) -> None:
    deployment = deployed(local, Aws(), stack=None)
    findings = {each.name: each.result for each in run_all(StackChecks(lambda: deployment).all())}
    assert findings.pop("table") is Result.OK
    assert set(findings.values()) == {Result.SKIPPED}


def test_livekits_keys_are_those_of_the_deployed_functions(local: LocalAws) -> None:
    assert livekit_keys(Profile(name="mine", stack="mine"), deployed(local, Aws())) == KEYS


# ---------------------------------------------------------------- how checks are run


def test_a_check_that_does_not_end_is_a_finding_and_keeps_nobody_waiting() -> None:
    released = Event()

    def waits() -> Finding:
        released.wait()
        return Finding("slow", Result.OK, "at last")

    slow = Check("slow", waits)
    quick = Check("quick", lambda: Finding("quick", Result.OK, "at once"))
    findings = run_all([slow, quick], within_s=2)
    released.set()
    assert [each.result for each in findings] == [Result.FAIL, Result.OK]
    assert "not answered within" in findings[0].says


def test_a_check_that_fails_is_a_finding_with_the_failures_own_advice() -> None:
    def away() -> Finding:
        raise NotReachable("The API", "refused", "Start it.")

    (finding,) = run_all([Check("api", away)])
    assert (finding.result, finding.remedy) == (Result.FAIL, "Start it.")
    assert worst([finding]) is Result.FAIL and worst([]) is Result.SKIPPED


def test_what_is_found_out_once_is_the_same_for_all_who_ask() -> None:
    asked: list[int] = []

    def find() -> int:
        asked.append(1)
        raise ValueError("gone")

    once = Once(find)
    for _ in range(2):
        with pytest.raises(ValueError, match="gone"):
            once()
    assert len(asked) == 1
