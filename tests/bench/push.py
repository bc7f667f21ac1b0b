"""From the commit of a change to the pages of whom it concerns, with 500 sockets open."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from tests.bench.figures import Figure, measure
from tests.bench.stage import Stage
from tests.support.cast import Person
from tests.support.client import PortalClient
from tests.support.sockets import Crowd, cookie_of

SOCKETS = 500
OF_EACH = 10
"""Sockets of one reader, at two web processes."""
WAIT_SECONDS = 20.0


@measure("push")
def push(stage: Stage, times: int) -> Iterator[Figure]:
    """An interview is confirmed by HR; the worker hears of it, and tells its organizer's open pages."""
    readers = _readers(stage, SOCKETS // OF_EACH)
    stage.app.test_client_class = PortalClient
    pages = [cookie_of(stage.app, readers[number % len(readers)]) for number in range(SOCKETS)]
    keys = _interviews(stage, [person.id for person in readers], times + 3)
    with stage.undone(), _worker(stage), Crowd(stage.address, pages) as crowd:
        spans = [span for number, key in enumerate(keys) for span in _arrivals(stage, crowd, key, number >= 3)]
    spans.sort()
    median, late = spans[len(spans) // 2], spans[round(0.95 * (len(spans) - 1))]
    note = f"95th percentile of {len(spans)} arrivals; median {median:.0f}, slowest {spans[-1]:.0f}"
    yield Figure(f"commit to browser, {len(pages)} sockets", "ms", 250, None, late, note)


def _arrivals(stage: Stage, crowd: Crowd, key: UUID, counts: bool) -> Sequence[float]:
    """Milliseconds from the commit to each page of the organizer."""
    before, expected = [len(heard) for heard in crowd.heard], crowd.count() + 1
    committed, deadline = _confirm(stage, key), time.perf_counter() + WAIT_SECONDS
    while crowd.count() < expected:
        if time.perf_counter() > deadline:
            raise RuntimeError(f"no page has heard that {key} was confirmed")
        time.sleep(0.002)
    time.sleep(0.3)  # the others of the same organizer
    came = [heard[count] for count, heard in zip(before, crowd.heard, strict=True) if len(heard) > count]
    if {told[1]["type"] for _, told in came} != {"interview_confirmed"}:
        raise RuntimeError(f"pages heard {came}")
    return [(at - committed) * 1000 for at, _ in came] if counts else []


def _confirm(stage: Stage, key: UUID) -> float:
    """When it was committed."""
    import sqlalchemy as sa

    from portal.core import clock
    from portal.core.db import db
    from portal.core.tenancy import tenant_scope
    from portal.core.workflow import Change
    from portal.interviews.models import Interview
    from portal.interviews.workflow import INTERVIEW
    from portal.people.models import User

    with stage.app.app_context(), tenant_scope(stage.tenant):
        user = db.session.scalars(sa.select(User).where(User.email.startswith("hr@"))).one()
        row = db.session.get_one(Interview, (stage.tenant, key))
        INTERVIEW.move(db.session, row, "confirm", Change(clock.now(), user))
        db.session.commit()
        return time.perf_counter()


_WHOSE = """
SELECT u.id, u.email, u.full_name, u.session_stamp FROM users u
WHERE u.tenant_id = %s AND u.active AND u.email NOT LIKE 'hr@%%'
ORDER BY NOT EXISTS (
  SELECT 1 FROM interviews i WHERE i.tenant_id = u.tenant_id AND i.organizer_id = u.id AND i.status = 'scheduled'
    AND i.scheduled_start > now() + interval '1 day'), u.id LIMIT %s"""
_WHAT = """
SELECT id FROM interviews WHERE tenant_id = %s AND status = 'scheduled' AND organizer_id = ANY(%s)
  AND scheduled_start > now() + interval '1 day' ORDER BY md5(id::text) LIMIT %s"""


def _readers(stage: Stage, number: int) -> list[Person]:
    """Those who organize interviews first."""
    found: Any = stage.raw.execute(_WHOSE, [stage.tenant, number])
    return [Person(key, stage.tenant, email, name, f"{stage.tenant}|{key}|{stamp}")
            for key, email, name, stamp in found]  # fmt: skip


def _interviews(stage: Stage, organizers: list[UUID], number: int) -> list[UUID]:
    return [key for (key,) in stage.raw.execute(_WHAT, [stage.tenant, organizers, number])]


@contextmanager
def _worker(stage: Stage) -> Iterator[None]:
    """A worker beside the web server; what waited in the queue before is not its business."""
    from portal.leash import leashed
    from portal.run import FLASK, ROOT

    process = subprocess.Popen(leashed([*FLASK, "worker"]), cwd=ROOT, env=os.environ | stage.environ)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)
