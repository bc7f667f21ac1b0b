"""Two who want the same rows in two orders: neither waits for the other in a circle (PostgreSQL ends one of them)."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.core import clock as portal_clock
from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.core.workflow import Change
from portal.hiring.models import Application
from portal.interviews.models import Interview
from portal.interviews.workflow import INTERVIEW
from portal.people.models import User
from portal.scheduling import slots_actions
from portal.scheduling.models import InterviewSlot
from portal.scheduling.workflow import lock
from tests.support.cast import Cast
from tests.support.clock import MONDAY
from tests.support.contention import wide_engine
from tests.support.databases import Database
from tests.support.pages import behind, text
from tests.support.world import World, populate

pytestmark = pytest.mark.database("postgresql")
HOUR = timedelta(hours=1)


@pytest.fixture
def world(app: Flask, cast: Cast, clock: Any) -> World:
    return populate(app, cast)


@contextmanager
def meanwhile(engine: sa.Engine, session: Session, does: Callable[[], Any]) -> Iterator[list[Any]]:
    """``does`` in a thread of its own, which has come to wait for ``session`` when the block begins."""
    told: list[Any] = []
    thread = threading.Thread(target=lambda: told.append(does()))
    thread.start()
    me = session.scalar(sa.select(sa.func.pg_backend_pid()))
    waits = sa.text("SELECT count(*) FROM pg_stat_activity WHERE :me = ANY(pg_blocking_pids(pid))")
    with engine.connect() as watcher:
        for _ in range(200):
            if watcher.scalar(waits, {"me": me}):
                break
            watcher.rollback()
            time.sleep(0.05)
        else:
            raise AssertionError(f"nobody waits: {told}")
    yield told
    thread.join(30)


def test_an_edit_that_moves_an_interview_and_a_hold_of_its_application(
    database: Database, make_client: Any, cast: Cast, world: World
) -> None:
    key, tenant = world.own["interviews"], cast.alice.tenant_id
    client = make_client(cast.alice)
    edit = {"title": "Moved", "interview_type": "video", "timezone": "Asia/Dubai", "row_version": "1",
            "scheduled_start": "2026-03-12T12:00", "scheduled_end": "2026-03-12T13:00",
            "organizer_id": str(cast.alice.id), "interviewers": [str(cast.alice.id)]}  # fmt: skip
    with wide_engine(database.url, 2) as engine, tenant_scope(tenant), Session(engine) as session:
        mine = sa.select(Application.id).where(Application.id == world.own["applications"])
        session.execute(mine.with_for_update(key_share=True))  # as a hold begins
        with meanwhile(engine, session, lambda: client.submit(f"/interviews/{key}/edit", edit)) as told:
            user = session.get_one(User, (tenant, cast.alice.id))
            change = Change(portal_clock.now(), user, {"reason": "On hold"})
            assert list(INTERVIEW.apply(session, [key], "cancel", change).done) == [key]
            session.commit()
    # Not turned away by the database: shown what the hold has made of it, beside what was typed.
    assert [(answer.status_code, "Changed by" in text(answer)) for answer in told] == [(409, True)]


def test_a_change_of_a_series_and_a_rescheduling_of_what_booked_one_of_it(
    app: Flask, database: Database, make_client: Any, cast: Cast, world: World
) -> None:
    key, tenant = world.own["interviews"], cast.alice.tenant_id
    start = MONDAY + timedelta(days=8)
    with behind(app, cast.alice) as alice:
        values = {"interviewer_id": alice.id, "start": start, "end": start + HOUR, "timezone": "UTC",
                  "repeat": "days", "every": 1, "until": date(2026, 3, 12)}  # fmt: skip
        first = slots_actions.offer(db.session, values, Change(portal_clock.now(), alice)).row.id
        series = list(db.session.scalars(sa.select(InterviewSlot).order_by(InterviewSlot.start)))
        series[1].booked_type, series[1].booked_id, series[1].booked_at = "interview", key, portal_clock.now()
    client = make_client(cast.alice)
    form = {"interviewer_id": str(cast.alice.id), "slot_type": "any", "timezone": "UTC", "notes": "", "scope": "later",
            "start": f"{start + HOUR:%Y-%m-%dT%H:%M}", "end": f"{start + 2 * HOUR:%Y-%m-%dT%H:%M}",
            "row_version": "1"}  # fmt: skip
    with wide_engine(database.url, 2) as engine, tenant_scope(tenant), Session(engine) as session:
        user = session.get_one(User, (tenant, cast.alice.id))
        row = session.get_one(Interview, (tenant, key), with_for_update={"key_share": True})
        lock(session, [cast.alice.id])  # as a rescheduling does before it frees the slot
        with meanwhile(engine, session, lambda: client.submit(f"/slots/{first}/edit", form)) as told:
            times = {"scheduled_start": start + 90 * HOUR, "scheduled_end": start + 91 * HOUR}
            INTERVIEW.move(session, row, "reschedule", Change(portal_clock.now(), user, times))
            session.commit()
    assert [answer.status_code for answer in told] == [302]
    with behind(app, cast.alice):
        starts = sa.select(InterviewSlot.start, InterviewSlot.booked_id).order_by(InterviewSlot.start).limit(2)
        assert [tuple(each) for each in db.session.execute(starts)] == [
            (start + HOUR, None), (start + timedelta(days=1), None)
        ]  # fmt: skip
