"""The settings of the functions that speak to runners."""

from ringline.runtime.settings import SettingsModel, required_url, secret
from ringline.runtime.vault.kept import VARIABLE
from ringline.runtime.vault.livekit_keys import LivekitKey, livekit_keys


class SocketSettings(SettingsModel):
    """Where connections are posted to, and LiveKit's keys: tokens of bridges are made with the first one's secret, and
    any of them proves a speech worker."""

    connections_url: str = required_url("RUNNER_CONNECTIONS_URL")
    livekit_keys: tuple[LivekitKey, ...] = secret(VARIABLE, livekit_keys)
