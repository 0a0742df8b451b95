"""A profile: one stack, and whose key of it is used. What a command is for is looked for in this order: `--profile`,
RINGLINE_PROFILE, the profile that `profile use` chose, the stack that is up on this machine, the only profile there
is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LOCAL = "local"
"""The name of the stack that is up on this machine. The settings file cannot hold it."""

_SHOWN_OF_A_KEY = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A customer's commands need `api_url` and `api_key`, an operator's `stack`, the CloudFormation stack, or
    `endpoint_url` with the rest, which stand for it on one machine. AWS credentials come from the environment, or from
    `aws_profile`."""

    name: str
    api_url: str | None = None
    api_key: str | None = None
    stack: str | None = None
    region: str | None = None
    aws_profile: str | None = None
    on_this_machine: "OnThisMachine | None" = None

    def as_json(self) -> dict[str, Any]:
        """As it is shown: the key but for its beginning is left out."""
        return {
            "name": self.name,
            "api_url": self.api_url,
            "api_key": redacted(self.api_key),
            "stack": self.stack,
            "region": self.region,
            "aws_profile": self.aws_profile,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OnThisMachine:
    """What CloudFormation and Lambda tell of a deployed stack, of the stack on one machine."""

    endpoint_url: str
    table_name: str
    doorbell_url: str
    livekit_url: str
    livekit_api_key: str
    livekit_api_secret: str
    sip_trunk_id: str
    hooks_url: str
    agent_name: str
    secrets_name: str = ""
    functions: Mapping[str, str] = field(default_factory=dict)


FIELDS = ("api_url", "api_key", "stack", "region", "aws_profile")
"""What the settings file holds of each profile."""


def redacted(api_key: str | None) -> str | None:
    """`sk_Ab12...`: enough to tell keys apart."""
    return None if api_key is None else f"{api_key[:_SHOWN_OF_A_KEY]}..."
