"""Numbers of the sandbox in whose calls agent or carrier tell more than LiveKit knows, or we do something ourselves."""

from copy import replace

from local.phones.model.sip_status import TOO_MANY
from local.phones.numbers.callees import (
    AgentDeed,
    AgentScript,
    Callee,
    CarrierForm,
    CarrierReports,
    EgressTrouble,
    Refusal,
    RoomTrouble,
)
from local.phones.numbers.sandbox_number import PICKS_UP, RING_S, RINGS_OUT, STAYS_ON, SandboxNumber, Wish

TOO_MANY_TEXT = TOO_MANY.lower()
_GREETING_S = 8.0  # how long a voicemail's greeting is, after which it hangs up
_TONE_S = 3.0  # how far into a greeting an agent knows it for one
_CHANGED_ITS_MIND_S = 1.0  # how long somebody stays who picks up and hangs up again
_RECORDS_FOR_S = 30.0  # how long a voicemail waits for a message
_FORWARDED_RING_S = 25.0  # how long it rings on at another number: longer than a voicemail takes to answer
_LONGER_THAN_DOUBT_S = 15.0  # the product looks sooner at a call that its carrier reported as over
_MANY_TURNS = 2000

_MACHINE = replace(STAYS_ON, speaks_after_s=None)


def _asks_to_hang_up(words: str) -> Callee:
    return replace(STAYS_ON, agent=AgentScript(AgentDeed.ASK_HANG_UP, 2.0, words=words))


def _answered_through(form: CarrierForm) -> Callee:
    return replace(PICKS_UP, carrier=CarrierReports(form))


OF_THE_AGENT = (
    SandboxNumber(
        "+15550100210",
        replace(_MACHINE, hangs_up_after_s=_GREETING_S),
        "voicemail: answers, plays a greeting, hangs up after 8 s; the agent listens and nobody speaks to it",
        "AGENT_HUNG_UP_VOICEMAIL_DETECTED",
    ),
    SandboxNumber(
        "+15550100211",
        replace(_MACHINE, hangs_up_after_s=_RECORDS_FOR_S, agent=AgentScript(AgentDeed.VOICEMAIL, _TONE_S)),
        "voicemail: answers; the agent knows it after 3 s and says so, and leaves a message if the policy is so",
        "AGENT_HUNG_UP_VOICEMAIL_DETECTED",
    ),
    SandboxNumber(
        "+15550100212",
        replace(PICKS_UP, speaks_after_s=None, agent=AgentScript(reports=False)),
        "answers, nobody speaks, hangs up after 4 s; the agent reports nothing, so nobody knows",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100219",
        replace(PICKS_UP, speaks_after_s=None, hangs_up_after_s=_CHANGED_ITS_MIND_S),
        "answers and hangs up after 1 s, before anybody could speak: too short for a greeting",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100213",
        replace(_MACHINE, agent=AgentScript(AgentDeed.SILENCE, 4.0)),
        "answers and is silent; the agent says so after 4 s and has the call ended",
        "AGENT_HUNG_UP_SILENCE_DETECTED",
    ),
    SandboxNumber(
        "+15550100214",
        _asks_to_hang_up("the caller said goodbye"),
        "answers; the agent has the call ended after 2 s and says why",
        "AGENT_HUNG_UP",
    ),
    SandboxNumber(
        "+15550100215",
        replace(STAYS_ON, agent=AgentScript(AgentDeed.TRANSFER, 2.0)),
        "answers; the agent hands the call over to another number after 2 s",
        "CALL_TRANSFERRED",
    ),
    SandboxNumber(
        "+15550100216",
        _asks_to_hang_up("error: the language model cannot be reached"),
        "answers; the agent reports an error after 2 s and has the call ended",
        "AGENT_FAILED",
    ),
    SandboxNumber(
        "+15550100217",
        _asks_to_hang_up("idle_timeout"),
        "answers; the agent finds the call idle after 2 s and has it ended",
        "IDLE_TIMEOUT",
    ),
    SandboxNumber(
        "+15550100218",
        replace(PICKS_UP, agent=AgentScript(turns=_MANY_TURNS)),
        "answers, hangs up after 4 s, and its transcript has 2,000 turns, over 400 KB",
        "USER_HUNG_UP_IN_CALL",
    ),
)

OF_THE_CARRIER = (
    SandboxNumber(
        "+15550100220",
        _answered_through(CarrierForm.GENERIC),
        "answers, hangs up after 4 s; the carrier reports all of it in the generic form",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100221",
        _answered_through(CarrierForm.TELNYX),
        "answers, hangs up after 4 s; the carrier reports it as Telnyx does",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100222",
        _answered_through(CarrierForm.TWILIO),
        "answers, hangs up after 4 s; the carrier reports it as Twilio does",
        "USER_HUNG_UP_IN_CALL",
    ),
    SandboxNumber(
        "+15550100223",
        Callee(rings_after_s=None, refusal=Refusal(486), carrier=CarrierReports()),
        "is busy (486) without ringing, and the carrier reports it",
        "USER_BUSY",
    ),
    SandboxNumber(
        "+15550100224",
        Callee(
            answers_after_s=_RECORDS_FOR_S,
            speaks_after_s=None,
            carrier=CarrierReports(forwards_after_s=2.0, forwards_to="voicemail", to_voicemail=True),
        ),
        "rings; after 2 s the carrier reports that it forwards to voicemail",
        "VOICEMAIL_DETECTED_PRECONNECT",
    ),
    SandboxNumber(
        "+15550100225",
        Callee(
            refusal=Refusal(480),
            refuses_after_s=_FORWARDED_RING_S,
            carrier=CarrierReports(forwards_after_s=1.0, forwards_to="+15550100998"),
        ),
        "rings, the carrier reports that it is forwarded (181), 480 after 25 s",
        "VOICEMAIL_DETECTED_PRECONNECT",
    ),
    SandboxNumber(
        "+15550100226",
        Callee(refusal=Refusal(503, TOO_MANY_TEXT), refuses_after_s=2.0),
        "rings 2 s, then the carrier has too many of our calls (503)",
        "SIP_FAILED_CAPACITY",
    ),
    SandboxNumber(
        "+15550100227",
        replace(
            STAYS_ON,
            agent=AgentScript(AgentDeed.ASK_HANG_UP, _LONGER_THAN_DOUBT_S, words="the caller said goodbye"),
            carrier=CarrierReports(gives_up_after_s=1.0),
        ),
        "answers; 1 s later the carrier reports that another place it had called did not; the agent ends it at 15 s",
        "AGENT_HUNG_UP",
    ),
)

OF_OUR_OWN = (
    SandboxNumber(
        "+15550100230",
        replace(PICKS_UP, room=RoomTrouble.UNREADABLE),
        "LiveKit's answer about the room can never be read: it is tried again for some minutes, and nothing ever rings",
        "INTERNAL_ERROR",
    ),
    SandboxNumber(
        "+15550100231",
        STAYS_ON,
        "answers and never hangs up; hang up through the API",
        "API_HUNG_UP",
        Wish.HANG_UP_ACTIVE,
    ),
    SandboxNumber(
        "+15550100232",
        RINGS_OUT,
        "rings and is never answered; cancel it through the API",
        "CALL_CANCELED",
        Wish.CANCEL_RINGING,
    ),
    SandboxNumber(
        "+15550100233",
        PICKS_UP,
        "answers, hangs up after 4 s; have it recorded",
        "USER_HUNG_UP_IN_CALL",
        Wish.RECORD,
    ),
    SandboxNumber(
        "+15550100234",
        Callee(answers_after_s=RING_S, hangs_up_after_s=6.0, egress=EgressTrouble.FAILS),
        "answers, hangs up after 6 s; have it recorded, which fails after 2 s",
        "USER_HUNG_UP_IN_CALL",
        Wish.RECORD,
    ),
)

WHO_CALL_US = (
    SandboxNumber(
        "+15550100900",
        PICKS_UP,
        "is one of ours: somebody calls it, talks to its agent for some seconds, hangs up",
        "USER_HUNG_UP_IN_CALL",
        Wish.INBOUND,
    ),
    SandboxNumber(
        "+15550100901",
        PICKS_UP,
        "is one of ours and leads to no agent: somebody calls it and is turned away",
        "NUMBER_NOT_ROUTED",
        Wish.INBOUND,
    ),
    SandboxNumber(
        "+15550100902",
        replace(PICKS_UP, agent=AgentScript(drops=2)),
        "is one of ours: no worker has room for the first two dispatches of a caller, then one comes",
        "USER_HUNG_UP_IN_CALL",
        Wish.INBOUND,
    ),
    SandboxNumber(
        "+15550100903",
        replace(PICKS_UP, agent=AgentScript(joins_after_s=3.5)),
        "is one of ours: its agent takes 3.5 s to come; a second one, sent meanwhile, is removed when it joins",
        "USER_HUNG_UP_IN_CALL",
        Wish.INBOUND,
    ),
    SandboxNumber(
        "+15550100904",
        PICKS_UP,
        "is one of ours: somebody calls it, says three things to a runner, one after the other, and hangs up",
        "USER_HUNG_UP_IN_CALL",
        Wish.RUNNER_INBOUND,
    ),
)
