"""What Ringline signs is verified by the page's own receivers, which stand on the public libraries."""

import re
import time
from pathlib import Path

import pytest

from ringline.webhooks.model.endpoint import new_webhook_secret
from ringline.webhooks.sending.client import Answered, WebhookClient
from ringline.webhooks.sending.signing import signature_headers
from tests.contract.webhooks.receivers_of_the_page import RUN_BY, blocks, languages_here, receiving

BODY = '{"type":"call.ended","id":"evt_1","sequence":7,"data":{"name":"Zoë 🙂","call_id":"call_1"}}'.encode()


@pytest.mark.parametrize("language", languages_here())
def test_the_receiver_of_the_page_believes_us_and_nobody_else(language: str, tmp_path: Path) -> None:
    ours, next_one, client = new_webhook_secret(), new_webhook_secret(), WebhookClient(allow_private=True)
    now_s = int(time.time())
    signed = signature_headers([ours], "evt_1", now_s, BODY)
    with receiving(language, ours, tmp_path) as receiver:

        def posted(headers: dict[str, str], body: bytes = BODY) -> object:
            return client.post(receiver.url, {"content-type": "application/json", **headers}, body)

        assert posted(signed) == Answered(204)
        said = receiver.next_line()
        assert "call.ended" in said and said.endswith("evt_1")
        assert posted(signature_headers([next_one, ours], "evt_1", now_s, BODY)) == Answered(204)
        for refused in (
            posted(signed, BODY.replace(b"call_1", b"call_2")),
            posted({**signed, "webhook-id": "evt_2"}),
            posted(signature_headers([next_one], "evt_1", now_s, BODY)),
            posted(signature_headers([ours], "evt_1", now_s - 600, BODY)),
            posted({}),
        ):
            assert refused == Answered(400)


def test_the_page_has_a_receiver_for_each_language() -> None:
    assert all(blocks(language) for language in RUN_BY)


def test_the_published_example_of_the_page_is_what_we_sign() -> None:
    page = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()
    rows = dict(re.findall(r"^\| (secret|`webhook-[a-z]+`|body) \| `(.+)` \|$", page, re.MULTILINE))
    at_s = int(rows["`webhook-timestamp`"])
    signed = signature_headers([rows["secret"]], rows["`webhook-id`"], at_s, rows["body"].encode())
    assert signed["webhook-signature"] == rows["`webhook-signature`"]
