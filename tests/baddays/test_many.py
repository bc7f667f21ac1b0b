"""Many events at once: a whole intake of candidates is arranged in one moment, and a worker is killed amid it.

    BAD_DAY_EVENTS=10000 python -m pytest tests/baddays/test_many.py --timeout 1800

A run of the suite takes some hundred.
"""

import os
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from portal.core import records
from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.core.workflow import Change
from portal.hiring.models import Application, Candidate
from portal.interviews import actions
from portal.messaging.models import Delivery
from portal.people.models import User
from tests.baddays.conftest import HOUR, Day
from tests.baddays.ledger import assert_all_is_well
from tests.support.cast import Person
from tests.support.processes import wait_until

EVENTS = int(os.environ.get("BAD_DAY_EVENTS", "100"))
PANEL, PORTION = 20, 200


@pytest.mark.database("postgresql")
def test_many_events_at_once_and_a_worker_killed_amid_them(day: Day) -> None:
    panel = [day.office.colleague(f"Interviewer {n}", "Europe/Berlin") for n in range(PANEL)]
    seats = _arrange(day, panel)
    victim, *_ = [day.machinery.start("worker") for _ in range(2)]
    day.machinery.start("scheduler")
    wait_until(lambda: len(day.machinery.mail.taken) > EVENTS // 10, "the first tenth of the mails", 120)
    may_repeat = day.machinery.kill(victim)
    day.machinery.settle(60 + EVENTS / 5)
    mails = [(address, "email", "interview_scheduled") for pair in seats for address in pair]
    notes = [(interviewer, "in_app", "interview_scheduled") for _, interviewer in seats]
    assert_all_is_well(day.machinery, [*mails, *notes], may_repeat=may_repeat)
    assert day.machinery.look.scalar(sa.select(sa.func.count()).select_from(Delivery)) == 3 * EVENTS


def _arrange(day: Day, panel: list[Person]) -> list[tuple[str, str]]:
    """``EVENTS`` interviews, all of which wait to be told of; the addresses of candidate and interviewer of each."""
    seats = []
    with day.machinery.app.app_context(), tenant_scope(day.office.head.tenant_id):
        for number in range(EVENTS):
            if number % PORTION == 0:  # else the session would know more and more rows, and PostgreSQL of none
                db.session.commit()
                db.session.expunge_all()
                day.machinery.look.execute(sa.text("ANALYZE"))
                users = [db.session.get_one(User, (person.tenant_id, person.id)) for person in panel]
                change = Change(day.now, db.session.get_one(User, (day.office.head.tenant_id, day.office.head.id)))
            user, start = users[number % PANEL], day.now + (48 + number // PANEL) * HOUR
            _hire(day, number, user, start, change)
            seats.append((f"many{number}@mail.example", user.email))
        db.session.commit()
    return seats


def _hire(day: Day, number: int, user: User, start: Any, change: Change) -> None:
    values = {"first_name": "Jane", "last_name": f"Doe {number}", "email": f"many{number}@mail.example"}
    candidate = records.create(db.session, Candidate, {**values, "timezone": "Asia/Dubai"})
    row = Application(candidate_id=candidate.id, job_id=day.office.job, status="nominated")
    db.session.add(row)
    db.session.flush()
    given = {"application_id": row.id, "interview_type": "video", "audience": "internal", "timezone": "Europe/London",
             "scheduled_start": start, "scheduled_end": start + timedelta(minutes=45)}  # fmt: skip
    actions.schedule_interview(db.session, given, [user], change)
