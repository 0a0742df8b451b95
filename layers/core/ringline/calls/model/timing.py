"""Every duration of a call's life, each with its reason. They depend on each other: change one, read the others.

turn -> claim -> room -> agent joins -> INVITE ...ring_timeout_s... answer -> conversation ...max_call_duration_s... end
                        |<-AGENT_FIRST->|<- HTTP time-out of the dial ->|
|<------------- DialNextFunction time-out (180 s) ---------------------->|   batch of turns + room + agent + dial, and
                                                                            the agent again if it left while it rang
|<------------- visibility time-out of the doorbell (1080 s) --------------- ... ----->|   6 x that: not heard twice
LiveKit ends a dial that waits for its answer after 80 s, and a room nobody joins after EMPTY_ROOM_S.
"""

LIVEKIT_REQUEST_S = 5
"""How long any request to LiveKit but a dial may take: it answers these in milliseconds."""

JOINED_WITHIN_S = 32
"""How long a dial that does not wait for its answer may take: LiveKit gives the leg 30 s to join its room."""

RING_TIMEOUT_S = 30
"""How long a phone rings where neither call nor pipe says otherwise. Carriers' voicemail takes over after 20 to 30
s."""

MAX_RING_TIMEOUT_S = 60
"""LiveKit ends a dial that waits for its answer after 80 s in all, joining and connecting included."""

MIN_RING_TIMEOUT_S = 5

ANSWER_MARGIN_S = 5
"""What the dial's HTTP request may take longer than the ringing: LiveKit needs 2 s at most to say that it rang out."""

AGENT_JOIN_S = 10
"""How long an answered phone may hear nothing before the call is given up, where neither call nor pipe says otherwise.
A dispatched worker joins within 0.4 s."""

MAX_AGENT_JOIN_S = 30
"""Nobody listens to silence for longer, and the dialer waits as long."""

AGENT_FIRST_S = 10
"""How long a dialer waits for the agent before the INVITE, where neither call nor pipe says otherwise. A worker that is
free joins within 0.5 s; a job that started slowly was seen to take 7.4 s; a dispatch that no worker took never ends."""

AGENT_FIRST_LOOK_S = 0.35
AGENT_SECOND_LOOK_S = 0.04
AGENT_LOOK_EVERY_S = 0.08
AGENT_LOOKS_SLOW_DOWN = 0.2
"""When a dialer that has learned nothing yet looks for the agent first, after it was dispatched, how soon after that
again, and how often from then on: an agent is in the room after 0.25 to 0.45 s, so one or two looks find it, and the
INVITE follows within 0.1 s. The first look is made when most agents are there: who is not comes a moment later. Whoever
has waited for longer is looked for less often, after this share of the time that has passed."""

AGENT_LOOKS_WHERE_COUNTED_S = (0.3, 0.5, 0.8, 1.0)
"""How long after each look the next one follows where LiveKit takes so many requests a minute, the last for all that
follow: an agent that comes within 0.65 s is found by two looks, one that takes two seconds by five, and the INVITE
follows within a second."""

AGENT_SEEN_WITHIN_S = (0.2, 0.5)
"""Between these a dialer moves its first look, as it learns how long agents take."""

AGENT_AWAITED_S = 1.5
"""A dialer that has waited for so long writes on the call that it waits: should it die, no INVITE was sent, and the
call may be dialled again. An agent that comes as soon as usual costs no write."""

AGENT_RESTS_S = (2, 5, 10, 30)
"""How long an agent rests, whom a call waited for in vain: each time for longer, until one joins, the last for all that
follow. An account's calls of that agent wait meanwhile, and one of them at a time finds out whether it is back."""

AGENT_ON_TRIAL_S = 30
"""For so long after such a rest one call at a time waits for the agent: the next is let through when an agent has
joined for the one before. A fleet that is nearly full is so asked by one call, and not by a batch of them."""

NO_AGENT_S = 3600
"""A call waits for its agent without counting, but not for ever: whoever would call the person later than this should
decide so anew."""

RUNNER_BEAT_S = 10
"""How often a runner is told to say that it is there."""

RUNNER_OVERDUE_S = 20
"""A runner that has missed two of its beats gets no call and no frame: one that shuts down beats no more, and ends its
calls with the next frame that reaches it (SDK 0.5.0)."""

RUNNER_GONE_S = 30
"""A runner that was not heard for so long is not listed any more as there."""

RUNNER_LOOK_S = 30
"""When a call is looked at again that waits for a runner's place: the bell for one that came free may get lost."""

CAP_LOOK_S = 30
"""When a call is looked at again whose agent, pipe, number or pool has as many calls as it may: as above."""

NUMBER_LEAVES_WITHIN_S = 60
"""So long after it was said that a number leaves its account calls may still be made with it."""

CALLER_ID_RESTS_S = 30 * 60
"""How long a number of a pool is not dialled from after a carrier called its calls unwanted or fraud. A number that
goes on loses more of its name with each call; and a pool of a few numbers must not run dry for a day."""

AGENT_SLOW_S = 2
"""When a call is looked at whose agent has not come. One that a worker took is in the room within half a second;
LiveKit drops a dispatch that no worker has room for, and says nothing of it."""

FIRST_DISPATCH_WAITS_S = 1.5
DISPATCH_WAITS_S = 2.5
"""How long the first dispatch, and each further one, is given to bring an agent before another is sent. No shorter: a
job that is only slow comes too, and its agent has to be put out again."""

DISPATCH_EVERY_S = 3
"""How often a call is looked at, and an agent dispatched, until one is there or the time for it is over."""

MOST_SUCCESSORS = 10
"""How often an attempt is given another speech worker for one that was lost: whatever kills one after the other is in
the call itself."""

SPEECH_WORKER_BACK_WITHIN_S = 2
"""How long a speech worker whose connection was closed has to come back before its calls are given to others: its
client tries again after half a second."""

AGENT_SUCCESSOR_S = 5
"""How long a caller may be alone after the agent, or whoever took over from it, left: another may take over."""

DIALER_SILENCE_S = 10
"""How long a leg that left unanswered waits for the dialer's answer, the only one to carry the SIP code."""

LEGS_WORD_WAITS_S = (0.15, 0.15, 0.3, 0.5, 0.9)
"""The waits between looks for the word of a leg that has just left, where the reason of an end hangs on it: together as
long as a hook takes whose function has to be started first."""

MEDIA_SILENCE_S = 32
"""LiveKit gives up a leg without sound after 15 s, in a conversation's beginning after 30. A leg that is there longer
than that after the carrier told of an end is another than the carrier spoke of."""

DIAL_OUTCOME_MARGIN_S = 20
"""How long after ring time-out and answer margin a dial without an outcome counts as lost with its dialer."""

FIRST_LOOK_S = 20
"""From this moment after the claim the sweep looks at a call each minute: most short failures are over by then."""

LONGEST_CALL_DURATION_S = 24 * 3600 - MAX_RING_TIMEOUT_S
"""LiveKit caps a call at 24 h from the dial request, ringing included."""

ROOM_MISSING_S = 8
"""How long a room must be missing before its call counts as over: after a LiveKit restart rooms reappear within
seconds, and the calls in them go on."""

ASK_AGAIN_S = 10
"""When a call is looked at whose end could not be brought about: LiveKit is back from a restart after 8 s."""

ZOMBIE_ROOM_S = 120
"""A room this old whose call is over is closed by the sweep: its deletion got lost."""

UNSENT_DIALS = 6
"""How often an attempt is dialled whose failures are its own and all known to precede the INVITE, before it fails."""

REDIAL_DELAYS_S = (2, 5, 15, 60, 120)
"""Waits before those repeats. Together they outlast three minutes."""

LIVEKIT_FAILS_WITHIN_S = 10
"""LiveKit is taken to be away when two dials found it so within this time: one request alone may fail on its way."""

LIVEKIT_FIRST_REST_S = 2
LIVEKIT_LONGEST_REST_S = 60
"""How long LiveKit rests after that, twice as long after each dial that still finds it away: a restart takes 8 s, an
outage hours. Nobody dials meanwhile."""

NO_BRIDGE_SAID_WITHIN_S = 3
"""LiveKit says within 2 s that no SIP bridge took a dial. One that it has not refused by then has been taken."""

LIVEKIT_TRIED_WITHIN_S = LIVEKIT_REQUEST_S + NO_BRIDGE_SAID_WITHIN_S
"""How long the others wait for the dial that tries LiveKit after its rest, before another one tries."""

LIVEKIT_ON_TRIAL_S = 600
"""A rest that has been over for so long is forgotten: whoever comes then need not try LiveKit for the others."""

PACE_AHEAD_S = 1
"""A dialer waits this long at most for its trunk's next turn; where the turn is further off, the call stays in the
queue and the doorbell is rung for that moment."""

LIVEKIT_LULL_S = 10
"""So many seconds' dials may go out at once after a lull, where LiveKit's requests are limited: its limit is by the
minute, of which this is a sixth."""

CARRIER_PAUSE_S = 2
"""How long a trunk rests after its carrier, or LiveKit, took no more calls: longer than the second over which carriers
count, short against the call whose end frees a channel."""

SLOW_PACE_MS = 125
SLOWEST_PACE_MS = 1000
SLOW_FOR_S = 30
"""What lies at least between two dials of a trunk for so long after such a rest; twice as much after each further one.
One call a second is the least that carriers allow."""

DEFERRALS_IN_PLACE = 2
"""So often a call that the carrier had no room for keeps its place at the head of the queue. After that it is queued
behind the others: a number that is always refused so must not hold up those that are not."""

DEFERRAL_DELAYS_S = (5, 10, 20, 30)
"""Waits of a call after those, the last one for all that follow."""

DEFERRED_FOR_S = 24 * 3600
"""A call is deferred without counting, but not for ever: a carrier without room for this long has none, and a LiveKit
that is away for so long is not coming back by itself."""

DEFERRAL_COUNTS_S = 3600
"""So much of the time between two deferrals counts towards that at most. The waits above are seconds: a call that
nobody dials for longer stands in the queue for something else as well."""

TRANSFER_BEGINS_WITHIN_S = 10
"""A transfer that nobody has taken on by then is asked for again: its message got lost, or whoever had it died."""

TRANSFER_BEGUN_BY_S = 60
"""A transfer that was asked for again and again and that nobody has begun by then has failed: somebody is on the phone,
and its fallback, or the end of the call, is what they have been promised."""

FALLBACK_AHEAD_S = 3
"""A caller falls back at the latest so long before they are let go, whatever time their agent has: whoever is to take
them then is looked for, comes within half a second, or is called."""

FALLBACK_BEGINS_WITHIN_S = 1
"""The same for the next target of a fallback, which a hook may have asked for that can send nothing on its way:
somebody waits on the phone, and the look that follows begins it."""

TRANSFER_PACE_WAITS_S = 5
"""How long a transfer waits for a turn of its trunk: somebody is on the phone."""

REFER_TAKES_S = 35
"""LiveKit waits 30 s for what becomes of a REFER."""

HANDOFF_WAITED_FOR_S = 20
"""Up to so long whoever has called the target waits to release the agent; a longer time together ends with a look."""

TARGET_SEEN_WAITS_S = (0.15, 0.15, 0.3, 0.5, 0.9)
"""The waits between looks for whom a call was handed over to, before the agent is put out for them: LiveKit's list of a
room follows its events."""

LONGEST_HANDOFF_S = 600
"""SQS delays the look that ends it for 15 minutes at most."""

DIAL_BATCH = 10
"""Calls one dialer invocation takes on at once; it rings on for the rest, so that a big queue spreads over
invocations."""

MS_PER_S = 1000
"""Moments are milliseconds, durations that people set are seconds."""


def ms(seconds: float) -> int:
    """A duration in the unit of moments."""
    return round(seconds * MS_PER_S)


CLOCKS_DIFFER_MS = 1000
"""LiveKit stamps whole seconds: what lasted as long as a limit may look up to a second shorter."""

RING_OUT_TOLERANCE_S = 2
"""What a ring time-out may look shorter than it was: whole seconds again, and two clocks that differ a little."""

CALL_SETUP_S = 2
"""What call set-up takes at most: a phone whose dial lasted longer has rung, if nobody says otherwise."""

RINGING_TOLD_AFTER_S = 4
"""When a dial that nobody has refused is told to ring: by then carriers have refused what they do not take, and LiveKit
has found out if it has no SIP bridge, which takes it two seconds."""

VOICEMAIL_RING_MIN_S = CALL_SETUP_S
VOICEMAIL_RING_MAX_S = 20
"""A phone that turns unavailable after ringing this long was forwarded to voicemail; before it is off, after it nobody
came."""

VOICEMAIL_GREETING_MIN_S = 3
VOICEMAIL_GREETING_S = 15
"""An answered call on which nobody spoke and that lasted from the one to the other was a greeting. Nobody records a
shorter one: whoever is gone before that has picked up and hung up."""

LAST_WORDS_S = 3
"""How long a call that looks like a greeting waits for its agent to say that somebody spoke: a word at the very end is
on its way for as long as it takes to start a function."""

PROMISED_WORDS_S = 12
"""How long it waits if the agent has promised its transcript, whose coming ends the wait: two tries of a request to a
service that is busy."""

HEARS_WITHIN_S = 3
"""An agent that was ready later after the answer has missed what was said first."""

IDLE_S = 600
"""A conversation in which nobody was heard for this long is reaped, if its agent does not end it before. It counts from
when the silence is told: a report that comes late puts the end off by as much, and none brings it forward."""

LIMIT_AHEAD_S = 75
"""The sweep has a call looked at in time whose limit falls between this run and the next."""

SHORT_LIMIT_S = 150
"""A limit this near to the answer may fall before the sweep's first look at the call: the dialer has it looked at."""

WEB_TOKEN_VALID_S = 60
"""How long a browser's token may be used. The SDK's documentation says so."""

WEB_JOINING_S = 15
"""LiveKit tells of a participant once its sound can flow, which may be seconds after it used its token. As long after
it joined a browser that no agent talks to yet may come back once with the same token: it need not have been given
another."""

EMPTY_ROOM_S = 120
"""LiveKit closes a room that nobody ever joined after this long: longer than any ring, so that a slow agent finds it
open."""

ROOM_DEPARTURE_S = 5
"""LiveKit closes a room this long after the last person left, if our own deletion did not come through."""

STOP_RECORDING_S = 1
"""When a call is looked at of which LiveKit records what is not to be recorded."""

END_TOLD_WITHIN_S = 30
"""The stream has its reader announce an end within a second. One that is not announced by then is the sweep's to
announce, whatever became of stream and reader."""

UNMARKED_LOOK_S = 30
"""When the sweep looks at a call whose account could not be marked as waiting: after its bell has had its time."""

MARK_REFUSED_S = 5
"""For how long a process marks nobody after a mark was refused: each refusal keeps a request waiting."""

WAITING_MARK_RENEWED_S = 300
WAITING_MARK_KEPT_S = 900
"""An account's waiting mark is renewed at most each 300 s and removed when it is 900 s old and the queue is empty: the
gap between the two is what a frozen function or a skewed clock may take without a waiting account going unseen."""

AGENT_CHECK_EVERY_S = 300
"""How often the sweep asks LiveKit whether the agent of a conversation is still there: its leaving may have got lost.
The first time in the minute after the answer."""

CLOCK_SKEW_MS = 250
"""How far the clocks of two functions may differ. A call may be dialled this much before its moment, so that its own
doorbell, heard by a clock that is behind, does not find nobody waiting."""

RECORDING_SHOWS_S = 10 * 60
"""How long after a call its recording may begin to show: LiveKit tries a webhook again for some minutes, and then drops
it."""

RECORDING_ENDS_S = 60 * 60
"""How long after a call a recording that has begun may take to be finished: its room is closed by then, and LiveKit has
uploaded it or given up."""
