"""What a command finds around it. Tests bring their own: another network, clock and settings."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from cli.model.profiles import Profile
from cli.reach.api import Sleep
from cli.reach.deployment import Deployment, find_deployment
from cli.settings.running_stack import running_stack
from ringline.runtime.clock import Clock, now_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """`transport` carries requests to the API, None for the network. `running_stack` is the profile of the stack that
    is up on this machine, if one is."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    transport: httpx.BaseTransport | None = None
    find_deployment: Callable[[Profile], Deployment] = find_deployment
    running_stack: Callable[[Mapping[str, str]], Profile | None] = running_stack
    clock: Clock = now_ms
    sleep: Sleep = time.sleep
