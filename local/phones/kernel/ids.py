"""Identifiers that look like LiveKit's: a prefix that tells the kind, then random letters."""

import secrets

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def new_id(prefix: str, length: int = 12) -> str:
    """`prefix` followed by `length` letters, e.g. `PA_kZaciGvChzwr`."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))
