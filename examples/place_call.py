"""Places a call with the SDK and follows it to its end.

    export UNPOD_BASE_URL=http://127.0.0.1:8787 UNPOD_PLATFORM_TOKEN=<key> UNPOD_ORG_HANDLE=<organisation>
    python -m examples.place_call <pipe id> +15550100240

The client takes the same three variables as the runner; behind a proxy, NO_PROXY=127.0.0.1 keeps it off that. The
number is one of the sandbox's: its phone answers, talks three turns with your runner, and hangs up.
"""

import asyncio
import sys

from unpod import AsyncClient


async def place(pipe_id: str, to_number: str) -> None:
    """Prints each status that the call comes to, and why it ended."""
    async with AsyncClient() as client:
        call = await client.calls.create(pipe_id=pipe_id, to_number=to_number)
        status = ""
        while call.status not in ("completed", "failed"):
            if call.status != status:
                status = call.status
                print(call.call_id, status, flush=True)
            await asyncio.sleep(0.5)
            call = await client.calls.get(call.call_id)
        print(call.call_id, call.status, call.end_reason)


if __name__ == "__main__":
    asyncio.run(place(*sys.argv[1:3]))
