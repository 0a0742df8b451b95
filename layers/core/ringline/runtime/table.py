"""Keys of the one table. Every item of an account lives under a partition key that begins with the account, so a query
for one account cannot meet another's items.

`make keys-table` writes both tables into docs/architecture.md, and tests hold them to the code: each row to a key that
is made, each key to a row. `tables` is `ringline.calls.tables`. In brackets is for how long a row is kept by
default (`ttl_at_s`), or what else is to be known of it. Of the account `*`, as no account is called, are the speech
workers.

| item               | pk                      | sk                           | written by
|--------------------|-------------------------|------------------------------|---------------------------------------
| account            | A#<account>             | ACCOUNT                      | accounts.store
| listed account     | ACCOUNTS                | <account>                    | accounts.store; upgrading.store
| pipe               | A#<account>             | PIPE#<pipe>                  | setup.store; routing.store
| agent              | A#<account>             | AGENT#<agent>                | setup.store; routing.store
| number             | A#<account>             | NUMBER#<+e164>               | trunking.tables.numbers; routing.store
| trunk              | A#<account>             | TRUNK#<trunk>                | trunking.tables.trunks
| a pipe's uses      | A#<account>             | USES#PIPE#<pipe>             | setup.store; trunking.tables.numbers
| an agent's uses    | A#<account>             | USES#AGENT#<agent>           | setup.store; trunking.tables.numbers
| a number's uses    | A#<account>             | USES#NUMBER#<+e164>          | setup.store; trunking.tables.numbers
| a trunk's uses     | A#<account>             | USES#TRUNK#<trunk>           | setup.store; trunking.tables.trunks
| trunk at LiveKit   | A#<account>             | LINK#<trunk>                 | trunking.tables.links
| number at LiveKit  | A#<account>             | LINK#<+e164>                 | trunking.tables.links
| endpoint           | A#<account>             | ENDPOINT#<endpoint>          | webhooks.tables.endpoints
| turn at endpoints  | A#<account>             | LIST#ENDPOINTS               | runtime.list_turns
| turn at keys       | A#<account>             | LIST#KEYS                    | runtime.list_turns
| gate               | A#<account>#GATE        | GATE                         | tables.store; accounts.store (cap)
| paced ring         | A#<account>#GATE        | PACED_RING                   | tables.paces
| agent's rest       | A#<account>#GATE        | AGENT_REST#<agent>           | tables.agent_rests (1 day)
| an agent's counter | A#<account>#CAPS        | AGENT#<agent>                | tables.store; tables.limits.counters
| a pipe's counter   | A#<account>#CAPS        | PIPE#<pipe>                  | tables.store; tables.limits.counters
| a number's counter | A#<account>#CAPS        | NUMBER#<+e164>               | tables.store; tables.limits.counters
| queue entry        | A#<account>#QUEUE       | <eligible ms>#<call>         | tables.store
| call               | A#<account>#CALLS       | <call>                       | tables.store
| what was asked     | A#<account>#ASKED       | <call>#<key>                 | tables.asked.rows (where it is long)
| idempotency key    | A#<account>#ONCE        | <sha256 of key>              | tables.store (1 day)
| called number      | A#<account>#CALLED      | <+e164>                      | tables.store (1 year)
| number's call      | A#<account>#UNIQUE      | <+e164>                      | tables.store (while it lasts)
| transcript         | A#<account>#TRANSCRIPT  | <call>#<dial>                | tables.transcripts
| its later part     | A#<account>#TRANSCRIPT  | <call>#<dial>#<part>         | tables.transcripts (another agent's)
| outcome            | A#<account>#OUTCOME     | <call>#<dial>#<name>         | calls.outcomes.store
| browser's ticket   | A#<account>#WEB         | <call>                       | calls.web.store (1 day)
| event              | A#<account>#EVENTS      | <sequence>                   | webhooks.tables.events (30 days)
| event's place      | A#<account>#EVENT_IDS   | <event>                      | webhooks.tables.events (30 days)
| count of events    | A#<account>#EVENT_COUNT | COUNT                        | webhooks.tables.events
| who appends many   | A#<account>#EVENT_COUNT | TURN                         | webhooks.tables.event_turns (1 day)
| delivery           | A#<account>#DELIVERY    | <endpoint>#<sequence>        | webhooks.tables.deliveries (32 days)
| former delivery    | A#<account>#DELIVERY    | <call>#<endpoint>#<type>     | none: earlier releases
| endpoint's turns   | A#<account>#TURNS       | <endpoint>                   | webhooks.tables.turns (1 day)
| replay             | A#<account>#REPLAYS     | <endpoint>#<replay>          | webhooks.tables.replays (30 days)
| replay under way   | A#<account>#REPLAYS     | <endpoint>                   | webhooks.tables.replays
| limit reached      | A#<account>#LIMITS      | <limit>#<window>             | tables.limits.reached (2 days)
| api key            | KEY#<sha256 of key>     | KEY                          | accounts.store
| account's key      | A#<account>             | KEY#<key id>                 | accounts.store; upgrading.store
| key kept apart     | A#<account>#KEYS        | KEY#<key id>                 | accounts.store; upgrading.store
| key's minute       | RATE#<key id>           | <minute since 1970>          | accounts.tables.allowances (1 hour)
| key's last use     | USED#<account>          | <key id>                     | accounts.tables.key_uses (hourly)
| audit entry        | A#<account>#AUDIT       | <at>#<audit id>              | audit.log (400 days)
| waiting account    | WAITING                 | <account>                    | tables.watchlist (a hint)
| one in a shard     | WAITING#<shard>         | <account>                    | tables.watchlist (a hint)
| trunk's pace       | TRUNK#<trunk>           | PACE                         | tables.paces (of all its accounts)
| trunk's callers    | TRUNK#<trunk>           | INBOUND                      | routing.store (country, account)
| adopted trunk      | TRUNK#<trunk>           | OWNER                        | trunking.tables.trunks
| number's owner     | NUMBER#<+e164>          | OWNER                        | trunking.tables.numbers; routing.store
| worker's name      | DISPATCH#<name>         | OWNER                        | setup.store
| LiveKit's rest     | LIVEKIT                 | REST                         | tables.livekit_rest (1 day)
| LiveKit's budget   | LIVEKIT                 | BUDGET                       | tables.limits.livekit_budget
| runner             | A#<account>#RUNNERS     | <agent>#R#<runner>           | agents.tables.registry; tables.store
| its beat           | A#<account>#RUNNERS     | <agent>#S#<runner>           | agents.tables.registry (each 10 s)
| speech worker      | A#*#RUNNERS             | <agent>#R#<worker>           | agents.tables.registry
| its own beat       | A#*#RUNNERS             | <agent>#S#<worker>           | agents.tables.registry (each 10 s)
| its places         | A#*#RUNNERS             | <agent>#P#<worker>#<row>.<n> | tables.store (2 days)
| assignment         | A#<account>#ASSIGNMENTS | <call>#<attempt>             | agents.tables.assignments (1 day)
| connection         | CONNECTION#<id>         | CONNECTION                   | agents.tables.registry (3 hours)
| inbound room       | ROOM#<room>             | CALL                         | tables.inbound_rooms (2 days)
| room's question    | ROOM#<room>             | QUESTION                     | tables.inbound_rooms (2 days)
| carrier link       | CARRIER#<provider>#<id> | CALL                         | tables.carrier_links (1 day)
| voice profile      | VOICES                  | <profile>                    | voices.store (an operator's)
| sweep              | SWEEP                   | PROGRESS                     | tables.watchlist (where it stopped)
| sweep of a list    | SWEEP                   | PROGRESS#<list>              | tables.watchlist (where it stopped)
| there are shards   | SWEEP                   | IN_SHARDS                    | tables.watchlist
| failing endpoint   | FAILING                 | <account>#<endpoint>         | webhooks.tables.failing (a hint)
| migration          | MIGRATION               | PROGRESS                     | upgrading.store (while it runs)

DueIndex (keys only): what the sweep looks at from `due_at` on. The lists that all accounts share may be kept in shards:
an account's keys then stand in the shard that its id says.

| due_shard                    | what stands there
|------------------------------|------------------------------------------------------------------------------------
| due                          | calls on a line or dialled again later; ends nobody has announced; counts of events
| due#<shard>                  | the same, of the accounts whose shard it is
| expires                      | queued calls that expire, and ends of those that have: perhaps all at once
| expires#<shard>              | the same, of the accounts whose shard it is
| failing#<account>#<endpoint> | failed deliveries to that endpoint, which delay nothing that goes elsewhere
| replays                      | replays that run, for whose next step somebody has to look
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
KEY_PREFIX = "KEY#"
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


def keys_pk(account_id: str) -> str:
    return f"A#{account_id}#KEYS"


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
