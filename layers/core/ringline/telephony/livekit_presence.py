"""Whether somebody whom LiveKit lists in a room is really there.

Measured on livekit-server 1.13.5: a server that was killed and comes back lists whoever was in its rooms, from Redis,
for as long as the rooms live, and tells of nobody's leaving. It looks after those only who have joined anew. A change
of a participant that changes nothing is answered at once for the ones it looks after, and by nobody for the others
(`unavailable`, "no response from servers", after 3 s).
"""

import asyncio

from livekit import api

_ANSWERED_WITHIN_S = 2.0
"""Less than what a webhook's handler gives LiveKit in all. Who is there is answered for in milliseconds."""
_NOBODY_ANSWERS = {"unavailable", "not_found"}


async def is_reached(client: api.LiveKitAPI, room: str, identity: str) -> bool:
    """Asked right after LiveKit has listed them, so that no answer is an answer. Raises what else LiveKit says."""
    try:
        async with asyncio.timeout(_ANSWERED_WITHIN_S):
            await client.room.update_participant(api.UpdateParticipantRequest(room=room, identity=identity))
    except TimeoutError:
        return False
    except api.TwirpError as error:
        if error.code in _NOBODY_ANSWERS:
            return False
        raise
    return True
