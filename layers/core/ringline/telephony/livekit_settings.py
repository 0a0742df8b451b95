"""Where LiveKit is, and under which names we go there. Apart from `livekit`, whose client takes long to load."""

from ringline.runtime.settings import SettingsModel, optional, required, required_url


class LivekitSettings(SettingsModel):
    """What every function needs that asks LiveKit or hears it. The key signs our requests, and LiveKit's webhooks."""

    url: str = required_url("LIVEKIT_URL")
    api_key: str = required("LIVEKIT_API_KEY")
    api_secret: str = required("LIVEKIT_API_SECRET")
    sip_trunk_id: str = ""
    agent_name: str = ""
    public_url: str = ""


class DispatchSettings(LivekitSettings):
    """What a function needs besides that sends agents to rooms: which agent, and the URL that it reports to."""

    agent_name: str = required("AGENT_NAME")
    public_url: str = optional("PUBLIC_URL")


class DialSettings(DispatchSettings):
    """What the dialer needs besides: the outbound trunk of calls that name none."""

    sip_trunk_id: str = required("SIP_TRUNK_ID")
