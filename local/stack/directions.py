"""What `make up` prints of a stack that is up."""

from local.stack.addresses import is_this_machine_alone
from local.stack.record import Stack, StackRecord
from local.tools.places import naming


def how_to_call(stack: Stack, record: StackRecord) -> str:
    """What `up` prints of a stack that is up: how to call it, and what a LiveKit of the user's own still needs."""
    here = naming(record.state_dir)
    talk = f", and talk to it with `{here}make talk`" if stack.phones_url else ""
    to_number = "+15550100200" if stack.phones_url else "+<a number of yours>"
    return f"""
  API           {stack.base_url}
  key           {stack.api_key}   (organisation {stack.org_handle}, {stack.cap} calls at once)
  LiveKit       {stack.livekit_url}{"   (the phone network)" if stack.phones_url else ""}
  all of it     {record.stack_path}
  logs          {stack.log_dir}
{"" if stack.phones_url else _what_livekit_needs(stack, here)}
Place a call and look at it, by the command line (docs/cli.md) or without:

  {here}.venv/bin/ringline call {to_number} --pipe {stack.pipe_id}
  {here}.venv/bin/ringline calls
  curl -s {stack.base_url}/v1/calls -H 'Authorization: Bearer {stack.api_key}' -H 'Content-Type: application/json' \\
    -d '{{"to_number": "{to_number}", "pipe_id": "{stack.pipe_id}"}}'

Let your own runner take the calls of the agent `{stack.runner_agent_id}` (pipe {stack.runner_pipe_id}){talk}:

  {runner_variables(stack)}
  .venv/bin/python -m examples.echo_runner {stack.runner_agent_id}

`{here}make down` stops it."""


def runner_variables(stack: Stack) -> str:
    """The line that tells a shell what the SDK's runner and its client need, also behind a proxy."""
    return (
        f"export UNPOD_BASE_URL={stack.base_url} UNPOD_PLATFORM_TOKEN={stack.api_key} "
        f"UNPOD_ORG_HANDLE={stack.org_handle} NO_PROXY=127.0.0.1,localhost"
    )


def _what_livekit_needs(stack: Stack, here: str) -> str:
    """What is to be done at a LiveKit server of the user's own before the first call."""
    lines = f"""
Set this as a webhook URL of your LiveKit, signed with the API key {stack.livekit_api_key}: without its webhooks
calls do not move on. Callers need a rule there, too: docs/inbound.md.

  {stack.hooks_url}

Calls go out through {stack.sip_trunk_id} from {stack.from_number} (FROM_NUMBER), and the agent
`{stack.agent_name}` (AGENT_NAME) is dispatched to them.
"""
    if is_this_machine_alone(stack.public_url):
        lines += f"""
Only this machine reaches {stack.public_url}. If your LiveKit or its agents are on another one, in a container with a
network of its own, or in LiveKit's cloud: `{here}make down`, and set PUBLIC_URL to the tunnel or proxy that leads
here, or BIND_ADDRESS to an address of this machine that they reach.
"""
    return lines
