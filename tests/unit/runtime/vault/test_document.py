"""The stack's secrets as they are set and rotated."""

import pytest

from ringline.runtime.vault.document import Document, SecretRefused, new_document, read_document
from ringline.runtime.vault.kept import AGENT_TOKENS, LIVEKIT, TABLE_KEY, KeptSecrets

MADE_AT, NOW = 1_790_000_000_000, 1_790_000_900_000
LIVEKIT_ONE, LIVEKIT_TWO, LIVEKIT_THREE = (f"APIkey{number}:{'s' * 32}" for number in range(3))


def values(document: Document, name: str) -> list[str]:
    return [held.value for held in document.secrets.get(name, ())]


def test_a_stack_begins_with_secrets_of_its_own_that_are_all_different() -> None:
    first, second = new_document(MADE_AT), new_document(MADE_AT)
    own = [*values(first, AGENT_TOKENS), *values(first, TABLE_KEY), *values(second, AGENT_TOKENS)]
    assert len(set(own)) == 3
    assert all(len(each) > 40 for each in own)


def test_what_is_written_is_what_a_function_reads() -> None:
    document = new_document(MADE_AT).with_value(LIVEKIT, LIVEKIT_ONE, NOW).with_value(LIVEKIT, LIVEKIT_TWO, NOW)
    secrets = KeptSecrets(document.as_text, lambda: NOW)
    assert secrets.values(LIVEKIT) == (LIVEKIT_TWO, LIVEKIT_ONE)
    assert (secrets.made_at, read_document(document.as_text())) == (MADE_AT, document)


def test_of_two_changes_in_a_row_the_first_value_is_accepted_no_more() -> None:
    document = new_document(MADE_AT)
    for value in (LIVEKIT_ONE, LIVEKIT_TWO, LIVEKIT_THREE):
        document = document.with_value(LIVEKIT, value, NOW)
    assert values(document, LIVEKIT) == [LIVEKIT_THREE, LIVEKIT_TWO]
    assert values(document.without_former(LIVEKIT), LIVEKIT) == [LIVEKIT_THREE]


def test_no_key_of_the_table_is_ever_forgotten() -> None:
    document = new_document(MADE_AT)
    keys = values(document, TABLE_KEY)
    for _ in range(3):
        document = document.with_own(TABLE_KEY, NOW)
        keys = [document.secrets[TABLE_KEY][0].value, *keys]
    assert values(document, TABLE_KEY) == keys
    with pytest.raises(SecretRefused, match="opens what it sealed"):
        document.without_former(TABLE_KEY)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (LIVEKIT, ""),
        (LIVEKIT, "no-colon"),
        (LIVEKIT, ":" + "s" * 40),
        (LIVEKIT, "key:short"),
        (LIVEKIT, f"{LIVEKIT_ONE}\n"),
        (AGENT_TOKENS, "short"),
        ("api-keys", "s" * 40),
    ],
)
def test_what_cannot_be_right_is_refused_without_being_shown(name: str, value: str) -> None:
    with pytest.raises(SecretRefused) as refused:
        new_document(MADE_AT).with_value(name, value, NOW)
    assert value.strip() == "" or value.strip() not in str(refused.value)


def test_the_same_value_again_does_not_push_out_the_one_of_before() -> None:
    document = new_document(MADE_AT).with_value(LIVEKIT, LIVEKIT_ONE, NOW)
    with pytest.raises(SecretRefused, match="already"):
        document.with_value(LIVEKIT, LIVEKIT_ONE, NOW)


def test_what_is_made_elsewhere_is_not_drawn_by_chance() -> None:
    with pytest.raises(SecretRefused, match="made elsewhere"):
        new_document(MADE_AT).with_own(LIVEKIT, NOW)


@pytest.mark.parametrize("text", ["", "{}", "[]", "whsec_abc", '{"made_at": 1, "secrets": {"livekit": "a"}}'])
def test_a_secret_that_holds_something_else_is_not_taken_for_ours(text: str) -> None:
    with pytest.raises(SecretRefused, match="something else"):
        read_document(text)


def test_no_value_is_in_what_is_shown_of_a_document() -> None:
    document = new_document(MADE_AT).with_value(LIVEKIT, LIVEKIT_ONE, NOW)
    assert LIVEKIT_ONE not in repr(document)
