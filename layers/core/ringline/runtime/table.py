"""Keys of the one table. Every item of an account lives under a partition key that begins with the account, so a query
for one account cannot meet another's items. `tables` is `ringline.calls.tables`.

| item            | pk                    | sk                           | written by
|-----------------|-----------------------|------------------------------|---------------------------------------------
| account         | A#<account>           | ACCOUNT                      | accounts.store
| pipe            | A#<account>           | PIPE#<pipe>                  | routing.store; setup.store
| agent           | A#<account>           | AGENT#<agent>                | routing.store; setup.store
| its uses        | A#<account>           | USES#PIPE#.., USES#AGENT#..  | setup.store
| number          | A#<account>           | NUMBER#<+e164>               | trunking.tables; routing.store
| trunk           | A#<account>           | TRUNK#<trunk>                | trunking.tables
| LiveKit's part  | A#<account>           | LINK#<trunk>, LINK#<+e164>   | trunking.tables (what was made there)
| endpoint        | A#<account>           | ENDPOINT#<endpoint>          | webhooks.store
| gate            | A#<account>#GATE      | GATE                         | tables.store; accounts.store (cap)
| counter         | A#<account>#CAPS      | AGENT#, PIPE#, NUMBER# and an id | tables.writes; tables.limits (caps)
| queue entry     | A#<account>#QUEUE     | <eligible ms>#<call>         | tables.store
| call            | A#<account>#CALLS     | <call>                       | tables.store
| idempotency key | A#<account>#ONCE      | <sha256 of key>              | tables.store (kept a day, ttl_at_s)
| number's call   | A#<account>#UNIQUE    | <+e164>                      | tables.store (while the call is under way)
| transcript      | A#<account>#TRANSCRIPT| <call>#<dial>                | tables.transcripts (long ones: in the bucket)
| outcome         | A#<account>#OUTCOME   | <call>#<dial>#<name>         | calls.outcomes.store
| delivery        | A#<account>#DELIVERY  | <call>#<endpoint>#<type>     | webhooks.store
| api key         | KEY#<sha256 of key>   | KEY                          | accounts.store
| its row         | A#<account>           | KEY#<key id>                 | accounts.store
| waiting account | WAITING               | <account>                    | tables.watchlist (a hint, never shown)
| paced ring      | A#<account>#GATE      | PACED_RING                   | tables.paces (when somebody rings)
| agent's rest    | A#<account>#GATE      | AGENT_REST#<agent>           | tables.agent_rests (kept a day, ttl_at_s)
| trunk's pace    | TRUNK#<trunk>         | PACE                         | tables.paces (shared by its accounts)
| trunk's callers | TRUNK#<trunk>         | INBOUND                      | routing.store (country, account)
| number's owner  | NUMBER#<+e164>        | OWNER                        | with the number
| adopted trunk   | TRUNK#<trunk>         | OWNER                        | trunking.tables (one account's)
| LiveKit's rest  | LIVEKIT               | REST                         | tables.livekit_rest (kept a day, ttl_at_s)
| runner          | A#<account>#RUNNERS   | <agent>#R#<runner>           | agents.tables; tables.store (in_use)
| its beat        | A#<account>#RUNNERS   | <agent>#S#<runner>           | agents.tables (each ten seconds)
| speech worker   | A#*#RUNNERS           | as a runner and its beat     | agents.tables (no account is named so)
| assignment      | A#<account>#ASSIGNMENTS | <call>#<attempt>           | agents.tables (kept a day, ttl_at_s)
| connection      | CONNECTION#<id>       | CONNECTION                   | agents.tables (kept 3 hours, ttl_at_s)
| inbound room    | ROOM#<room>           | CALL                         | tables.inbound_rooms (kept 2 days)
| its question    | ROOM#<room>           | QUESTION                     | tables.inbound_rooms (kept 2 days)
| browser's ticket | A#<account>#WEB    | <call>                       | calls.web.store (kept a day, ttl_at_s)
| carrier link    | CARRIER#<provider>#<id> | CALL                       | tables.carrier_links (kept a day, ttl_at_s)
| voice profile   | VOICES                | <profile>                    | voices.store (an operator's)
| sweep           | SWEEP                 | PROGRESS                     | tables.watchlist (where a run stopped)

DueIndex (keys only): `due_shard`, `due_at` - what the sweep looks at from that moment on: calls on a line, queued
calls that expire or are dialled again, failed deliveries.
"""

DUE_INDEX = "DueIndex"
DUE_SHARD = "due"
"""One shard serves 1,000 index writes a second, some 500 calls a second; the key leaves room for more."""

PIPE_PREFIX, AGENT_PREFIX, NUMBER_PREFIX, TRUNK_PREFIX = "PIPE#", "AGENT#", "NUMBER#", "TRUNK#"
USES_PREFIX = "USES#"
ACCOUNT_SK = "ACCOUNT"
GATE_SK = "GATE"
OWNER_SK = "OWNER"
ROOM_CALL_SK = "CALL"
QUESTION_SK = "QUESTION"
PACE_SK = "PACE"
INBOUND_SK = "INBOUND"
PACED_RING_SK = "PACED_RING"
LIVEKIT_PK = "LIVEKIT"
LIVEKIT_REST_SK = "REST"
KEY_SK = "KEY"
WAITING_PK = "WAITING"
SWEEP_PK = "SWEEP"
VOICES_PK = "VOICES"
LINK_SK = "CALL"
CONNECTION_SK = "CONNECTION"


def account_pk(account_id: str) -> str:
    return f"A#{account_id}"


def gate_pk(account_id: str) -> str:
    return f"A#{account_id}#GATE"


def caps_pk(account_id: str) -> str:
    return f"A#{account_id}#CAPS"


def agent_rest_sk(agent_id: str) -> str:
    return f"AGENT_REST#{agent_id}"


def runners_pk(account_id: str) -> str:
    return f"A#{account_id}#RUNNERS"


def runner_sk(agent_id: str, runner_id: str) -> str:
    """Beside the beats of its agent's runners: one query reads both."""
    return f"{agent_id}#R#{runner_id}"


def beat_sk(agent_id: str, runner_id: str) -> str:
    return f"{agent_id}#S#{runner_id}"


def connection_pk(connection_id: str) -> str:
    return f"CONNECTION#{connection_id}"


def assignments_pk(account_id: str) -> str:
    return f"A#{account_id}#ASSIGNMENTS"


def trunk_pk(trunk_id: str) -> str:
    return f"TRUNK#{trunk_id}"


def number_pk(number: str) -> str:
    return f"NUMBER#{number}"


def room_pk(room: str) -> str:
    return f"ROOM#{room}"


def queue_pk(account_id: str) -> str:
    return f"A#{account_id}#QUEUE"


def queue_sk(eligible_at: int, call_id: str) -> str:
    """Sorts by the moment the call may be dialled, then by its id, which sorts by creation."""
    return f"{eligible_at:015d}#{call_id}"


def calls_pk(account_id: str) -> str:
    return f"A#{account_id}#CALLS"


def once_pk(account_id: str) -> str:
    return f"A#{account_id}#ONCE"


def unique_pk(account_id: str) -> str:
    return f"A#{account_id}#UNIQUE"


def transcripts_pk(account_id: str) -> str:
    return f"A#{account_id}#TRANSCRIPT"


def outcomes_pk(account_id: str) -> str:
    return f"A#{account_id}#OUTCOME"


def web_tickets_pk(account_id: str) -> str:
    return f"A#{account_id}#WEB"


def deliveries_pk(account_id: str) -> str:
    return f"A#{account_id}#DELIVERY"


def carrier_pk(provider: str, carrier_call_id: str) -> str:
    return f"CARRIER#{provider}#{carrier_call_id}"


def key_pk(key_hash: str) -> str:
    return f"KEY#{key_hash}"
