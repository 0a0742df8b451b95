"""What each page shows."""

from copy import replace

import pytest

from cli.console.parts.office import Office
from ringline.accounts.account import Account
from ringline.accounts.store import AccountStore
from ringline.calls.model.call import Evidence, State
from ringline.calls.model.reasons import EndReason
from ringline.calls.tables.store import CallStore
from ringline.calls.tables.watchlist import Watchlist
from ringline.routing.records import Agent, Pipe
from ringline.routing.store import RoutingStore
from tests.builders import ACCOUNT, a_call
from tests.component.cli.console.browsing import Browsing, links_of
from tests.component.cli.terminal import CALLEE, Terminal

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def placed(terminal: Terminal) -> str:
    return str(terminal.document("call", CALLEE, "--pipe", "support", "--no-follow")["call_id"])


def ended(terminal: Terminal, call_id: str, sip_status: str = "Busy Here") -> None:
    """Has a call ended as a busy phone does, whatever the carrier's text says."""
    store = CallStore(terminal.local.dynamodb, terminal.local.table_name)
    before = store.get(ACCOUNT, call_id)
    assert before is not None
    now = terminal.now_ms
    dialed = replace(before, state=State.DIALING, attempt=1, dialed_at=now, due_at=now + 9000, version=2)
    store.commit(before, dialed)
    over = replace(dialed, state=State.NOT_CONNECTED, ended_at=now + 4000, due_at=None, version=3)
    evidence = Evidence(sip_code=486, sip_status=sip_status)
    store.commit(dialed, replace(over, end_reason=EndReason.USER_BUSY, evidence=evidence))


def test_the_root_leads_to_now(browsing: Browsing) -> None:
    browsing.office.check()
    assert browsing.get("", 303).answer.location == "now"


def test_now_shows_lines_queue_and_why(browsing: Browsing, terminal: Terminal) -> None:
    placed(terminal)
    seen = browsing.get("now")
    for part in ("0 of 2 lines in use", "1 calls wait", "LiveKit takes calls", "1 call waits", "profile local"):
        assert part in seen.text, part
    assert "Acme" in seen.text and "0 calls are stuck" in seen.text


def test_a_call_that_waits_too_long_is_stuck_and_stands_first(browsing: Browsing, terminal: Terminal) -> None:
    first = placed(terminal)
    terminal.now_ms += 290_000
    later = placed(terminal)
    for address in ("now", "calls"):
        seen = browsing.get(address)
        assert "has waited for 4 min" in seen.text, address
    assert seen.text.index(first) < seen.text.index(later)


def test_calls_are_filtered_as_the_api_filters_them(browsing: Browsing, terminal: Terminal) -> None:
    over, waits = placed(terminal), placed(terminal)
    ended(terminal, over)
    assert over in browsing.get("calls?status=failed").text
    assert waits not in browsing.get("calls?status=failed&end_reason=USER_BUSY&since=2h").text
    status, says = browsing.problem("calls?status=asleep")
    assert status == 422 and "status" in says
    status, says = browsing.problem("calls?since=yesterday")
    assert status == 400 and "yesterday" in says and "since" in says


def test_more_calls_than_a_page_has_are_a_page_away(browsing: Browsing, terminal: Terminal) -> None:
    store = CallStore(terminal.local.dynamodb, terminal.local.table_name)
    for number in range(53):
        at = terminal.now_ms - number
        store.create(a_call(call_id=f"call_{number:026}", account_id=ACCOUNT, created_at=at, eligible_at=at))
    seen = browsing.get("calls?direction=outbound")
    (older,) = [link for link in links_of(seen, "calls") if "cursor" in link]
    assert "direction=outbound" in older
    assert sum("calls/call_" in link for link in browsing.get(older).links) == 3


def test_a_call_shows_why_its_bars_its_events_and_its_record(browsing: Browsing, terminal: Terminal) -> None:
    call_id = placed(terminal)
    ended(terminal, call_id)
    seen = browsing.get(f"calls/{call_id}")
    for part in ("USER_BUSY", "SIP 486 Busy Here", "on its way", "4.0 s", "accepted", "ended: reason USER_BUSY"):
        assert part in seen.text, part
    assert '"sip_status": "Busy Here"' in seen.text and '"eligible_at"' in seen.text, "the record in the table"
    assert "svg" in seen.tags
    assert [each.says for each in seen.buttons] == ["Yes, call again"]


def test_a_call_that_there_is_not_is_told_so(browsing: Browsing) -> None:
    assert browsing.problem("calls/call_nobody") == (404, browsing.problem("calls/call_nobody")[1])
    assert "no such call" in browsing.problem("calls/call_nobody")[1]
    assert browsing.problem("nowhere")[0] == browsing.problem("static/server.py")[0] == 404


def test_set_up_shows_what_there_is_and_of_keys_their_names_alone(browsing: Browsing, terminal: Terminal) -> None:
    made = terminal.document("key", "create", "--name", "server")
    seen = browsing.get("setup")
    for part in ("Acme", "+15551230001", "Support", "Front desk", "server", made["key_id"]):
        assert part in seen.text, part
    assert made["raw_key"] not in seen.answer.body.decode()


def test_the_doctors_findings_are_parts_of_their_own(browsing: Browsing) -> None:
    health, doctor = browsing.get("parts/health"), browsing.get("parts/doctor")
    assert "last_sweep" in health.text and "alarms_heard" in health.text and "pipes" not in health.text
    assert "api_key ok is taken" in doctor.text and "numbers" in doctor.text


def test_beside_another_accounts_set_up_the_doctor_says_whose_it_looks_at(
    browsing: Browsing, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = browsing.office.api(None)
    monkeypatch.setattr(Office, "api", lambda _self, _account_id: own)
    assert f"Doctor, of the profile's own account {ACCOUNT}" in browsing.get("setup?account=other").text
    for address in ("setup", f"setup?account={ACCOUNT}"):
        assert "Doctor being" in browsing.get(address).text


def test_names_that_are_markup_are_shown_as_they_are(browsing: Browsing, terminal: Terminal) -> None:
    local = terminal.local
    routing = RoutingStore(local.dynamodb, local.table_name)
    AccountStore(local.dynamodb, local.table_name).create_account(Account("evil", HOSTILE, "evil", 1))
    routing.put_agent(ACCOUNT, Agent(agent_id="evil", name=HOSTILE))
    routing.put_pipe(ACCOUNT, Pipe(pipe_id="evil", name=HOSTILE, agent_id="evil"))
    terminal.document("key", "create", "--name", HOSTILE)
    store = CallStore(local.dynamodb, local.table_name)
    now = terminal.now_ms
    call = a_call(
        account_id=ACCOUNT, agent_id="evil", instructions=HOSTILE, data={HOSTILE: HOSTILE}, metadata={"name": HOSTILE},
        created_at=now, eligible_at=now,
    )  # fmt: skip
    store.create(call)
    store.create(replace(call, account_id="evil", call_id="call_01JD5Z0000000000000000000B"))
    Watchlist(local.dynamodb, local.table_name).mark_waiting("evil", now)
    ended(terminal, call.call_id, sip_status=HOSTILE)
    pages = ("now", "calls", f"calls/{call.call_id}", "setup", "parts/doctor", f"calls?to_number={HOSTILE}")
    shown = set()
    for address in (*pages, f"now?account={HOSTILE}", f"calls/{HOSTILE}", HOSTILE, f"now?done={HOSTILE}"):
        made = browsing.get(address, browsing.problem(address)[0])
        source = made.answer.body.decode()
        assert "<script>alert" not in source and "<img" not in source and "img" not in made.tags, address
        assert made.tags.count("script") <= 1, "the console's own"
        shown |= {address} if "alert(1)" in made.text else set()
    assert shown == {"now", f"now?done={HOSTILE}", f"calls/{call.call_id}", "setup"}, "where the names are"


def test_style_and_script_come_from_the_console_alone(browsing: Browsing) -> None:
    assert browsing.get("static/console.css").answer.content_type.startswith("text/css")
    source = browsing.get("now").answer.body.decode() + browsing.get("static/console.js").answer.body.decode()
    assert "http:" not in source and "https:" not in source and "style=" not in source and "onclick" not in source
