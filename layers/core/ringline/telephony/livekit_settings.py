"""Where LiveKit is, and under which names we go there. Apart from `livekit`, whose client takes long to load."""

from typing import TYPE_CHECKING

from ringline.runtime.settings import SettingsModel, optional, required, required_url

if TYPE_CHECKING:
    # Most functions that read these settings send no agent, and start without calls.
    from ringline.calls.model.call import Call

USUAL_SPEECH_AGENT = "ringline-speech"
"""The name under which the speech worker takes jobs where the deployment names none."""


class LivekitSettings(SettingsModel):
    """What every function needs that asks LiveKit or hears it. The key signs our requests, and LiveKit's webhooks."""

    url: str = required_url("LIVEKIT_URL")
    api_key: str = required("LIVEKIT_API_KEY")
    api_secret: str = required("LIVEKIT_API_SECRET")
    sip_trunk_id: str = ""
    agent_name: str = ""
    speech_agent_name: str = ""
    public_url: str = ""

    def agent_for(self, call: "Call") -> str:
        """The agent that LiveKit is asked to dispatch to the call."""
        return self.agent_name if call.brain is None else self.speech_agent_name or USUAL_SPEECH_AGENT

    @property
    def url_for_browsers(self) -> str:
        """LiveKit's address as its clients dial it."""
        return self.url.replace("http", "ws", 1) if self.url.startswith("http") else self.url

    @property
    def own_agents(self) -> frozenset[str]:
        """All that we dispatch. Others in a room were sent by a dispatch rule of somebody else's."""
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
