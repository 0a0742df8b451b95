"""The settings of the functions that speak to runners."""

from ringline.runtime.settings import SettingsModel, required, required_url


class SocketSettings(SettingsModel):
    """Where connections are posted to, and the secret that tokens of bridges are made with."""

    connections_url: str = required_url("RUNNER_CONNECTIONS_URL")
    livekit_secret: str = required("LIVEKIT_API_SECRET")
