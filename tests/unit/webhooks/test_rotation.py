"""Which secrets sign, and until when."""

import base64

import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from ringline.webhooks.model.endpoint import SecretMark, Signature
from ringline.webhooks.secrets import new_secret
from ringline.webhooks.sending.signing import signature_headers
from tests.builders import NOW
from tests.unit.webhooks.webhook_fakes import an_endpoint

HOUR_MS = 3_600_000


def signing(secrets: tuple[tuple[str, SecretMark], ...]) -> list[str]:
    return [secret for secret, _ in secrets]


def test_a_secret_of_before_there_were_marks_signs_and_is_as_old_as_its_endpoint() -> None:
    ((secret, mark),) = an_endpoint(secrets=("whsec_a",)).signing(NOW + HOUR_MS)
    assert (secret, mark.made_at, mark.ends_at) == ("whsec_a", NOW, None)


def test_both_sign_until_the_overlap_ends() -> None:
    rotated = an_endpoint(secrets=("whsec_a",)).rotated("whsec_b", SecretMark(NOW), Signature.V1, NOW + HOUR_MS)
    assert signing(rotated.signing(NOW)) == ["whsec_b", "whsec_a"]
    assert signing(rotated.signing(NOW + HOUR_MS - 1)) == ["whsec_b", "whsec_a"]
    assert signing(rotated.signing(NOW + HOUR_MS)) == ["whsec_b"]


def test_without_an_overlap_the_former_signs_nothing_more_and_is_not_kept() -> None:
    rotated = an_endpoint(secrets=("whsec_a",)).rotated("whsec_b", SecretMark(NOW), Signature.V1, NOW)
    assert rotated.secrets == ("whsec_b",)


def test_a_rotation_during_an_overlap_takes_nothing_from_the_first_one() -> None:
    once = an_endpoint(secrets=("whsec_a",)).rotated("whsec_b", SecretMark(NOW), Signature.V1, NOW + 2 * HOUR_MS)
    twice = once.rotated("whsec_c", SecretMark(NOW + 1), Signature.V1, NOW + HOUR_MS)
    assert signing(twice.signing(NOW + 1)) == ["whsec_c", "whsec_b", "whsec_a"]
    assert signing(twice.signing(NOW + HOUR_MS)) == ["whsec_c", "whsec_a"]
    later = twice.rotated("whsec_d", SecretMark(NOW + 3 * HOUR_MS), Signature.V1, NOW + 4 * HOUR_MS)
    assert later.secrets == ("whsec_d", "whsec_c")


def test_an_ed25519_signature_is_verified_by_the_public_key_alone() -> None:
    secret, mark = new_secret(Signature.V1A, NOW)
    assert secret.startswith("whsk_") and mark.public_key is not None and mark.public_key.startswith("whpk_")
    headers = signature_headers([secret], "evt_1", 1_700_000_000, b'{"a":1}')
    version, _, made = headers["webhook-signature"].partition(",")
    verify = VerifyKey(base64.b64decode(mark.public_key.removeprefix("whpk_")))
    assert version == "v1a"
    assert verify.verify(b'evt_1.1700000000.{"a":1}', base64.b64decode(made))
    with pytest.raises(BadSignatureError):
        verify.verify(b'evt_2.1700000000.{"a":1}', base64.b64decode(made))


def test_from_one_kind_to_the_other_both_sign() -> None:
    shared, _ = new_secret(Signature.V1, NOW)
    private, mark = new_secret(Signature.V1A, NOW)
    rotated = an_endpoint(secrets=(shared,)).rotated(private, mark, Signature.V1A, NOW + HOUR_MS)
    headers = signature_headers(signing(rotated.signing(NOW)), "evt_1", 1, b"{}")
    assert [each.partition(",")[0] for each in headers["webhook-signature"].split()] == ["v1a", "v1"]
