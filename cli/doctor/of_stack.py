"""The deployed stack: whether it is whole, what its alarms say, what got stuck, and what AWS grants it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cli.doctor.check import Check, Finding, Result
from cli.reach.deployment import Deployment

FEW_AT_ONCE = 100
"""A new AWS account may run ten functions at once, which a handful of calls uses up."""

_WHOLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"})
_SWEPT_WITHIN_MIN = 10
"""It runs each minute, and metrics come a few minutes late."""

_HERE = "this is the stack on one machine"


@dataclass(frozen=True, slots=True)
class StackChecks:
    """`deployment` is found at the first look."""

    deployment: Callable[[], Deployment]

    def all(self) -> list[Check]:
        return [
            Check("table", self._table),
            Check("stack", self._stack),
            Check("alarms", self._alarms),
            Check("alarms_heard", self._alarms_heard),
            Check("last_sweep", self._last_sweep),
            Check("dead_letters", self._dead_letters),
            Check("quotas", self._quotas),
        ]

    def _table(self) -> Finding:
        deployment = self.deployment()
        status = deployment.dynamodb.describe_table(TableName=deployment.table_name)["Table"]["TableStatus"]
        if status == "ACTIVE":
            return Finding("table", Result.OK, f"{deployment.table_name} is there")
        return Finding(
            "table", Result.FAIL, f"{deployment.table_name} is {status}", "Look at it in DynamoDB's console."
        )

    def _stack(self) -> Finding:
        deployment = self.deployment()
        if deployment.stack is None:
            return Finding("stack", Result.SKIPPED, _HERE)
        stacks = deployment.client("cloudformation").describe_stacks(StackName=deployment.stack)["Stacks"]
        status = stacks[0]["StackStatus"]
        if status in _WHOLE:
            return Finding("stack", Result.OK, f"{deployment.stack} is {status}")
        remedy = "If it is being deployed, wait; otherwise look at the stack's events, and deploy again."
        return Finding("stack", Result.WARN, f"{deployment.stack} is {status}", remedy)

    def _alarms(self) -> Finding:
        deployment = self.deployment()
        if deployment.stack is None:
            return Finding("alarms", Result.SKIPPED, _HERE)
        names = self._resources("AWS::CloudWatch::Alarm")
        cloudwatch = deployment.client("cloudwatch")
        ringing = cloudwatch.describe_alarms(AlarmNames=list(names.values())[:100], StateValue="ALARM")["MetricAlarms"]
        if not ringing:
            return Finding("alarms", Result.OK, f"{len(names)}, none rings")
        says = f"these ring: {', '.join(sorted(each['AlarmName'] for each in ringing))}"
        return Finding("alarms", Result.FAIL, says, "docs/operating.md says what each means.")

    def _alarms_heard(self) -> Finding:
        """Whether anybody is told. A subscription that was never confirmed tells nobody."""
        deployment = self.deployment()
        if deployment.stack is None:
            return Finding("alarms_heard", Result.SKIPPED, _HERE)
        (topic,) = self._resources("AWS::SNS::Topic").values()
        pages = deployment.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        confirmed = [each for page in pages for each in page["Subscriptions"] if each["SubscriptionArn"].count(":") > 1]
        if confirmed:
            return Finding("alarms_heard", Result.OK, f"{len(confirmed)} subscribed")
        remedy = f"Subscribe somebody to {topic}, or deploy with AlarmEmail and confirm the letter."
        return Finding("alarms_heard", Result.WARN, "no alarm reaches anybody", remedy)

    def _last_sweep(self) -> Finding:
        """Whether what gets lost is being mended, by the metric that the sweep tells at its end."""
        deployment = self.deployment()
        if deployment.stack is None:
            return Finding("last_sweep", Result.SKIPPED, _HERE)
        until = datetime.now(UTC)
        points = deployment.client("cloudwatch").get_metric_statistics(
            Namespace=deployment.stack,
            MetricName="Swept",
            StartTime=until - timedelta(minutes=_SWEPT_WITHIN_MIN),
            EndTime=until,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        if points:
            return Finding("last_sweep", Result.OK, f"in {len(points)} of the last {_SWEPT_WITHIN_MIN} minutes")
        says = f"no sweep has come to its end for {_SWEPT_WITHIN_MIN} minutes"
        return Finding("last_sweep", Result.FAIL, says, "docs/operating.md#the-sweep-does-not-run")

    def _dead_letters(self) -> Finding:
        deployment = self.deployment()
        if deployment.stack is None:
            return Finding("dead_letters", Result.SKIPPED, _HERE)
        queues = {name: url for name, url in self._resources("AWS::SQS::Queue").items() if name.endswith("Dlq")}
        asked = {"AttributeNames": ["ApproximateNumberOfMessages"]}
        counts = {
            name: int(
                deployment.sqs.get_queue_attributes(QueueUrl=url, **asked)["Attributes"][asked["AttributeNames"][0]]
            )
            for name, url in sorted(queues.items())
        }
        held = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
        if not held:
            return Finding("dead_letters", Result.OK, f"{len(counts)} queues, all empty")
        return Finding(
            "dead_letters", Result.FAIL, f"messages got stuck: {held}", "docs/operating.md says what each means."
        )

    def _quotas(self) -> Finding:
        deployment = self.deployment()
        if deployment.stack is None:
            return Finding("quotas", Result.SKIPPED, _HERE)
        limits = deployment.client("lambda").get_account_settings()["AccountLimit"]
        at_once, free = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
        if free >= FEW_AT_ONCE:
            return Finding("quotas", Result.OK, f"{at_once} functions may run at once, {free} of them unreserved")
        says = f"only {free} functions may run at once, unreserved, of {at_once}"
        remedy = "Ask AWS for more: Service Quotas, AWS Lambda, concurrent executions."
        return Finding("quotas", Result.WARN, says, remedy)

    def _resources(self, kind: str) -> dict[str, str]:
        """Physical ids by logical ones."""
        deployment = self.deployment()
        pages = deployment.client("cloudformation").get_paginator("list_stack_resources")
        found: list[dict[str, Any]] = [
            each for page in pages.paginate(StackName=deployment.stack) for each in page["StackResourceSummaries"]
        ]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found if each["ResourceType"] == kind}
