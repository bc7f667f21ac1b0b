"""Passwords: argon2id, with no more hashes at once than the memory should bear."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from portal.core.errors import Invalid

# 64 MB and some 200 ms each: four at once are 256 MB, and further log-ins wait their turn.
_at_once = threading.BoundedSemaphore(4)
_hasher = PasswordHasher()
_never: str | None = None


def hashed(password: str, field: str = "password") -> str:
    """The argon2id hash to keep; raises Invalid, beside ``field``, for a password that is too short to be one."""
    if len(password) < 10:
        raise Invalid({field: "At least 10 characters, please."})
    with _at_once:
        return _hasher.hash(password)


def verify(kept: str | None, password: str) -> bool:
    """Whether ``password`` matches ``kept``; takes as long for an account that does not exist (None)."""
    global _never
    if _never is None:
        _never = _hasher.hash("an account that does not exist")
    with _at_once:
        try:
            _hasher.verify(kept or _never, password)
        except (VerifyMismatchError, InvalidHashError):
            return False
    return bool(kept)
