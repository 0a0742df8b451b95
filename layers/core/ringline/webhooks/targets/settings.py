"""The queues and buses that a deployment may send to, as the functions that send or check are told."""

from ringline.runtime.settings import SettingsModel, optional


class TargetSettings(SettingsModel):
    listed: str = optional("WEBHOOK_TARGETS")

    @property
    def allowed(self) -> frozenset[str]:
        """Their ARNs."""
        return frozenset(filter(None, (arn.strip() for arn in self.listed.split(","))))
