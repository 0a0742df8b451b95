"""Numbers of the sandbox in whose calls something breaks: webhooks, the dial, the line, or the agent."""

from copy import replace

from local.phones.numbers.callees import AgentDeed, AgentScript, Callee, DialTrouble, HookTrouble, LineTrouble
from local.phones.numbers.sandbox_number import PICKS_UP, RING_S, RINGS_OUT, STAYS_ON, SandboxNumber, Wish

_AFTER_S = 2.0
"""How long after the answer an agent leaves or crashes."""

TROUBLED = (
    SandboxNumber(
        "+15550100300",
        replace(PICKS_UP, hangs_up_after_s=2.0, hooks=HookTrouble.LAST_LOST),
        "answers, hangs up after 2 s, and the webhooks of the end are lost",
        "IDLE_TIMEOUT",
    ),
    SandboxNumber(
        "+15550100301",
        replace(PICKS_UP, hangs_up_after_s=2.0, hooks=HookTrouble.ALL_LOST),
        "answers, hangs up after 2 s, and every webhook is lost",
        "IDLE_TIMEOUT",
    ),
    SandboxNumber(
        "+15550100302",
        replace(PICKS_UP, hooks=HookTrouble.DOUBLED),
        "answers; every webhook comes twice",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100303",
        replace(PICKS_UP, hooks=HookTrouble.REORDERED),
        "answers; webhooks overtake each other",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100304",
        replace(PICKS_UP, hooks=HookTrouble.LATE),
        "answers; every webhook is 5 s late",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100310",
        replace(PICKS_UP, dial=DialTrouble.CONNECTION_DROPPED),
        "the dial's connection drops after the INVITE; the phone answers",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100311",
        replace(PICKS_UP, dial=DialTrouble.BAD_GATEWAY),
        "the dial answers 502 after the INVITE; the phone answers",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100312",
        replace(RINGS_OUT, dial=DialTrouble.CONNECTION_DROPPED),
        "the dial's connection drops after the INVITE; the phone rings out",
        "USER_DID_NOT_PICK_UP",
    ),
    SandboxNumber(
        "+15550100320",
        replace(PICKS_UP, dial=DialTrouble.NO_BRIDGE_AT_FIRST),
        "no SIP bridge twice (nothing rang), then answers",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100321",
        replace(PICKS_UP, dial=DialTrouble.NO_BRIDGE),
        "never a SIP bridge: nothing rings, and the queue waits (`blocked_by`: `livekit`) until its `expires_at`",
        "EXPIRED_IN_QUEUE",
        Wish.SHORT_EXPIRY,
    ),
    SandboxNumber(
        "+15550100330",
        replace(STAYS_ON, agent=AgentScript(AgentDeed.ABSENT, _AFTER_S)),
        "with `agent_first: false`: answers, and no agent joins",
        "AGENT_DID_NOT_JOIN",
        Wish.RING_ALONE,
    ),
    SandboxNumber(
        "+15550100331",
        Callee(answers_after_s=RING_S, hangs_up_after_s=8.0, agent=AgentScript(joins_after_s=5.0)),
        "its agent joins 5 s after its dispatch; only then it rings, and answers",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100332",
        replace(STAYS_ON, agent=AgentScript(AgentDeed.LEAVE, _AFTER_S)),
        "answers; the agent leaves after 2 s, the caller stays",
        "AGENT_FAILED",
    ),
    SandboxNumber(
        "+15550100333",
        replace(STAYS_ON, agent=AgentScript(AgentDeed.CRASH, _AFTER_S)),
        "answers; the agent crashes after 2 s, seen 20 s later",
        "AGENT_FAILED",
    ),
    SandboxNumber(
        "+15550100334",
        replace(STAYS_ON, agent=AgentScript(AgentDeed.HANG_UP, 3.0)),
        "answers; the agent hangs up after 3 s",
        "AGENT_HUNG_UP",
    ),
    SandboxNumber(
        "+15550100336",
        Callee(answers_after_s=RING_S, hangs_up_after_s=14.0, agent=AgentScript(AgentDeed.BRING_IN, _AFTER_S)),
        "answers; the agent brings in a colleague by phone after 2 s and leaves, the two talk on for 12 s",
        "CALL_TRANSFERRED",
    ),
    SandboxNumber(
        "+15550100337",
        replace(STAYS_ON, agent=AgentScript(AgentDeed.DESERT, _AFTER_S)),
        "answers; the agent says that it has handed over and leaves, and nobody else is there",
        "CALL_TRANSFERRED",
    ),
    SandboxNumber(
        "+15550100338",
        replace(STAYS_ON, agent=AgentScript(AgentDeed.DESERT, _AFTER_S, words="started")),
        "answers; the agent says that it begins to hand over and leaves, and nobody else is there",
        "AGENT_FAILED",
    ),
    SandboxNumber(
        "+15550100350",
        replace(PICKS_UP, agent=AgentScript(misses=2)),
        "no worker has room for its agent twice: nobody is rung; the third time it rings and answers",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100351",
        replace(STAYS_ON, agent=AgentScript(AgentDeed.ABSENT)),
        "no agent ever comes: nobody is rung, until the call's `expires_at`, or for an hour",
        "NO_AGENT_AVAILABLE",
        Wish.SHORT_EXPIRY,
    ),
    SandboxNumber(
        "+15550100340",
        replace(STAYS_ON, line=LineTrouble.BRIDGE_DIES_ACTIVE),
        "answers; the SIP bridge dies 2 s into the call, seen 21 s later",
        "CONNECTION_LOST",
    ),
    SandboxNumber(
        "+15550100341",
        replace(RINGS_OUT, line=LineTrouble.BRIDGE_DIES_RINGING),
        "the SIP bridge dies while the phone rings",
        "DIAL_STATE_UNKNOWN",
    ),
    SandboxNumber(
        "+15550100342",
        Callee(answers_after_s=RING_S, hangs_up_after_s=8.0, line=LineTrouble.SERVER_RESTARTS_ACTIVE),
        "answers; LiveKit restarts in the call and the leg joins again with a new sid",
        "USER_HUNG_UP_IN_CALL",
    ),
)
