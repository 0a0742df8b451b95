"""The stack that is up on this machine, found by the record that `make up` writes. Nobody has to set it up."""

from collections.abc import Mapping
from pathlib import Path

from cli.model.profiles import LOCAL, OnThisMachine, Profile
from local.stack.record import StackRecord
from local.tools.places import LOCAL as USUAL_STATE_DIR


def running_stack(environ: Mapping[str, str]) -> Profile | None:
    """The stack in RINGLINE_STATE_DIR, or in `.local`; None where none is up. It is not asked whether it still runs:
    whoever calls it will see."""
    stack = StackRecord(Path(environ.get("RINGLINE_STATE_DIR") or USUAL_STATE_DIR).resolve()).stack()
    if stack is None:
        return None
    return Profile(
        name=LOCAL,
        api_url=stack.base_url,
        api_key=stack.api_key,
        on_this_machine=OnThisMachine(
            endpoint_url=stack.emulator_url,
            table_name=stack.table_name,
            doorbell_url=stack.doorbell_queue_url,
            livekit_url=stack.livekit_url,
            livekit_api_key=stack.livekit_api_key,
            livekit_api_secret=stack.livekit_api_secret,
            sip_trunk_id=stack.sip_trunk_id,
            hooks_url=stack.hooks_url,
            agent_name=stack.agent_name,
            secrets_name=stack.secrets_name,
            functions=stack.functions,
        ),
    )
