"""`ringline audit`, and the entries that an operator's own commands leave."""

from typing import Any

import pytest

from ringline.accounts.store import AccountStore
from ringline.audit.log import AuditLog, Wanted
from ringline.runtime.table import OF_THE_DEPLOYMENT
from tests.builders import ACCOUNT
from tests.component.cli.terminal import Terminal


def entries(terminal: Terminal, of: str) -> list[tuple[str, str, str, dict[str, tuple[Any, Any]]]]:
    log = AuditLog(terminal.local.dynamodb, terminal.local.table_name)
    page = log.page(of, Wanted(), 50, None)
    return [
        (each.action, each.who, each.outcome, {one.name: (one.before, one.after) for one in each.changes})
        for each in page.entries
    ]


def test_an_operator_who_changes_an_account_leaves_an_entry_there(terminal: Terminal) -> None:
    terminal.done("account", "set", ACCOUNT, "--max-calls", "7", "--calls-per-day", "50")
    (entry,) = entries(terminal, ACCOUNT)
    assert entry == ("account.change", "operator", "done", {"cap": (2, 7), "calls_per_day": (None, 50)})


def test_keys_that_an_operator_makes_and_ends_are_told_by_their_ids(terminal: Terminal) -> None:
    made = terminal.document("account", "key", ACCOUNT, "--name", "ours")
    terminal.done("account", "revoke-key", ACCOUNT, made["key_id"])
    revoked, created = entries(terminal, ACCOUNT)
    assert created[0] == "account.key"
    assert created[3] == {"key_id": (None, made["key_id"]), "name": (None, "ours")}
    assert revoked[0] == "account.revoke-key"
    assert made["raw_key"] not in str([row for row in terminal.local.items() if "#AUDIT" in str(row["pk"])])


def test_a_new_account_has_its_making_as_its_first_entry(terminal: Terminal) -> None:
    terminal.done("account", "create", "Globex", "--max-calls", "3")
    (entry,) = entries(terminal, "globex")
    assert (entry[0], entry[3]["max_calls"]) == ("account.create", (None, 3))
    (key,) = AccountStore(terminal.local.dynamodb, terminal.local.table_name).keys("globex")
    assert entry[3]["key_id"] == (None, key.key_id)


def test_an_account_that_was_left_without_its_first_key_says_so(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_said: object) -> None:
        raise RuntimeError("no answer")

    monkeypatch.setattr(AccountStore, "add_known_key", broken)
    with pytest.raises(RuntimeError):
        terminal.type("account", "create", "Globex")
    (entry,) = entries(terminal, "globex")
    assert (entry[0], entry[2]) == ("account.create", "failed")
    assert entry[3]["account_id"] == (None, "globex")
    assert "key_id" not in entry[3]


def test_what_all_accounts_share_is_in_the_deployments_own_log(terminal: Terminal) -> None:
    terminal.done("voice", "put", "ada", "--name", "Ada", "--stt-provider", "deepgram", "--tts-provider", "cartesia")
    terminal.done("trunk", "pace", "ST_1", "--calls-per-second", "5")
    terminal.done("trunk", "callers", "ST_1", "--country", "GB")
    terminal.done("voice", "delete", "ada")
    told = entries(terminal, OF_THE_DEPLOYMENT)
    assert [each[0] for each in told] == ["voice.delete", "trunk.callers", "trunk.pace", "voice.put"]
    assert told[1][3] == {"country": (None, "GB")}
    shown = terminal.document("audit", "--deployment", "--resource", "voices")["data"]
    assert [each["action"] for each in shown] == ["voice.delete", "voice.put"]
    assert entries(terminal, ACCOUNT) == []


def test_an_account_that_is_not_there_gets_no_log(terminal: Terminal) -> None:
    terminal.refused("account", "set", "nobody", "--max-calls", "7")
    assert entries(terminal, "nobody") == []


@pytest.mark.parametrize("deployment", [[], ["--deployment"]])
def test_a_list_without_changes_says_so(terminal: Terminal, deployment: list[str]) -> None:
    assert terminal.done("audit", "--since", "1h", *deployment) == "no changes\n"


def test_an_accounts_changes_are_shown_with_who_made_them(terminal: Terminal) -> None:
    terminal.done("pipe", "create", "Sales", "--agent", "front-desk")
    terminal.done("account", "limit", "--calls-per-day", "5")
    rows = terminal.document("audit")["data"]
    assert [each["action"] for each in rows] == ["account.change", "pipes.create"]
    assert "account.change" in terminal.done("audit", "--resource", "account")


def test_a_key_is_shown_though_its_entry_cannot_be_ended(terminal: Terminal) -> None:
    from botocore.exceptions import ClientError

    writes = 0

    def fail_second(params: dict[str, Any], **_named: Any) -> None:
        nonlocal writes
        writes += "#AUDIT" in str(params["Item"].get("pk"))
        if writes == 2:
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "PutItem")

    terminal.local.dynamodb.meta.events.register("provide-client-params.dynamodb.PutItem", fail_second)
    made = terminal.document("account", "key", ACCOUNT, "--name", "ours")
    terminal.local.dynamodb.meta.events.unregister("provide-client-params.dynamodb.PutItem", fail_second)
    assert writes == 2 and made["raw_key"].startswith("sk_")
