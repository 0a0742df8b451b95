"""Keys of the one table. Every item of an account lives under a partition key that begins with the account, so a query
for one account cannot meet another's items. `tables` is `ringline.calls.tables`.

| item            | pk                    | sk                           | written by
|-----------------|-----------------------|------------------------------|---------------------------------------------
| account         | A#<account>           | ACCOUNT                      | accounts.store
| its place       | ACCOUNTS              | <account>                    | accounts.store; upgrading.store (for lists)
| pipe            | A#<account>           | PIPE#<pipe>                  | routing.store; setup.store
| agent           | A#<account>           | AGENT#<agent>                | routing.store; setup.store
| its uses        | A#<account>           | USES#PIPE#.., ..AGENT#.., ..NUMBER#.., ..TRUNK#.. | setup.store; trunking
| number          | A#<account>           | NUMBER#<+e164>               | trunking.tables; routing.store
| trunk           | A#<account>           | TRUNK#<trunk>                | trunking.tables
| LiveKit's part  | A#<account>           | LINK#<trunk>, LINK#<+e164>   | trunking.tables (what was made there)
| endpoint        | A#<account>           | ENDPOINT#<endpoint>          | webhooks.tables
| list's turn     | A#<account>           | LIST#ENDPOINTS, LIST#KEYS    | runtime.list_turns
| gate            | A#<account>#GATE      | GATE                         | tables.store; accounts.store (cap)
| counter         | A#<account>#CAPS      | AGENT#, PIPE#, NUMBER# and an id | tables.writes; tables.limits (caps)
| queue entry     | A#<account>#QUEUE     | <eligible ms>#<call>         | tables.store
| call            | A#<account>#CALLS     | <call>                       | tables.store
| what was asked  | A#<account>#ASKED     | <call>#<key>                 | tables.asked (where it is long)
| idempotency key | A#<account>#ONCE      | <sha256 of key>              | tables.store (kept a day, ttl_at_s)
| called number   | A#<account>#CALLED    | <+e164>                      | tables.store (kept a year, ttl_at_s)
| number's call   | A#<account>#UNIQUE    | <+e164>                      | tables.store (while the call is under way)
| transcript      | A#<account>#TRANSCRIPT| <call>#<dial>                | tables.transcripts (long ones: in the bucket)
| outcome         | A#<account>#OUTCOME   | <call>#<dial>#<name>         | calls.outcomes.store
| event           | A#<account>#EVENTS    | <sequence>                   | webhooks.tables (kept 30 days, ttl_at_s)
| its place       | A#<account>#EVENT_IDS | <event>                      | with the event
| how many        | A#<account>#EVENT_COUNT | COUNT                      | webhooks.tables (after a rest; the sweep)
| who appends many | A#<account>#EVENT_COUNT | TURN                     | webhooks.tables (kept a day, ttl_at_s)
| delivery        | A#<account>#DELIVERY  | <endpoint>#<sequence>        | webhooks.tables (kept 30 days, ttl_at_s)
| endpoint's turns | A#<account>#TURNS    | <endpoint>                   | webhooks.tables (kept a day, ttl_at_s)
| limit reached   | A#<account>#LIMITS    | <limit>#<window>             | tables.limits (kept 2 days, ttl_at_s)
| replay          | A#<account>#REPLAYS   | <endpoint>#<replay>, and <endpoint> while one runs | webhooks.tables
| api key         | KEY#<sha256 of key>   | KEY                          | accounts.store
| its row         | A#<account>           | KEY#<key id>                 | accounts.store
| its minute      | RATE#<key id>         | <minute since 1970>          | accounts.tables (kept an hour, ttl_at_s)
| its last use    | USED#<account>        | <key id>                     | accounts.tables (once an hour)
| audit entry     | A#<account>#AUDIT     | <at>#<audit id>              | audit.log (kept 400 days, ttl_at_s)
| waiting account | WAITING, WAITING#<shard> | <account>                 | tables.watchlist (a hint, never shown)
| paced ring      | A#<account>#GATE      | PACED_RING                   | tables.paces (when somebody rings)
| agent's rest    | A#<account>#GATE      | AGENT_REST#<agent>           | tables.agent_rests (kept a day, ttl_at_s)
| trunk's pace    | TRUNK#<trunk>         | PACE                         | tables.paces (shared by its accounts)
| trunk's callers | TRUNK#<trunk>         | INBOUND                      | routing.store (country, account)
| number's owner  | NUMBER#<+e164>        | OWNER                        | with the number
| worker's name   | DISPATCH#<name>       | OWNER                        | setup.store (one account's)
| adopted trunk   | TRUNK#<trunk>         | OWNER                        | trunking.tables (one account's)
| LiveKit's rest  | LIVEKIT               | REST                         | tables.livekit_rest (kept a day, ttl_at_s)
| runner          | A#<account>#RUNNERS   | <agent>#R#<runner>           | agents.tables; tables.store (in_use)
| its beat        | A#<account>#RUNNERS   | <agent>#S#<runner>           | agents.tables (each ten seconds)
| speech worker   | A#*#RUNNERS           | as a runner and its beat     | agents.tables (no account is named so)
| its places      | A#*#RUNNERS           | <agent>#P#<worker>#<row>.<places> | tables.store (two days, ttl_at_s)
| assignment      | A#<account>#ASSIGNMENTS | <call>#<attempt>           | agents.tables (kept a day, ttl_at_s)
| connection      | CONNECTION#<id>       | CONNECTION                   | agents.tables (kept 3 hours, ttl_at_s)
| inbound room    | ROOM#<room>           | CALL                         | tables.inbound_rooms (kept 2 days)
| its question    | ROOM#<room>           | QUESTION                     | tables.inbound_rooms (kept 2 days)
| browser's ticket | A#<account>#WEB    | <call>                       | calls.web.store (kept a day, ttl_at_s)
| carrier link    | CARRIER#<provider>#<id> | CALL                       | tables.carrier_links (kept a day, ttl_at_s)
| voice profile   | VOICES                | <profile>                    | voices.store (an operator's)
| sweep           | SWEEP                 | PROGRESS, PROGRESS#<list>    | tables.watchlist (where a run stopped)
| its lists       | SWEEP                 | IN_SHARDS                    | tables.watchlist (there are some in shards)
| failing endpoint | FAILING              | <account>#<endpoint>         | webhooks.tables (a hint: it has some)
| migration       | MIGRATION             | PROGRESS                     | upgrading.store (where one was cut off)

DueIndex (keys only): `due_shard`, `due_at` - what the sweep looks at from that moment on: calls on a line, queued
calls that are dialled again, calls whose end nobody has announced, counts of events. Those that expire, and ends of
those that have, are in a shard of their own, and so are failed deliveries to each endpoint. Where the lists that all
accounts share are kept in shards, an account's keys stand in the shard that its id says.
"""

from zlib import crc32

DUE_INDEX = "DueIndex"
DUE_SHARD = "due"
"""What all accounts share, where it is not kept in shards. One key takes 1,000 index writes a second, which
is some 500 calls a second."""

FAILING_PREFIX = "failing#"
"""Failed deliveries stand in a list for each endpoint: a backlog delays neither calls nor what goes elsewhere."""

REPLAYS_SHARD = "replays"
"""Replays that run, for whose next step somebody has to look."""

EXPIRES_SHARD = "expires"
"""Where queued calls stand that expire: a list of its own, because a campaign's may all expire at once."""

WAITING_PK = "WAITING"

SHARDS = 16
"""For good: a list that is kept in shards is kept in so many. Who reads looks at all of them and at the whole list."""

DUE_SHARDS, EXPIRES_SHARDS, WAITING_PKS = (
    tuple(f"{whole}#{number:02}" for number in range(SHARDS)) for whole in (DUE_SHARD, EXPIRES_SHARD, WAITING_PK)
)

PIPE_PREFIX, AGENT_PREFIX, NUMBER_PREFIX, TRUNK_PREFIX = "PIPE#", "AGENT#", "NUMBER#", "TRUNK#"
USES_PREFIX = "USES#"
LIST_PREFIX = "LIST#"
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
LIVEKIT_BUDGET_SK = "BUDGET"
KEY_SK = "KEY"
SWEEP_PK = "SWEEP"
ACCOUNTS_PK = "ACCOUNTS"
VOICES_PK = "VOICES"
FAILING_PK = "FAILING"
MIGRATION_PK, MIGRATION_SK = "MIGRATION", "PROGRESS"
LINK_SK = "CALL"
CONNECTION_SK = "CONNECTION"
EVENT_COUNT_SK, EVENT_TURN_SK = "COUNT", "TURN"


def shard_for(account_id: str, whole: str, *, in_shards: bool) -> str:
    """The key of the list that all accounts share as `whole`, or of the account's shard of it."""
    return f"{whole}#{crc32(account_id.encode()) % SHARDS:02}" if in_shards else whole


def account_pk(account_id: str) -> str:
    return f"A#{account_id}"


def gate_pk(account_id: str) -> str:
    return f"A#{account_id}#GATE"


def turns_pk(account_id: str) -> str:
    return f"A#{account_id}#TURNS"


def limits_pk(account_id: str) -> str:
    return f"A#{account_id}#LIMITS"


def caps_pk(account_id: str) -> str:
    return f"A#{account_id}#CAPS"


def agent_rest_sk(agent_id: str) -> str:
    return f"AGENT_REST#{agent_id}"


OF_THE_DEPLOYMENT = "*"
"""Whose runners the speech workers are. No account can have this name."""


def runners_pk(account_id: str) -> str:
    return f"A#{account_id}#RUNNERS"


def runner_sk(agent_id: str, runner_id: str) -> str:
    """Beside the beats of its agent's runners: one query reads both."""
    return f"{agent_id}#R#{runner_id}"


def beat_sk(agent_id: str, runner_id: str) -> str:
    return f"{agent_id}#S#{runner_id}"


def speech_places_sk(agent_id: str, worker_id: str, row: int, places: int) -> str:
    """A row of so many places of a speech worker. Whoever takes one there reads from the name how many there are."""
    return f"{agent_id}#P#{worker_id}#{row}.{places}"


def places_in(row: str) -> int:
    """How many places the row of this name holds."""
    return int(row.rpartition(".")[2])


def connection_pk(connection_id: str) -> str:
    return f"CONNECTION#{connection_id}"


def assignments_pk(account_id: str) -> str:
    return f"A#{account_id}#ASSIGNMENTS"


def trunk_pk(trunk_id: str) -> str:
    return f"TRUNK#{trunk_id}"


def dispatch_name_pk(name: str) -> str:
    return f"DISPATCH#{name}"


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


def asked_pk(account_id: str) -> str:
    return f"A#{account_id}#ASKED"


def asked_sk(call_id: str, key: str) -> str:
    return f"{call_id}#{key}"


def once_pk(account_id: str) -> str:
    return f"A#{account_id}#ONCE"


def called_pk(account_id: str) -> str:
    return f"A#{account_id}#CALLED"


def unique_pk(account_id: str) -> str:
    return f"A#{account_id}#UNIQUE"


def transcripts_pk(account_id: str) -> str:
    return f"A#{account_id}#TRANSCRIPT"


def outcomes_pk(account_id: str) -> str:
    return f"A#{account_id}#OUTCOME"


def web_tickets_pk(account_id: str) -> str:
    return f"A#{account_id}#WEB"


def events_pk(account_id: str) -> str:
    return f"A#{account_id}#EVENTS"


def event_ids_pk(account_id: str) -> str:
    return f"A#{account_id}#EVENT_IDS"


def event_count_pk(account_id: str) -> str:
    return f"A#{account_id}#EVENT_COUNT"


def sequence_sk(sequence: int) -> str:
    """A place among events, as a key that sorts by it."""
    return f"{sequence:015d}"


def deliveries_pk(account_id: str) -> str:
    return f"A#{account_id}#DELIVERY"


def replays_pk(account_id: str) -> str:
    return f"A#{account_id}#REPLAYS"


def failing_shard(account_id: str, endpoint_id: str) -> str:
    return f"{FAILING_PREFIX}{account_id}#{endpoint_id}"


def carrier_pk(provider: str, carrier_call_id: str) -> str:
    return f"CARRIER#{provider}#{carrier_call_id}"


def key_pk(key_hash: str) -> str:
    return f"KEY#{key_hash}"


def rate_pk(key_id: str) -> str:
    return f"RATE#{key_id}"


def audit_pk(account_id: str) -> str:
    return f"A#{account_id}#AUDIT"


def used_pk(account_id: str) -> str:
    return f"USED#{account_id}"
