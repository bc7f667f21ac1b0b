"""Rate limits, counted in Redis; where Redis is down, in the memory of each process."""

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

limiter = Limiter(
    key_func=get_remote_address,
    headers_enabled=True,
    in_memory_fallback_enabled=True,
    in_memory_fallback=[],
    swallow_errors=True,
)
