"""gunicorn's worker with threads for requests, and a hub for sockets beside them."""

from concurrent.futures import Future
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.workers.gthread import ThreadWorker

from portal.core.queue import channel
from portal.messaging import push
from portal.sockets.door import Door, still_valid
from portal.sockets.hub import Hub


def hub_of(app: Flask) -> Hub:
    """A hub for the sockets of ``app``, still to be started."""
    url = app.extensions["greenroom"].redis_url
    return Hub(url, channel(url, push.CHANNEL), still_valid(app))


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's gthread worker, whose connections may go to the hub."""

    hub: Hub | None = None
    wsgi: Any

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.hub = hub_of(self.wsgi)
        self.hub.start()
        self.wsgi = Door(self.wsgi, self.hub)

    def run(self) -> None:
        try:
            super().run()
        finally:
            if self.hub:
                self.hub.stop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # At once, not when the last request is answered: the pages then find another process sooner.
        if self.hub:
            self.hub.say_goodbye()
        super().handle_exit(sig, frame)

    def finish_request(self, conn: Any, fs: "Future[Any]") -> None:
        if conn.sock.fileno() == -1:
            self.nr_conns -= 1  # the hub has the connection now, or it is closed: there is nothing to close
        else:
            super().finish_request(conn, fs)
