"""Every duration of LiveKit's, in seconds, as measured on livekit-server 1.13.5 and livekit-sip 1.11.0."""

# A leg. Each duration counts from the request or from the step before.
JOIN_S = 0.009  # request to participant_joined; the INVITE goes out afterwards
INVITE_S = 0.012  # participant_joined to INVITE: a callee who refuses at once leaves before its track is published
TRACK_S = 0.032  # participant_joined to track_published
DIAL_ANSWER_S = 0.009  # participant_joined to the answer of a dial that does not wait
CANCEL_S = 0.012  # room deleted or participant removed, to the dialer's error
CHALLENGE_S = 0.012  # one more round trip when the carrier asks for credentials
RPC_BUDGET_S = 80.0  # the server gives up on a waiting dial, whatever the ring time-out
RINGING_TIMEOUT_S = 180.0  # the bridge's default
MAX_CALL_S = 24 * 3600.0  # the bridge's default and cap
TIMER_B_S = 32.0  # a carrier that never answers the INVITE at all
NO_BRIDGE_S = 2.0  # the server looks for a bridge, and finds none

# When the bridge or a worker dies, the server notices late.
BRIDGE_LOST_ACTIVE_S = 21.0
BRIDGE_LOST_RINGING_S = 19.0
AGENT_LOST_S = 20.0

# When the server was killed, those in its rooms come back so long after it is there again, as recorded once.
AGENT_BACK_S = 0.1
LEG_BACK_S = 3.3

# Agents. Each duration counts from the dispatch.
JOB_ACCEPTED_S = 0.2
AGENT_JOIN_S = 0.29
AGENT_TRACK_S = 0.05  # participant_joined to track_published
AGENT_FOLLOWS_S = 0.008  # the caller left, the worker's agent leaves
GUEST_TRACK_S = 0.045
AGENT_PATIENCE_S = 1.0  # what an agent that heard nobody adds to the silence before it hangs up
MESSAGE_S = 3.0  # a message on somebody's voicemail
REFER_WAITS_S = 30.0  # the server waits for what becomes of a REFER, where no ring time-out is given
REFER_S = 0.3  # from the wish to hand a call over to the REFER that is accepted
TRANSCRIPT_S = 0.4  # the agent is out of the room, its transcript is written

# Inbound.
INBOUND_JOIN_S = 0.006
INBOUND_ANSWER_S = 0.01  # an agent's audio is there, the caller is answered

# Rooms.
IDLE_CHECK_S = 1.0  # how often the server looks for rooms to close
EMPTY_TIMEOUT_S = 300  # LiveKit's defaults
DEPARTURE_TIMEOUT_S = 20
COUNTS_REFRESH_S = 5.0

# Egress. Each duration counts from the request or from the step before.
EGRESS_ACTIVE_S = 0.8  # its recorder is in the room
EGRESS_SAVED_S = 0.4  # the room is closed, the file is written out

# Webhooks.
HOOK_RETRY_WAITS_S = (1.0, 2.0, 4.0, 8.0)
HOOK_MAX_AGE_S = 30.0
HOOK_MAX_DEPTH = 200
HOOK_TOKEN_TTL_S = 300
HOOK_HELD_S = 1.5  # a reordered event waits this long for another to overtake it
HOOK_LATE_S = 5.0
