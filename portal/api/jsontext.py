"""Values of rows as JSON text."""

import json
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any
from uuid import UUID


def encode(value: Any) -> bytes:
    return _encoder.encode(value).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()[:-6] + "Z" if value.tzinfo is UTC else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"JSON has no word for {type(value).__name__}")


_encoder = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), default=_plain)
