"""One socket: uvicorn's WebSocket, which ends in our words."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.protocol import State

from portal.sockets.seats import Seat

LARGEST_MESSAGE = 4096
"""Bytes. Pages say no more than that they want to hear, and that they are there."""
GOING_AWAY, NOT_ALLOWED = 1001, 1008


def config(app: Any) -> Config:
    """uvicorn's settings; no compression, which costs each socket memory and lets little grow large."""
    made = Config(
        app, interface="asgi3", lifespan="off", http="h11", ws="websockets-sansio", ws_max_size=LARGEST_MESSAGE,
        ws_ping_interval=None, ws_per_message_deflate=False, log_config=None, log_level="warning",
        proxy_headers=False,
    )  # fmt: skip
    made.load()
    return made


class Connection(WebSocketsSansIOProtocol):
    """``sid`` is its name in the namespace, None until the page has asked for that."""

    def __init__(self, settings: Config, state: ServerState, seat: Seat, lost: Callable[["Connection"], None]) -> None:
        super().__init__(settings, state, {"connection": self}, asyncio.get_running_loop())
        self.seat = seat
        self.sid: str | None = None
        self.since = self.loop.time()
        self._lost, self._was_stuck = lost, False

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._lost(self)

    def end(self, code: int) -> None:
        """Say why, and close."""
        # Where the page has begun to close, the answer is on its way already.
        if self.handshake_complete and self.conn.state is State.OPEN and not (self.close_sent or self.disconnected):
            self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})
            self.conn.send_close(code)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.transport.close()

    def is_stuck(self) -> bool:
        """Whether much waits to be taken by the other side, now as when this was asked last."""
        before, self._was_stuck = self._was_stuck, self.transport.is_closing() or not self.writable.is_set()
        return before and self._was_stuck
