"""`python -m cli`: limits of a running deployment.

    python -m cli account ACCOUNT                             cap and lines in use
    python -m cli account ACCOUNT --max-calls 20              so many calls at once, from now on
    python -m cli trunk TRUNK --calls-per-second 1.5          so many dials a second through that trunk; 0 for no limit

AWS credentials and region come from the environment, as for any AWS command; `--stack` names the deployment.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from ringline.accounts.store import AccountStore
from ringline.calls.doorbell import SqsDoorbell
from ringline.calls.store import CallStore
from ringline.calls.trunk_paces import TrunkPaces
from ringline.runtime.problems import Problem


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the command needs of a deployed stack."""

    dynamodb: Any
    sqs: Any
    table_name: str
    doorbell_url: str


def find_deployment(stack: str) -> Deployment:
    """The deployment, by the outputs of its CloudFormation stack. Raises botocore's errors."""
    session = botocore.session.get_session()
    answer = session.create_client("cloudformation").describe_stacks(StackName=stack)
    outputs = {each["OutputKey"]: each["OutputValue"] for each in answer["Stacks"][0]["Outputs"]}
    return Deployment(
        dynamodb=session.create_client("dynamodb"),
        sqs=session.create_client("sqs"),
        table_name=outputs["TableName"],
        doorbell_url=outputs["DoorbellQueueUrl"],
    )


def account(deployment: Deployment, account_id: str, max_calls: int | None) -> str:
    """Shows the account's lines, after setting how many it has. Raises Problem for an unknown account.

    A lower cap drains: no call is cut off. A higher one rings for the calls that wait.
    """
    if max_calls is not None:
        AccountStore(deployment.dynamodb, deployment.table_name).set_cap(account_id, max_calls)
        SqsDoorbell(lambda: deployment.sqs, deployment.doorbell_url).ring(account_id)
    gate = CallStore(deployment.dynamodb, deployment.table_name).gate(account_id)
    return f"{account_id}: {gate.in_use} of {gate.cap} lines in use"


def trunk(deployment: Deployment, trunk_id: str, calls_per_second: float) -> str:
    TrunkPaces(deployment.dynamodb, deployment.table_name).set_rate(trunk_id, calls_per_second)
    return f"{trunk_id}: {f'{calls_per_second:g} calls a second' if calls_per_second else 'no limit'}"


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    try:
        deployment = find_deployment(asked.stack)
        if asked.command == "account":
            print(account(deployment, asked.account, asked.max_calls))
        else:
            print(trunk(deployment, asked.trunk, asked.calls_per_second))
    except Problem as problem:
        print(f"error: {problem.title}", file=sys.stderr)
        return 1
    except (ClientError, BotoCoreError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cli", description="Limits of a running deployment.")
    parser.add_argument("--stack", default="ringline", help="the deployment's CloudFormation stack (default: ringline)")
    commands = parser.add_subparsers(dest="command", required=True)
    of_account = commands.add_parser("account", help="how many calls an account may have at once")
    of_account.add_argument("account")
    of_account.add_argument("--max-calls", type=_whole, help="from now on; a lower number drains, nothing is cut off")
    of_trunk = commands.add_parser("trunk", help="how many calls a second go out through a trunk")
    of_trunk.add_argument("trunk", help="its LiveKit id, ST_...")
    of_trunk.add_argument("--calls-per-second", type=_rate, required=True, help="0 for no limit")
    return parser


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("is not a whole number of 0 or more")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1000:
        raise argparse.ArgumentTypeError("is not a number from 0 to 1000")
    return rate


if __name__ == "__main__":
    sys.exit(main())
