"""Messages, from the commit of their events until the last is delivered: by two workers as in production, to a real
mail server in a process of its own. And what the scheduler asks all the time, among a million reminders."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psutil
import redis
from rq import Worker

from portal.leash import leashed
from portal.run import ROOT
from tests.bench.figures import Figure, beside, measure
from tests.bench.stage import Stage
from tests.support.postgres import free_port

MESSAGES, EVENTS, WORKERS, REMINDERS = 10_000, 10_000, 2, 1_000_000
PATIENCE = 600.0
"""Seconds after which a measurement gives up."""


@measure("messages")
def messages(stage: Stage, times: int) -> Iterator[Figure]:
    with contextlib.closing(_Post(stage)) as post:
        yield from _delivered(stage, post)
        yield from _told(stage, post)
    yield from _asked(stage, times)


def _delivered(stage: Stage, post: "_Post") -> Iterator[Figure]:
    """Some 10,000 messages, to candidates by mail and to panels by mail and within the portal, until the last."""
    with _undone(stage):
        keys = _interviews(stage, MESSAGES)
        _record(stage, keys)
        began, used = time.perf_counter(), post.seconds()
        _until(lambda: _one(stage, _UNDONE_EVENTS) == 0)
        noted = time.perf_counter() - began
        _until(lambda: _one(stage, _UNDONE) == 0)
        whole, used = time.perf_counter() - began, post.seconds() - used
        mails, notes = _one(stage, _SENT, "email"), _one(stage, _SENT, "in_app")
        if (others := _one(stage, "SELECT count(*) FROM deliveries WHERE status <> 'sent'")) > 0:
            raise RuntimeError(f"{others} messages were not sent")
    count = f"{mails:,} mails and {notes:,} in the portal, of {len(keys):,} events"
    yield Figure(f"{mails + notes:,} messages, commit to the last", "s", 60, None, whole, count)
    yield Figure("the workers' processor time, for each", "ms", None, None, 1000 * used / (mails + notes))
    yield Figure("of them in the portal, to the last", "s", None, None, noted)
    yield Figure("mails", "a second", None, None, mails / whole, f"{WORKERS} workers", at_least=True)


def _told(stage: Stage, post: "_Post") -> Iterator[Figure]:
    """10,000 events at once: mails wait meanwhile, what is read within the portal does not."""
    with _undone(stage):
        keys = _interviews(stage, None)
        recording = _record(stage, keys)
        began = time.perf_counter()
        _until(lambda: _one(stage, _UNDONE_EVENTS) == 0)
        seconds, notes, peak = time.perf_counter() - began, _one(stage, _SENT, "in_app"), post.largest()
        post.stop()
    yield Figure(f"{len(keys):,} events recorded at once", "s", None, None, recording)
    yield Figure("until the last is in the portal", "s", 60, None, seconds, f"{notes:,} notifications; mails wait")
    yield Figure("largest worker", "MB", None, None, peak / 1e6)


def _asked(stage: Stage, times: int) -> Iterator[Figure]:
    """Among a million reminders that wait, of which some are due."""
    from portal.core.tenancy import everywhere
    from portal.messaging import falling_due

    def due(session: Any, at: datetime) -> object:
        with everywhere(session):
            return session.execute(falling_due.due(at, falling_due.BATCH)).all()

    with stage.app.app_context(), _reminders(stage):
        yield beside("due-reminder scan, 1,000,000 wait", 20, times, None, _timed(due))
        yield beside("the scheduler's look, nothing to do", 20, times, None, _timed(_look))
        yield beside("how messages stand, for /metrics", 20, times, None, _timed(_scraped))


def _look(session: Any, at: datetime) -> None:
    from portal.messaging import queries

    queries.oldest_due(session, at)
    queries.something_waits(session, at)


def _scraped(session: Any, at: datetime) -> None:
    from portal.messaging import queries

    queries.standing(session, at)
    queries.last_hour(session, at)


def _timed(ask: Callable[[Any, datetime], object]) -> Callable[[int], float]:
    from portal.core import clock
    from portal.core.db import db

    def ours(number: int) -> float:
        began = time.perf_counter()
        ask(db.session(), clock.now())
        seconds = time.perf_counter() - began
        db.session.rollback()
        return seconds

    return ours


# --- what is told -----------------------------------------------------------------------------------

_AHEAD = """
SELECT i.id, 1 + 2 * (SELECT count(*) FROM panelists p WHERE p.tenant_id = i.tenant_id AND p.interview_id = i.id)
FROM interviews i WHERE tenant_id = %s AND status IN ('scheduled', 'confirmed', 'rescheduled')
  AND scheduled_start > now() + interval '1 day' ORDER BY id LIMIT %s"""
_UNDONE_EVENTS = "SELECT count(*) FROM outbox_events WHERE processed_at IS NULL"
_UNDONE = "SELECT count(*) FROM deliveries WHERE status IN ('queued', 'failed')"
_SENT = "SELECT count(*) FROM deliveries WHERE status = 'sent' AND channel = %s"


def _interviews(stage: Stage, messages: int | None) -> list[UUID]:
    """Interviews ahead: 10,000, or so many that their people get as many ``messages``."""
    found: list[UUID] = []
    for key, count in stage.raw.execute(_AHEAD, [stage.tenant, EVENTS]):
        if messages is not None and (messages := messages - count) < 0:
            break
        found.append(key)
    return found


def _record(stage: Stage, keys: list[UUID]) -> float:
    """Record that ``keys`` were scheduled, all in one transaction; seconds until it has committed."""
    from portal.core import clock, events
    from portal.core.db import db
    from portal.core.tenancy import tenant_scope

    told = [events.Event("InterviewScheduled", key, {"schedule": None}) for key in keys]
    with stage.app.app_context(), tenant_scope(stage.tenant):
        began = time.perf_counter()
        events.record_many(db.session, told, clock.now())
        db.session.commit()
        return time.perf_counter() - began


def _one(stage: Stage, query: str, *values: Any) -> int:
    found = stage.raw.execute(query, values).fetchone()
    assert found is not None
    return int(found[0])


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > deadline:
            raise RuntimeError("The messages do not get through: see the workers' log.")
        time.sleep(0.1)


@contextlib.contextmanager
def _undone(stage: Stage) -> Iterator[None]:
    """What the block tells is taken back, and so are the reminders that it writes."""
    since = datetime.now(UTC)
    try:
        with stage.undone():
            yield
    finally:
        _forget(stage, since)


def _forget(stage: Stage, since: datetime) -> None:
    with stage.raw.transaction():
        stage.raw.execute("SET LOCAL session_replication_role = replica")  # deliveries refer to what goes before them
        for table in ("notifications", "deliveries", "reminders"):
            stage.raw.execute(f"DELETE FROM {table} WHERE created_at >= %s", [since])
    for table in ("notifications", "deliveries", "reminders"):
        stage.raw.execute(f"VACUUM (ANALYZE) {table}")


@contextlib.contextmanager
def _reminders(stage: Stage) -> Iterator[None]:
    """Reminders that wait, a million of them, a few of which are due; nothing tells of them, and then they go."""
    since, wanted = datetime.now(UTC), REMINDERS - _one(stage, _WAITING)
    stage.raw.execute(_MAKE, [stage.tenant, max(wanted, 0)])
    stage.raw.execute("VACUUM (ANALYZE) reminders")
    try:
        yield
    finally:
        _forget(stage, since)


_WAITING = "SELECT count(*) FROM reminders WHERE queued_at IS NULL AND void_at IS NULL"
_MAKE = """
INSERT INTO reminders (tenant_id, id, subject_type, subject_id, schedule_version, kind, recipient_id, user_id, due_at,
  last_useful_at, created_at)
SELECT u.tenant_id, gen_random_uuid(), 'interview', gen_random_uuid(), 0, '1day', u.id, u.id,
  now() + make_interval(secs => n * 3 - 1500), now() + make_interval(secs => n * 3), clock_timestamp()
FROM (SELECT tenant_id, id FROM users WHERE tenant_id = %s ORDER BY id LIMIT 1) u, generate_series(1, %s) n"""


# --- who tells --------------------------------------------------------------------------------------


class _Post:
    """A mail server, and workers that hand over to it."""

    def __init__(self, stage: Stage) -> None:
        port = free_port()
        self._log = (stage.folder / "workers.log").open("wb")
        self._sink = self._start([sys.executable, "-m", "tests.bench.mailsink", str(port)], {})
        worker = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
        environ = stage.environ | {"SMTP_URL": f"smtp://127.0.0.1:{port}", "LOG_LEVEL": "WARNING"}
        self._workers = [self._start(worker, environ) for _ in range(WORKERS)]
        queue = redis.Redis.from_url(stage.environ["REDIS_URL"])
        _until(lambda: _listens(port) and Worker.count(connection=queue) >= WORKERS)
        queue.close()

    def _start(self, command: list[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            leashed(command), cwd=ROOT, env=os.environ | environ, stdout=self._log, stderr=self._log
        )

    def seconds(self) -> float:
        """The processor's time that the workers have used so far."""
        return sum(sum(psutil.Process(worker.pid).cpu_times()[:2]) for worker in self._workers)

    def largest(self) -> int:
        """The resident bytes of the largest worker."""
        return max(int(psutil.Process(worker.pid).memory_info().rss) for worker in self._workers)

    def stop(self) -> None:
        """Let no more go out; what a worker had begun is finished."""
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.wait(60)

    def close(self) -> None:
        self.stop()
        self._sink.terminate()
        self._sink.wait(10)
        self._log.close()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
