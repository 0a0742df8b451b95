"""How long events are kept, as the functions that write them are told."""

from ringline.runtime.settings import SettingsError, SettingsModel, number
from ringline.webhooks.model.event_type import EVENTS_KEPT_S, LEAST_KEPT_S

_DAY_S = 24 * 3600


class EventSettings(SettingsModel):
    kept_days: float = number("EVENTS_KEPT_DAYS")

    @property
    def kept_s(self) -> int:
        return round(self.kept_days * _DAY_S) or EVENTS_KEPT_S

    def check(self) -> None:
        if 0 < self.kept_days * _DAY_S < LEAST_KEPT_S:
            raise SettingsError("EVENTS_KEPT_DAYS is less than a day")
