"""The deployment that an operator's command is for, with what it needs of AWS."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.model.failures import Usage, refused_by
from cli.model.profiles import OnThisMachine, Profile
from ringline.accounts.store import AccountStore
from ringline.accounts.tables.allowances import Allowances
from ringline.accounts.tables.key_uses import KeyUses
from ringline.audit.log import AuditLog
from ringline.audit.operator import OperatorLog
from ringline.calls.tables.paces import TrunkPaces
from ringline.calls.tables.queues import SqsDoorbell
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import Watchlist
from ringline.routing.store import RoutingStore
from ringline.runtime.clock import Clock
from ringline.runtime.web.problems import Problem, not_found
from ringline.voices.store import VoiceCatalogue

_QUICK = Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 3})


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed stack: its table, and the doorbell that its dialers hear. `client` makes a client of another service,
    as `known` says; `stack` is None for the stack on one machine. `secrets_name` is its secret in Secrets Manager.
    `keys_apart` is the template's parameter: where rows of accounts' keys are put. `deployed_at` is when CloudFormation
    began its last deployment, empty for the stack on one machine."""

    dynamodb: Any
    sqs: Any
    table_name: str
    doorbell_url: str
    api_url: str = ""
    stack: str | None = None
    session: Any = None
    secrets_name: str = ""
    known: Mapping[str, Any] = field(default_factory=dict)
    keys_apart: bool = False
    deployed_at: str = ""

    @property
    def accounts(self) -> AccountStore:
        return AccountStore(self.dynamodb, self.table_name, keys_apart=self.keys_apart)

    @property
    def allowances(self) -> Allowances:
        return Allowances(self.dynamodb, self.table_name)

    @property
    def key_uses(self) -> KeyUses:
        return KeyUses(self.dynamodb, self.table_name)

    @property
    def routing(self) -> RoutingStore:
        return RoutingStore(self.dynamodb, self.table_name)

    @property
    def calls(self) -> CallStore:
        return CallStore(self.dynamodb, self.table_name)

    @property
    def watchlist(self) -> Watchlist:
        return Watchlist(self.dynamodb, self.table_name)

    @property
    def paces(self) -> TrunkPaces:
        return TrunkPaces(self.dynamodb, self.table_name)

    @property
    def voices(self) -> VoiceCatalogue:
        return VoiceCatalogue(self.dynamodb, self.table_name)

    @property
    def audit(self) -> AuditLog:
        return AuditLog(self.dynamodb, self.table_name)

    def audited(self, clock: Clock) -> OperatorLog:
        """Where an operator's changes are written down before they are made."""
        return OperatorLog(self.audit.write, self._caller, clock)

    def _caller(self) -> str | None:
        """The AWS identity that asks; None on one machine, or where AWS does not say it."""
        if self.stack is None:
            return None
        try:
            return str(self.client("sts").get_caller_identity()["Arn"])
        except (BotoCoreError, ClientError):
            return None

    def ring(self, account_id: str) -> None:
        """Rings for the calls of an account that wait."""
        SqsDoorbell(lambda: self.sqs, self.doorbell_url).ring(account_id)

    def client(self, service: str) -> Any:
        return self.session.create_client(service, **{"config": _QUICK, **self.known})


def find_deployment(profile: Profile) -> Deployment:
    """The deployment of a profile. Raises botocore's errors, Usage for a profile without one, and Refused 404 for a
    stack that is another program's, or not whole yet."""
    if profile.on_this_machine is not None:
        return _on_this_machine(profile, profile.on_this_machine)
    if profile.stack is None:
        raise Usage(
            f"The profile {profile.name} names no CloudFormation stack, which this command needs",
            advice=f"`ringline profile add {profile.name} --stack ringline`, with AWS credentials in the environment.",
        )
    session = _session_of(profile)
    answer = session.create_client("cloudformation", config=_QUICK).describe_stacks(StackName=profile.stack)
    (stack,) = answer["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    parameters = {each["ParameterKey"]: each.get("ParameterValue") for each in stack.get("Parameters", [])}
    for name in ("TableName", "DoorbellQueueUrl"):
        if name not in outputs:
            raise refused_by(_not_ours(profile.stack, name))
    return Deployment(
        dynamodb=session.create_client("dynamodb", config=_QUICK),
        sqs=session.create_client("sqs", config=_QUICK),
        table_name=outputs["TableName"],
        doorbell_url=outputs["DoorbellQueueUrl"],
        api_url=outputs.get("ApiUrl", ""),
        stack=profile.stack,
        session=session,
        secrets_name=outputs.get("SecretsName", ""),
        keys_apart=parameters.get("KeysApart") == "true",
        deployed_at=str(stack.get("LastUpdatedTime") or stack.get("CreationTime") or ""),
    )


def client_before_a_stack(service: str, profile: Profile | None) -> Any:
    """A client of an AWS service with the credentials and the region of a profile, whether or not its stack is there
    yet; for None with those of the environment."""
    if profile is None:
        return _in_region(botocore.session.get_session(), None).create_client(service, config=_QUICK)
    if profile.on_this_machine is not None:
        known = _known_of(profile.on_this_machine)
        return botocore.session.get_session().create_client(service, **known)
    return _session_of(profile).create_client(service, config=_QUICK)


def _session_of(profile: Profile) -> Any:
    return _in_region(botocore.session.Session(profile=profile.aws_profile), profile.region)


def _in_region(session: Any, region: str | None) -> Any:
    """The session in that region, or in the one that AWS_REGION names, which botocore by itself does not read."""
    named = region or os.environ.get("AWS_REGION")
    if named:
        session.set_config_variable("region", named)
    return session


def _known_of(machine: OnThisMachine) -> dict[str, Any]:
    return {
        "endpoint_url": machine.endpoint_url,
        "region_name": "us-east-1",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "config": _QUICK,
    }


def _on_this_machine(profile: Profile, machine: OnThisMachine) -> Deployment:
    session = botocore.session.get_session()
    known = _known_of(machine)
    return Deployment(
        dynamodb=session.create_client("dynamodb", **known),
        sqs=session.create_client("sqs", **known),
        table_name=machine.table_name,
        doorbell_url=machine.doorbell_url,
        api_url=profile.api_url or "",
        session=session,
        secrets_name=machine.secrets_name,
        # It is deployed so, and there is nothing to go back to.
        keys_apart=True,
        known=known,
    )


def _not_ours(stack: str, output: str) -> Problem:
    return not_found("deployment_not_found", f"The stack {stack} has no output {output}: is it Ringline's, and up?")
