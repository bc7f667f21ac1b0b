"""gunicorn's worker with threads for requests, and a hub for sockets beside them."""

import resource
from concurrent.futures import Future
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.workers.gthread import ThreadWorker

from portal.core.queue import channel
from portal.messaging import push
from portal.sockets.door import Door, still_valid
from portal.sockets.hub import Hub

MOST_FILES = 20_000


def hub_of(app: Flask) -> Hub:
    """A hub for the sockets of ``app``, still to be started."""
    url = app.extensions["greenroom"].redis_url
    return Hub(url, channel(url, push.CHANNEL), still_valid(app))


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's gthread worker, whose connections may go to the hub."""

    hub: Hub | None = None
    wsgi: Any

    def init_process(self) -> None:
        # Each socket is an open file, and the usual limit of 1,024 is meant for programs that know no more.
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        super().init_process()

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
