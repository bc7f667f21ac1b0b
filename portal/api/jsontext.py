"""Values of rows as JSON text."""

import json
from typing import Any

import orjson


def encode(value: Any) -> bytes:
    """JSON of plain values, keys, times (UTC with a Z) and days."""
    try:
        return orjson.dumps(value, option=orjson.OPT_UTC_Z)
    except orjson.JSONEncodeError:
        # Half a character, which no row holds, but which may be sent, and is then told of in the refusal.
        return json.dumps(value, default=str).encode()
