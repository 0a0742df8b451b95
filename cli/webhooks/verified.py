"""Whether a request is Ringline's: the check of Standard Webhooks, as any receiver makes it."""

import hmac
from base64 import b64decode
from collections.abc import Mapping

from cli.frame.fields import secret
from cli.model.failures import Usage
from ringline.webhooks.sending.signing import signature_headers

TOLERANCE_S = 300
"""How far a request's moment may be from now, as the public libraries have it: an older one may be a recording."""

_PREFIX = "whsec_"


def checked_secret(said: str) -> str:
    """A secret as it was given: itself, `@file`, or `-` to be asked for it. Raises Usage for what is none."""
    given = secret(said)
    try:
        is_one = given.startswith(_PREFIX) and bool(b64decode(given.removeprefix(_PREFIX), validate=True))
    except ValueError:
        is_one = False
    if not is_one:
        raise Usage("is no secret of an endpoint, whsec_...", "--secret")
    return given


def fault(secret: str, headers: Mapping[str, str], body: bytes, now_s: int) -> str | None:
    """Why a request is not to be believed, in a few words, or None. Names of headers are in lower case."""
    webhook_id, sent_at = headers.get("webhook-id"), headers.get("webhook-timestamp")
    given = headers.get("webhook-signature")
    if not webhook_id or not sent_at or not given:
        return "it is not signed"
    if not (sent_at.isascii() and sent_at.isdecimal()) or abs(int(sent_at[:15]) - now_s) > TOLERANCE_S:
        return "its timestamp is not of now"
    expected = signature_headers([secret], webhook_id, int(sent_at[:15]), body)["webhook-signature"]
    if not any(hmac.compare_digest(each.encode(), expected.encode()) for each in given.split()):
        return "its signature is wrong"
    return None
