"""Passwords of carriers, encrypted by a key of AWS KMS before they are kept."""

import base64
from collections.abc import Callable
from typing import Any, Protocol


class Sealer(Protocol):
    """What is sealed for one trunk of one account can be opened for that one alone."""

    def seal(self, account_id: str, trunk_id: str, password: str) -> str: ...

    def open(self, account_id: str, trunk_id: str, sealed: str) -> str: ...


class KmsSealer:
    """Account and trunk are the encryption context: KMS refuses to open what was moved to another row, and names both
    in its own log."""

    def __init__(self, kms: Callable[[], Any], key_id: str) -> None:
        self._kms = kms
        self._key_id = key_id

    def seal(self, account_id: str, trunk_id: str, password: str) -> str:
        answer = self._kms().encrypt(
            KeyId=self._key_id,
            Plaintext=password.encode(),
            EncryptionContext={"account": account_id, "trunk": trunk_id},
        )
        return base64.b64encode(answer["CiphertextBlob"]).decode()

    def open(self, account_id: str, trunk_id: str, sealed: str) -> str:
        answer = self._kms().decrypt(
            KeyId=self._key_id,
            CiphertextBlob=base64.b64decode(sealed),
            EncryptionContext={"account": account_id, "trunk": trunk_id},
        )
        return bytes(answer["Plaintext"]).decode()
