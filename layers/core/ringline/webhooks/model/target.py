"""Where an endpoint's deliveries go: a URL, a queue of SQS, a bus of EventBridge, or the URL that each call names."""

import re
from collections.abc import Collection
from enum import StrEnum

from ringline.record import stored


class TargetType(StrEnum):
    HTTP = "http"
    SQS = "sqs"
    EVENTBRIDGE = "eventbridge"
    CALL = "call"
    """The `webhook_url` of the call that an event is about."""


CALLS_OWN_URL = "call:webhook_url"
"""The address of an endpoint for which each call names the URL."""

_ARN = re.compile(
    r"arn:(?P<partition>aws|aws-cn|aws-us-gov):(?P<service>sqs|events):(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):"
    r"(?P<account>\d{12}):(?P<name>.+)"
)
_NAMES = {
    TargetType.SQS: re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo|[A-Za-z0-9_-]{1,80}"),
    TargetType.EVENTBRIDGE: re.compile(r"event-bus/[A-Za-z0-9._/-]{1,256}"),
}
_SERVICES = {"sqs": TargetType.SQS, "events": TargetType.EVENTBRIDGE}
_LIKE = {
    TargetType.SQS: "arn:aws:sqs:eu-central-1:123456789012:calls",
    TargetType.EVENTBRIDGE: "arn:aws:events:eu-central-1:123456789012:event-bus/calls",
}


@stored
class Arn:
    """The name of a queue or of a bus, taken to pieces."""

    type: TargetType
    partition: str
    region: str
    account: str
    name: str

    @property
    def is_fifo(self) -> bool:
        return self.name.endswith(".fifo")

    @property
    def queue_url(self) -> str:
        """The URL by which SQS knows a queue."""
        suffix = ".cn" if self.partition == "aws-cn" else ""
        return f"https://sqs.{self.region}.amazonaws.com{suffix}/{self.account}/{self.name}"


def arn_in(address: str) -> Arn | None:
    """The queue or the bus that an address names; None of any other address."""
    said = _ARN.fullmatch(address)
    if said is None:
        return None
    target_type = _SERVICES[said["service"]]
    if not _NAMES[target_type].fullmatch(said["name"]):
        return None
    return Arn(target_type, said["partition"], said["region"], said["account"], said["name"])


def type_of(address: str) -> TargetType:
    """What kind of target an endpoint's address leads to."""
    if address == CALLS_OWN_URL:
        return TargetType.CALL
    arn = arn_in(address)
    return TargetType.HTTP if arn is None else arn.type


def arn_fault(address: str, wanted: TargetType, allowed: Collection[str]) -> str | None:
    """What is wrong with an ARN as a target of that type, in a few words, or None. `allowed` are those to which the
    deployment may send."""
    arn = arn_in(address)
    if arn is None or arn.type is not wanted:
        return f"must be an ARN like {_LIKE[wanted]}"
    if address not in allowed:
        return "is not among those that this deployment may send to: its operator names them in WebhookTargets"
    return None
