"""How an agent rests for which calls waited in vain: an account's calls of that agent stay in the queue meanwhile.

    missed -> rests 2 s -> one call tries -> missed -> rests 5 s -> ... -> one call tries -> joined: the rest is over
                           `trial` names it, and the others wait until it knows, or its dialer must be dead

LiveKit tells nobody that its workers have no room for a job: only a call that waits for its agent in vain finds out,
and holds a line meanwhile. So one at a time does, and for a while after an agent has joined again the others follow one
by one. An agent that nobody has missed has no item, and costs a read for each call and no write."""

from typing import Any

from botocore.exceptions import ClientError

from ringline.calls.model.timing import AGENT_ON_TRIAL_S, AGENT_RESTS_S
from ringline.record import Record
from ringline.runtime.clock import MS_PER_S
from ringline.runtime.items import condition_failed, from_item, to_item
from ringline.runtime.table import agent_rest_sk, gate_pk

# Named conditions.
NOBODY_MISSED_IT = "attribute_not_exists(next_at)"
IS_AS_IT_WAS_READ = "next_at = :next_at_read"
TRIAL_IS_OURS = "trial = :ours"

_NEVER = 0
_NO_TRIAL = ""
_KEPT_S = 24 * 3600


class AgentRest(Record):
    """Before `next_at` no call waits for the agent, because it rests or because the call `trial` is waiting for it.
    Until `on_trial_until` one call at a time does. `rests` counts the rests since the agent was last seen, and
    `missing_since` is when it was first missed since then; None where it is not missing."""

    next_at: int = _NEVER
    on_trial_until: int = 0
    rests: int = 0
    missing_since: int | None = None
    trial: str = _NO_TRIAL

    def is_missing(self, now: int) -> bool:
        """Whether the agent is believed to be away: it was missed, and calls wait for it one at a time still. After
        that nobody has tried it for a while, and it is as likely there as any."""
        return self.missing_since is not None and self.is_on_trial(now)

    def is_over(self, now: int) -> bool:
        """Whether a call may wait for the agent now."""
        return self.next_at <= now

    def is_on_trial(self, now: int) -> bool:
        """Whether a call that waits for the agent does so for all the others."""
        return now < self.on_trial_until


class AgentRests:
    """Every method takes the account and the agent that its calls name. `trial` names a dial: a call and its
    attempt."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._db = dynamodb
        self._table = table_name

    def look(self, account_id: str, agent_id: str | None) -> AgentRest:
        """The agent's rest as it is now."""
        answer = self._db.get_item(TableName=self._table, Key=_key(account_id, agent_id), ConsistentRead=True)
        return _rest(from_item(answer.get("Item", {})))

    def of_account(self, account_id: str) -> dict[str, AgentRest]:
        """The rest of each agent of the account that was missed within the last day, by the agent's id."""
        answer = self._db.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=to_item({":pk": gate_pk(account_id), ":prefix": agent_rest_sk("")}),
        )
        items = map(from_item, answer["Items"])
        return {item["sk"].removeprefix(agent_rest_sk("")): _rest(item) for item in items}

    def try_one(self, account_id: str, agent_id: str | None, trial: str, now: int, within_s: int) -> bool:
        """Whether this dial is the one that may wait for the agent now, for all the others: they wait until it knows,
        or for `within_s`."""
        rest = self.look(account_id, agent_id)
        if not rest.is_over(now):
            return False
        values = {"next_at": now + within_s * MS_PER_S, "trial": trial}
        # A write whose answer got lost is repeated by the client, and refused because of itself.
        return self._replace(account_id, agent_id, rest, values) or self.look(account_id, agent_id).trial == trial

    def missed(self, account_id: str, agent_id: str | None, trial: str, now: int) -> AgentRest:
        """The agent's rest after a dial that waited for it in vain. Calls that miss it together count as one: an agent
        at rest stays as it is, unless it is this dial that the others wait for."""
        rest = self.look(account_id, agent_id)
        was_tried = rest.trial == trial
        if not (rest.is_over(now) or was_tried):
            return rest
        goes_on = was_tried or rest.is_on_trial(now)
        rests = rest.rests + 1 if goes_on else 1
        next_at = now + AGENT_RESTS_S[min(rests, len(AGENT_RESTS_S)) - 1] * MS_PER_S
        missed = AgentRest(
            next_at=next_at,
            on_trial_until=next_at + AGENT_ON_TRIAL_S * MS_PER_S,
            rests=rests,
            missing_since=(rest.missing_since if goes_on else None) or now,
        )
        values = {
            "next_at": missed.next_at,
            "on_trial_until": missed.on_trial_until,
            "rests": missed.rests,
            "missing_since": missed.missing_since,
            "trial": _NO_TRIAL,
        }
        return missed if self._replace(account_id, agent_id, rest, values) else self.look(account_id, agent_id)

    def joined(self, account_id: str, agent_id: str | None, trial: str, now: int) -> None:
        """The agent came for the dial that tried it: the next call may wait for it at once."""
        self._end(account_id, agent_id, trial, {"next_at": now, "rests": 0, "missing_since": 0, "trial": _NO_TRIAL})

    def untried(self, account_id: str, agent_id: str | None, trial: str, now: int) -> None:
        """The dial that was to try the agent did not take place: another may."""
        self._end(account_id, agent_id, trial, {"next_at": now, "trial": _NO_TRIAL})

    def _end(self, account_id: str, agent_id: str | None, trial: str, values: dict[str, Any]) -> None:
        self._write(account_id, agent_id, values, TRIAL_IS_OURS, {":ours": trial})

    def _replace(self, account_id: str, agent_id: str | None, read: AgentRest, values: dict[str, Any]) -> bool:
        """Whether nobody else has changed the rest since it was read."""
        kept = values | {"ttl_at_s": values["next_at"] // MS_PER_S + _KEPT_S}
        if read.next_at == _NEVER:
            return self._write(account_id, agent_id, kept, NOBODY_MISSED_IT, {})
        return self._write(account_id, agent_id, kept, IS_AS_IT_WAS_READ, {":next_at_read": read.next_at})

    def _write(
        self, account_id: str, agent_id: str | None, kept: dict[str, Any], condition: str, compared: dict[str, Any]
    ) -> bool:
        """Whether the condition held."""
        try:
            self._db.update_item(
                TableName=self._table,
                Key=_key(account_id, agent_id),
                UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in kept),
                ConditionExpression=condition,
                ExpressionAttributeValues=to_item({f":{name}": value for name, value in kept.items()} | compared),
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True


def _rest(kept: dict[str, Any]) -> AgentRest:
    return AgentRest(
        next_at=kept.get("next_at", _NEVER),
        on_trial_until=kept.get("on_trial_until", 0),
        rests=kept.get("rests", 0),
        missing_since=kept.get("missing_since") or None,
        trial=kept.get("trial", _NO_TRIAL),
    )


def trial_of(call_id: str, attempt: int) -> str:
    """How a dial is named that tries an agent."""
    return f"{call_id}#{attempt}"


def _key(account_id: str, agent_id: str | None) -> dict[str, Any]:
    return to_item({"pk": gate_pk(account_id), "sk": agent_rest_sk(agent_id or "")})
