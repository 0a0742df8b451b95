"""Everything that knows LiveKit or a SIP provider: dialling, rooms, reading their webhooks.

`hook` and `dial_errors` are pure; only `livekit` opens connections, and imports `livekit-api`, which takes as long to
load as the rest of a function: who seldom needs it imports it late.
"""
