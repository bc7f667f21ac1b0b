"""The two processes beside the web: the worker, and the scheduler of which one is active at a time."""

import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import redis
from flask import Flask, current_app
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from portal.core import clock, logs
from portal.core.context import act
from portal.core.db import db
from portal.core.queue import QUEUES
from portal.jobs import DUTIES, Duty
from portal.messaging import leases

TICK_SECONDS = 1.0
LEASE = timedelta(seconds=30)
SCHEDULER = "scheduler"


class Worker(SimpleWorker):
    """Does one job after the other in this process; a fork for each would cost ten times as much."""

    told_to_stop = False

    def request_stop(self, signum: Any, frame: Any) -> None:
        self.told_to_stop = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def work(app: Flask, queues: Sequence[str] = QUEUES) -> None:
    """Work until told to stop (SIGTERM, Ctrl-C); the job at hand is finished first. Waits for a Redis that is away."""
    stop = _stop_on_signals()
    url = app.extensions["greenroom"].redis_url
    while not stop.is_set():
        try:
            # Short intervals: what a killed worker leaves behind is looked for within a minute or so.
            worker = Worker(
                [Queue(name, connection=redis.Redis.from_url(url), serializer=JSONSerializer) for name in queues],
                connection=redis.Redis.from_url(url), serializer=JSONSerializer, worker_ttl=30,
                job_monitoring_interval=5, maintenance_interval=10,
            )  # fmt: skip
            worker.work(logging_level="WARNING", with_scheduler=False)
            if worker.told_to_stop:
                return
        except redis.RedisError as error:
            logs.get().warning("the worker waits for the queue", error=str(error))
        _stop_on_signals(stop)  # the worker had put its own handlers there
        stop.wait(2)


def schedule(app: Flask, stop: threading.Event | None = None) -> None:
    """Do the scheduler's duties until told to stop; of several schedulers one does them, the others stand by."""
    stop = stop or _stop_on_signals()
    scheduler = Scheduler(app)
    while not stop.is_set():
        scheduler.tick()
        stop.wait(TICK_SECONDS)
    scheduler.end()


class Scheduler:
    """One of several: ``tick`` does what is due if this one holds the lease."""

    def __init__(self, app: Flask, duties: Sequence[Duty] = DUTIES) -> None:
        self._app = app
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"[:80]
        self._next = dict.fromkeys(duties, 0.0)
        self._renew = 0.0

    def tick(self) -> bool:
        """Whether this one is in charge. A failure (the database is away, say) is logged and tried again."""
        try:
            with self._app.app_context(), act(label="scheduler"):
                if not self._in_charge():
                    return False
                for duty in [duty for duty, due in self._next.items() if due <= time.monotonic()]:
                    duty.does()
                    db.session.remove()
                    self._next[duty] = time.monotonic() + duty.every
        except Exception as error:
            logs.get().error("the scheduler could not do its duties", exc_info=error)
            return False
        return True

    def end(self) -> None:
        """Let another one take over at once."""
        try:
            with self._app.app_context():
                leases.let_go(db.session(), SCHEDULER, self._name)
        except Exception as error:
            logs.get().warning("the lease could not be given back", error=str(error))

    def _in_charge(self) -> bool:
        if time.monotonic() < self._renew:
            return True
        held = leases.hold(db.session(), SCHEDULER, self._name, clock.now(), LEASE)
        self._renew = time.monotonic() + LEASE.total_seconds() / 6 if held else 0.0
        return held


def _stop_on_signals(stop: threading.Event | None = None) -> threading.Event:
    stop = stop or threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def the_app() -> Flask:
    """The application itself, behind Flask's proxy."""
    found: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return found
