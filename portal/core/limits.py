"""Rate limits, counted in Redis; where Redis is down, in the memory of each process."""

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address


class _Limiter(Limiter):
    def init_app(self, app: Flask) -> None:
        super().init_app(app)
        self._storage_dead = False  # what another application in this process found of its Redis is not true of this


limiter = _Limiter(
    key_func=get_remote_address,
    headers_enabled=True,
    in_memory_fallback_enabled=True,
    in_memory_fallback=[],
    swallow_errors=True,
)
