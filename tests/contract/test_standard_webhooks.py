"""Our signatures, verified by the public Standard Webhooks library."""

import time
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from ringline.webhooks.model.endpoint import new_webhook_secret
from ringline.webhooks.sending.signing import signature_headers

BODY = '{"type":"call_end","timestamp":"2026-11-21T01:34:31.000Z","data":{"name":"Zoë","call_id":"call_1"}}'.encode()


def signed(*secrets: str, at_s: int | None = None, body: bytes = BODY) -> dict[str, str]:
    return signature_headers(secrets, "msg_1", at_s if at_s is not None else int(time.time()), body)


def test_the_public_library_accepts_what_we_sign() -> None:
    secret = new_webhook_secret()
    assert Webhook(secret).verify(BODY, signed(secret)) is not None


def test_during_a_rotation_both_the_new_and_the_old_secret_verify() -> None:
    new, old = new_webhook_secret(), new_webhook_secret()
    headers = signed(new, old)
    assert Webhook(new).verify(BODY, headers) is not None
    assert Webhook(old).verify(BODY, headers) is not None


def test_our_signature_is_the_librarys_own() -> None:
    secret, now = new_webhook_secret(), int(time.time())
    theirs = Webhook(secret).sign("msg_1", datetime.fromtimestamp(now, UTC), BODY.decode())
    assert signed(secret, at_s=now)["webhook-signature"] == theirs


@pytest.mark.parametrize(
    "broken",
    [
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": str(int(time.time()) - 30)},
        {"webhook-signature": "v1,AAAA"},
    ],
)
def test_a_changed_header_is_refused(broken: dict[str, str]) -> None:
    secret = new_webhook_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, {**signed(secret), **broken})


def test_a_changed_body_and_a_foreign_secret_are_refused() -> None:
    secret = new_webhook_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY.replace(b"call_1", b"call_2"), signed(secret))
    with pytest.raises(WebhookVerificationError):
        Webhook(new_webhook_secret()).verify(BODY, signed(secret))


def test_a_replayed_delivery_is_too_old_after_minutes() -> None:
    secret = new_webhook_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, signed(secret, at_s=int(time.time()) - 600))
