"""Now: lines, queue, trunks, agents and LiveKit of an account, the accounts beside it, and how the deployment is."""

from cli.calling.unfinished import stuck
from cli.calling.watch import count_of, look
from cli.console.parts.asked import Answer, Asked
from cli.console.parts.html import page
from cli.console.parts.office import OF_NOW, Office
from cli.console.parts.shell import shell_of
from cli.reach.api import Document
from cli.words.account import why_account
from cli.words.moments import length, since, until


def now(office: Office, asked: Asked) -> Answer:
    """How it stands at this moment."""
    shell = shell_of(office, asked, "now")
    api = office.api(shell.account_id)
    seen = look(api)
    account = seen["account"]
    now_ms = office.now_ms
    return page(
        "now",
        shell=shell,
        account=account,
        accounts=office.accounts(),
        why=why_account(account, now_ms),
        blocks=[
            (each["what"], each["calls"], ", ".join(each["names"]), until(each["until"], now_ms))
            for each in account.get("blocked_by") or ()
        ],
        trunks=[
            (each["trunk_id"], each["takes_calls"], each["calls_per_second"], until(each["is_slowed_until"], now_ms))
            for each in account.get("trunks") or ()
        ],
        agents=[_agent(each, now_ms) for each in account.get("agents") or ()],
        calls=[(each, since(each.get("started_at"), now_ms)) for each in seen["calls"]],
        stuck=stuck(api, {}, now_ms, at_a_glance=True, anybody_waits=_anybody_waits(account)),
        counts={name: count_of(seen, name) for name in ("calls", "runners", "workers")},
        runners=seen["runners"],
        workers=seen["workers"],
        longest=length((account.get("waiting") or {}).get("longest_wait_s")),
    )


def _anybody_waits(account: Document) -> bool:
    return bool((account.get("waiting") or {}).get("calls"))


def health(office: Office, _asked: Asked) -> Answer:
    """The part of the page that takes seconds to find out."""
    return page("findings", findings=office.findings(OF_NOW))


def _agent(agent: dict[str, object], now_ms: int) -> tuple[object, object, str]:
    runners = agent.get("runners")
    places = f"{runners['in_use']} of {runners['places']} places in use" if isinstance(runners, dict) else ""
    return agent["agent_id"], places, until(str(agent["rests_until"] or ""), now_ms)
