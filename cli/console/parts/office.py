"""Whom the pages ask: the API with the profile's key for its own account, the functions behind it for any other, the
table for which accounts there are, and the doctor for the rest."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.doctor.check import Finding, Once, run_all
from cli.doctor.doctor import checks_of
from cli.frame.desk import Desk
from cli.model.failures import Failure, Usage
from cli.reach.api import Api
from cli.reach.busy import Accounts, Lines, busy_accounts
from cli.reach.deployment import Deployment
from cli.reach.invoked import api_of_account

OF_NOW = (
    "livekit",
    "alarms",
    "alarms_heard",
    "last_sweep",
    "dead_letters",
    "gate",
    "quotas",
    "release",
)
"""The doctor's checks that tell how the deployment is, whatever the account. Not `livekit_webhook`: it posts an event
as LiveKit does, and one each minute would keep the alarm for a LiveKit that tells nothing from ringing."""


@dataclass(slots=True)
class Office:
    """Answers may come from several threads at once."""

    desk: Desk
    _own_api: Once[Api] = field(init=False)
    _own_account: Once[str] = field(init=False)
    _deployment: Once[Deployment] = field(init=False)
    _apis: dict[str, Api] = field(default_factory=dict)
    _one_at_a_time: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._own_api = Once(self.desk.api)
        self._own_account = Once(lambda: str(self._own_api().get("/v1/account")["account_id"]))
        self._deployment = Once(self.desk.deployment)

    @property
    def now_ms(self) -> int:
        return self.desk.around.clock()

    @property
    def profile_name(self) -> str:
        return self.desk.profile().name

    def check(self) -> None:
        """Raises the failure of a stack that is not reached in any way, before anything is served."""
        if self.own_account() is None:
            self._deployment()

    def own_account(self) -> str | None:
        """The account of the profile's key; None for a profile without one."""
        if self.desk.profile().api_key is None:
            return None
        return self._own_account()

    def api(self, account_id: str | None) -> Api:
        """The API of an account. Raises Usage where there is no way to ask it."""
        own = self.own_account()
        if own is not None and account_id in {own, None}:
            return self._own_api()
        if account_id is None:
            raise Usage("say which account is meant", "account")
        with self._one_at_a_time:
            if account_id not in self._apis:
                asked = api_of_account(self.desk.profile(), self._deployment(), account_id, self.desk.around.sleep)
                self._apis[account_id] = asked
            return self._apis[account_id]

    def accounts(self) -> Accounts:
        """The profile's own, and for an operator those that have calls on a line or calls that wait."""
        own = self.own_account()
        try:
            return busy_accounts(self._deployment(), self.now_ms, [] if own is None else [own])
        except (Failure, BotoCoreError, ClientError) as error:
            return Accounts(self._own_lines(own), f"Other accounts are not known here: {error}")

    def _own_lines(self, own: str | None) -> list[Lines]:
        if own is None:
            return []
        shown = self._own_api().get("/v1/account")
        lines, waits = shown["lines"], bool(shown["waiting"]["calls"])
        return [Lines(own, shown["name"], lines["in_use"], lines["cap"], waits)]

    def findings(self, names: Iterable[str] | None = None) -> list[Finding]:
        """What the doctor finds, by all of its checks or by those."""
        wanted = None if names is None else frozenset(names)
        return run_all([each for each in checks_of(self.desk) if wanted is None or each.name in wanted])

    def record(self, account_id: str | None, call_id: str) -> dict[str, Any] | None:
        """A call as the table has it, with notes and evidence; None for who may not read the table."""
        whose = account_id or self.own_account()
        try:
            call = None if whose is None else self._deployment().calls.get(whose, call_id)
        except (Failure, BotoCoreError, ClientError):
            return None
        return None if call is None else {name: value for name, value in asdict(call).items() if value}
