"""The vectors of docs/webhooks.md for ed25519: we sign them, and the page verifies them, which stands on public
libraries."""

import json
import subprocess
from typing import Any

import pytest

from ringline.webhooks.sending.signing import signature_headers
from tests.contract.webhooks.receivers_of_the_page import blocks, languages_here

(VECTORS,) = (json.loads(block) for block in blocks("json"))
PRIVATE_KEY = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
"""The page names it. It is the first one of RFC 8032, section 7.1."""


def by_python(vectors: list[dict[str, Any]]) -> list[bool]:
    of_the_page: dict[str, Any] = {}
    exec(blocks("python")[1], of_the_page)
    return [of_the_page["is_ours"](each["public_key"], each, each["body"].encode()) for each in vectors]


def by_javascript(vectors: list[dict[str, Any]]) -> list[bool]:
    asks = "JSON.parse(process.argv[1]).map((each) => isOurs(each.public_key, each, Buffer.from(each.body)))"
    script = f"{blocks('javascript')[1]}\nconsole.log(JSON.stringify({asks}))"
    told = subprocess.run(["node", "-e", script, json.dumps(vectors)], capture_output=True, text=True, check=True)
    return list(json.loads(told.stdout))


VERIFIERS = {"python": by_python, "javascript": by_javascript}


@pytest.mark.parametrize("language", [each for each in languages_here() if each in VERIFIERS])
def test_the_page_verifies_its_vectors(language: str) -> None:
    assert VERIFIERS[language](VECTORS) == [each["verifies"] for each in VECTORS]
    assert {each["verifies"] for each in VECTORS} == {True, False}


def test_the_vectors_are_what_we_sign() -> None:
    first = VECTORS[0]
    signed = signature_headers(
        [PRIVATE_KEY], first["webhook-id"], int(first["webhook-timestamp"]), first["body"].encode()
    )
    assert signed["webhook-signature"] == first["webhook-signature"]
