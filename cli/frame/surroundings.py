"""What a command finds around it. Tests bring their own: another network, clock and settings."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli.model.profiles import Profile
from cli.reach.api import Sleep
from cli.settings.running_stack import running_stack
from ringline.runtime.clock import Clock, now_ms

if TYPE_CHECKING:
    import httpx

    from cli.reach.deployment import Deployment


def _deployment_of(profile: Profile) -> "Deployment":
    # botocore takes half a second to load, and only an operator's commands need it.
    from cli.reach.deployment import find_deployment

    return find_deployment(profile)


def _aws_client(service: str, profile: Profile | None) -> Any:
    from cli.reach.deployment import client_before_a_stack

    return client_before_a_stack(service, profile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """`transport` carries requests to the API, None for the network. `running_stack` is the profile of the stack that
    is up on this machine, if one is; `aws_client` makes a client of an AWS service where no
    stack is looked for: as a profile says, or, for None, as the environment does."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    transport: "httpx.BaseTransport | None" = None
    find_deployment: Callable[[Profile], "Deployment"] = _deployment_of
    aws_client: Callable[[str, Profile | None], Any] = _aws_client
    running_stack: Callable[[Mapping[str, str]], Profile | None] = running_stack
    clock: Clock = now_ms
    sleep: Sleep = time.sleep
