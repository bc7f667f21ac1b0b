"""How a receiver knows that it was us: Standard Webhooks (HMAC-SHA256 over id, time and body).

A webhook's secret stands in no table and no backup. It is made of SECRET_KEY, the webhook's key and the number of its
generation whenever it is needed, which is when something is signed, and once to be shown.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

PREFIX = "whsec_"
OLD_HOLDS = timedelta(days=1)
"""For how long a rotated secret still signs beside the new one."""


class OtherKey(Exception):
    """SECRET_KEY is not the one that the webhook's secret was made with."""


def secret_of(secret_key: str, webhook: UUID, generation: int) -> str:
    """The secret as its owner gets it."""
    said = b"greenroom webhook " + webhook.bytes + generation.to_bytes(4, "big")
    return PREFIX + base64.b64encode(hmac.digest(secret_key.encode(), said, hashlib.sha256)).decode()


def mark(secret: str) -> str:
    """By what we know a secret again."""
    return hashlib.sha256(secret.encode()).hexdigest()


def secrets_of(row: Any, secret_key: str, at: datetime) -> list[str]:
    """What signs for the webhook at present, the newest first; raises OtherKey."""
    newest = secret_of(secret_key, row.id, row.generation)
    if mark(newest) != row.mark:
        raise OtherKey
    rotated = row.generation > 1 and row.rotated_at is not None and at < row.rotated_at + OLD_HOLDS
    return [newest, secret_of(secret_key, row.id, row.generation - 1)] if rotated else [newest]


def headers(key: UUID, body: bytes, secrets: list[str], at: datetime) -> Mapping[str, str]:
    """The three headers of the specification; the time is that of the attempt, in seconds since 1970."""
    sent = str(int(at.timestamp()))
    signed = b".".join((str(key).encode(), sent.encode(), body))
    return {
        "webhook-id": str(key), "webhook-timestamp": sent,
        "webhook-signature": " ".join(f"v1,{_signature(secret, signed)}" for secret in secrets),
    }  # fmt: skip


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
