"""Deliveries as the release before events were rows named them: by call, endpoint, type and occurrence. Its messages
and its failing rows are still under way when this release is deployed."""

import hashlib

from ringline.record import stored
from ringline.webhooks.model.delivery import Attempt, DeliveryStatus
from ringline.webhooks.model.event_type import EventType, type_kept


@stored(kw_only=True)
class FormerId:
    """`told_as` is the type by its name of then: `call_end`."""

    account_id: str
    call_id: str
    endpoint_id: str
    told_as: str
    occurrence: int = 1

    @property
    def event_type(self) -> EventType:
        return type_kept(self.told_as)

    @property
    def _event(self) -> str:
        return self.told_as if self.occurrence == 1 else f"{self.told_as}#{self.occurrence}"

    @property
    def sk(self) -> str:
        return f"{self.call_id}#{self.endpoint_id}#{self._event}"

    @property
    def webhook_id(self) -> str:
        """What the tries of then were sent with: its receivers know them by it."""
        name = f"{self.account_id}/{self.call_id}/{self.endpoint_id}/{self._event}"
        return f"msg_{hashlib.sha256(name.encode()).hexdigest()[:32]}"


@stored(kw_only=True)
class FormerDelivery:
    """A delivery that was tried by that release."""

    id: FormerId
    status: DeliveryStatus
    attempts: tuple[Attempt, ...]
    attempt_count: int
    next_attempt_at: int | None = None
    due_at: int | None = None
