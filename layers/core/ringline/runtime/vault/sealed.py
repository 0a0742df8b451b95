"""Secrets of customers as the table holds them: encrypted with the stack's own key, each for one purpose.

    sealer.seal(secret, of="acct_1/ep_1")    "sealed1.<key id>.<base64url of nonce and ciphertext>"
    sealer.open(sealed, of="acct_1/ep_1")    the secret

XChaCha20-Poly1305 of libsodium, which the layer has for Telnyx's signatures: its nonce of 192 bits may be drawn by
chance for as many secrets as one likes. What a text is sealed `of` is authenticated with it: in another row it does not
open. The key's id stands before it, so that keys of before the latest one go on opening what they sealed.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable

_MARK = "sealed1."
_ID_LENGTH = 8


class NotOpened(Exception):
    """The text was sealed for something else, with a key that the stack does not have, or was changed. The message says
    which, and nothing of the text."""


class Sealer:
    """`keys` are the stack's: the one that seals first, then all that seal no more and still open. It is asked each
    time, and looks again where it is told that one is missing."""

    def __init__(self, keys: Callable[[], tuple[str, ...]], look_again: Callable[[], bool] = lambda: False) -> None:
        self._keys = keys
        self._look_again = look_again

    def seal(self, text: str, of: str) -> str:
        from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as encrypt
        from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_NPUBBYTES as nonce_length
        from nacl.utils import random

        key = self._keys()[0]
        nonce = random(nonce_length)
        sealed = nonce + encrypt(text.encode(), of.encode(), nonce, _octets(key))
        return f"{_MARK}{id_of_key(key)}.{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, text: str, of: str) -> str:
        """What was sealed. A text that never was, which earlier releases kept as it is, is itself. Raises NotOpened."""
        if not is_sealed(text):
            return text
        from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as decrypt
        from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_NPUBBYTES as nonce_length
        from nacl.exceptions import CryptoError

        key_id, _, told = text.removeprefix(_MARK).partition(".")
        key = self._key(key_id)
        try:
            sealed = base64.urlsafe_b64decode(told)
            opened: bytes = decrypt(sealed[nonce_length:], of.encode(), sealed[:nonce_length], _octets(key))
        except (CryptoError, TypeError, ValueError, binascii.Error):
            raise NotOpened("sealed for something else, or changed") from None
        return opened.decode()

    def _key(self, key_id: str) -> str:
        # Another process may have sealed it with a key that this one has not heard of.
        for is_last in (False, True):
            for key in self._keys():
                if id_of_key(key) == key_id:
                    return key
            if is_last or not self._look_again():
                break
        raise NotOpened(f"sealed with the key {key_id[:_ID_LENGTH]}, which the stack does not have")


def is_sealed(text: str) -> bool:
    return text.startswith(_MARK)


def id_of_key(key: str) -> str:
    """By what a key is told from others, in texts that anybody may see. Keys are random: nobody guesses one by it."""
    return hashlib.sha256(b"ringline/key-id" + key.encode()).hexdigest()[:_ID_LENGTH]


def _octets(key: str) -> bytes:
    """The 32 bytes that encrypt: keys are texts of any length."""
    return hashlib.sha256(b"ringline/table" + key.encode()).digest()
