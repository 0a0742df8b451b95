"""A call: why it stands where it stands, what happened when, what the table knows, its deliveries; and what can be done
about it."""

from secrets import token_hex
from typing import Any

from cli.console.pages.bars import WIDE, bars
from cli.console.parts.asked import Answer, Asked, go_to
from cli.console.parts.html import page
from cli.console.parts.office import Office
from cli.console.parts.shell import shell_of
from cli.reach.api import Document, segment
from cli.words.timeline import says
from cli.words.why import OVER, why_call

MOST_DELIVERIES = 50
_OF_THE_SAME_CALL = ("to_number", "pipe_id", "agent_id", "instructions", "data", "metadata")
"""What a call that is made again has of the first one."""


def one_call(office: Office, asked: Asked) -> Answer:
    """The call that the path names."""
    shell = shell_of(office, asked, "calls")
    api, call_id = office.api(shell.account_id), asked.path[1]
    call = api.get(f"/v1/calls/{segment(call_id)}")
    events = list(api.rows(f"/v1/calls/{segment(call_id)}/events"))
    is_over = call.get("status") in OVER
    return page(
        "call",
        shell=shell,
        call=call,
        why=why_call(call, office.now_ms),
        events=[(each, says(each)) for each in events],
        bars=bars(events, office.now_ms, is_over),
        wide=WIDE,
        is_over=is_over,
        may_retry=is_over and call.get("direction") == "outbound",
        # Asked for twice from one page, it makes one call.
        once=token_hex(8),
        deliveries=api.page("/v1/webhook-deliveries", {"call_id": call_id, "limit": MOST_DELIVERIES}).rows,
        record=office.record(shell.account_id, call_id),
    )


def hang_up(office: Office, asked: Asked) -> Answer:
    """Ends the call, or cancels it."""
    shell, call_id = shell_of(office, asked, "calls"), asked.path[1]
    office.api(shell.account_id).post(f"/v1/calls/{segment(call_id)}/hangup")
    return go_to(shell.to("calls", call_id, done="hang-up"))


def retry(office: Office, asked: Asked) -> Answer:
    """Makes the same call once more: a new call, to the same number."""
    shell, call_id = shell_of(office, asked, "calls"), asked.path[1]
    api = office.api(shell.account_id)
    call = api.get(f"/v1/calls/{segment(call_id)}")
    once = f"console-{call_id}-{asked.form.get('once', '')}"
    made = api.post("/v1/calls", _again(call), {"Idempotency-Key": once})
    return go_to(shell.to("calls", made["call_id"], done="retry"))


def _again(call: Document) -> dict[str, Any]:
    """The request for it. A pipe says by itself which number calls."""
    body = {name: call[name] for name in _OF_THE_SAME_CALL if call.get(name)}
    # Whoever did not want to be recorded is not, whatever the pipe says.
    body |= {name: call[name] for name in ("recording", "recording_consent") if call.get(name) is not None}
    return body if "pipe_id" in body else body | {"from_number": call.get("from_number")}
