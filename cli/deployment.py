"""The deployment that a command is for."""

from dataclasses import dataclass
from typing import Any

import botocore.session

from ringline.accounts.store import AccountStore
from ringline.calls.tables.store import CallStore
from ringline.routing.store import RoutingStore
from ringline.runtime.web.problems import Problem, not_found


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the command needs of a deployed stack."""

    dynamodb: Any
    sqs: Any
    table_name: str
    doorbell_url: str
    api_url: str = ""

    @property
    def accounts(self) -> AccountStore:
        return AccountStore(self.dynamodb, self.table_name)

    @property
    def routing(self) -> RoutingStore:
        return RoutingStore(self.dynamodb, self.table_name)

    @property
    def calls(self) -> CallStore:
        return CallStore(self.dynamodb, self.table_name)


def find_deployment(stack: str) -> Deployment:
    """The deployment, by the outputs of its CloudFormation stack. Raises botocore's errors, and Problem 404 for a stack
    that is another program's, or not whole yet."""
    session = botocore.session.get_session()
    answer = session.create_client("cloudformation").describe_stacks(StackName=stack)
    outputs = {each["OutputKey"]: each["OutputValue"] for each in answer["Stacks"][0].get("Outputs", [])}
    for name in ("TableName", "DoorbellQueueUrl"):
        if name not in outputs:
            raise not_found(
                "deployment_not_found", f"The stack {stack} has no output {name}: is it Ringline's, and up?"
            )
    return Deployment(
        dynamodb=session.create_client("dynamodb"),
        sqs=session.create_client("sqs"),
        table_name=outputs["TableName"],
        doorbell_url=outputs["DoorbellQueueUrl"],
        api_url=outputs.get("ApiUrl", ""),
    )


def no_such(what: str, name: str, account_id: str) -> Problem:
    """404 for what the account does not have."""
    return not_found(f"{what}_not_found", f"{account_id} has no {what} {name}")
