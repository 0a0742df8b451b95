"""By what a deployment reaches LiveKit: from the settings of one of its functions, or of the stack on one machine."""

from dataclasses import dataclass, field

from cli.model.failures import refused_by
from cli.model.profiles import Profile
from cli.reach.deployment import Deployment
from cli.reach.stack_secret import StackSecret
from ringline.runtime.vault.kept import LIVEKIT, VARIABLE
from ringline.runtime.web.problems import not_found

_FUNCTION = "DialNextFunction"
_SCHEMES = {"ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class LivekitKeys:
    """LiveKit's address, key and secret, the trunk that calls go through, and where its webhooks go."""

    url: str
    api_key: str
    api_secret: str = field(repr=False)
    sip_trunk_id: str
    hooks_url: str
    agent_name: str

    @property
    def http_url(self) -> str:
        scheme, _, rest = self.url.partition("://")
        return f"{_SCHEMES.get(scheme, scheme)}://{rest}"


def livekit_keys(profile: Profile, deployment: Deployment) -> LivekitKeys:
    """Raises botocore's errors, and Refused 404 for a stack without LiveKit's key."""
    machine = profile.on_this_machine
    if machine is not None:
        return LivekitKeys(
            machine.livekit_url,
            machine.livekit_api_key,
            machine.livekit_api_secret,
            machine.sip_trunk_id,
            machine.hooks_url,
            machine.agent_name,
        )
    cloudformation = deployment.client("cloudformation")
    resource = cloudformation.describe_stack_resource(StackName=deployment.stack, LogicalResourceId=_FUNCTION)
    name = resource["StackResourceDetail"]["PhysicalResourceId"]
    said = deployment.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    held = StackSecret(deployment.client("secretsmanager"), said[VARIABLE]).read().secrets.get(LIVEKIT, ())
    if not held:
        raise refused_by(not_found("secret_not_found", f"The stack lacks its secret {LIVEKIT}"))
    api_key, _, api_secret = held[0].value.partition(":")
    return LivekitKeys(
        said["LIVEKIT_URL"],
        api_key,
        api_secret,
        said.get("SIP_TRUNK_ID", ""),
        f"{deployment.api_url}/hooks/livekit",
        said.get("AGENT_NAME", ""),
    )
