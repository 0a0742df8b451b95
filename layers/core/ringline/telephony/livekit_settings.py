"""Where LiveKit is, and under which names we go there. Apart from `livekit`, whose client takes long to load."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ringline.runtime.settings import SettingsModel, optional, required, required_url, secret
from ringline.runtime.vault.kept import VARIABLE
from ringline.runtime.vault.livekit_keys import LivekitKey, livekit_keys
from ringline.telephony.token_secrets import token_secret

if TYPE_CHECKING:
    # Most functions that read these settings send no agent, and start without calls.
    from ringline.calls.model.call import Call

USUAL_SPEECH_AGENT = "ringline-speech"
"""The name under which the speech worker takes jobs where the deployment names none."""


def stack_mark(stack_id: str) -> str:
    """What a deployment's own things at LiveKit are marked with: of the id that CloudFormation gives its stack
    (`arn:aws:cloudformation:region:account:stack/name/uuid`) name/uuid, since two stacks of one name differ."""
    return stack_id.split(":stack/")[-1]


type OwnName = Callable[[str, str | None], str | None]
"""The name of its own under which LiveKit dispatches an agent (account, agent); None where it has none."""

type Whole = Callable[["Call"], "Call"]
"""A call with what was asked of it. Raises LookupError where that is not there."""


class LivekitSettings(SettingsModel):
    """What every function needs that asks LiveKit or hears it. The first of its keys signs our requests, any of them
    LiveKit's webhooks; `token_secret` makes the tokens of agents."""

    url: str = required_url("LIVEKIT_URL")
    keys: tuple[LivekitKey, ...] = secret(VARIABLE, livekit_keys)
    token_secret: str = secret(VARIABLE, token_secret)
    sip_trunk_id: str = ""
    agent_name: str = ""
    speech_agent_name: str = ""
    public_url: str = ""
    own_name_of: "OwnName | None" = None
    whole_of: "Whole | None" = None

    def agent_for(self, call: "Call") -> str:
        """The agent that LiveKit is asked to dispatch to the call: the customer's own where it has a name of its own,
        as it is set up at this moment."""
        if call.brain is not None:
            return self.speech_agent_name or USUAL_SPEECH_AGENT
        own = None if self.own_name_of is None else self.own_name_of(call.account_id, call.agent_id)
        return own or self.agent_name

    def whole(self, call: "Call") -> "Call":
        """The call as its agent is told of it. Raises LookupError."""
        return call if self.whole_of is None else self.whole_of(call)

    @property
    def api_key(self) -> str:
        return self.keys[0].api_key

    @property
    def api_secret(self) -> str:
        return self.keys[0].api_secret

    @property
    def url_for_browsers(self) -> str:
        """LiveKit's address as its clients dial it."""
        return self.url.replace("http", "ws", 1) if self.url.startswith("http") else self.url

    @property
    def own_agents(self) -> frozenset[str]:
        """All that we dispatch to anybody's calls. Others in a room are of customers' own names, or were sent by a
        dispatch rule of somebody else's: the dispatch's metadata tells."""
        return frozenset({self.agent_name, self.speech_agent_name or USUAL_SPEECH_AGENT})


class DispatchSettings(LivekitSettings):
    """What a function needs besides that sends agents to rooms: which agents, and the URL that they report to. The
    speech agent speaks for brains that do not speak themselves."""

    agent_name: str = required("AGENT_NAME")
    speech_agent_name: str = optional("SPEECH_AGENT_NAME")
    public_url: str = optional("PUBLIC_URL")


class DialSettings(DispatchSettings):
    """What the dialer needs besides: the outbound trunk of calls that name none."""

    sip_trunk_id: str = required("SIP_TRUNK_ID")
