"""A thousandth of the large demo, on both databases: it is made otherwise than the small one, and holds the same."""

from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core import clock
from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.demo import journeys, large
from portal.demo.masses import SHARES
from portal.hiring.models import Application, Candidate, StatusChange
from portal.hiring.pipeline import BY_NAME, CLOSED
from portal.interviews.models import AHEAD, OPEN, Interview, InterviewStatus, Panelist
from portal.messaging.models import Reminder
from portal.people.models import User
from portal.practice.models import MockInterview, MockInterviewChecklistItem
from tests.demo.practice import practice_holds
from tests.demo.titles import titles_are_right
from tests.support.clock import stopped_clock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_every_journey_is_one_that_the_pipeline_permits() -> None:
    random = Random(3)
    for target in BY_NAME:
        for _ in range(50):
            way = journeys.journey(random, target)
            assert journeys.is_permitted(way), (target, way)
            assert list(journeys.statuses(way))[-1] == target


def rows(query: Any) -> list[Any]:
    return list(db.session.execute(query))


def test_the_large_demo_holds_the_rules(app: Flask) -> None:
    with stopped_clock(), app.app_context():
        said: list[str] = []
        large.make(db.session(), Random(3), clock.now(), said.append, 0.001)
        db.session.commit()
        with everywhere(db.session):
            first = db.session.scalars(sa.select(User.tenant_id).where(User.email == "hr@harbour.example")).one()
            own = Application.tenant_id == first
            assert rows(sa.select(Reminder.id).where(Reminder.tenant_id == first).limit(1))
            assert db.session.scalar(sa.select(sa.func.count()).select_from(Application).where(own)) == 400
            total = sa.select(sa.func.count()).select_from(Interview).where(Interview.tenant_id == first)
            assert db.session.scalar(total) == 1000
            mocks = sa.select(sa.func.count()).select_from(MockInterview).where(MockInterview.tenant_id == first)
            assert db.session.scalar(mocks) == 240
            items = sa.select(sa.func.count()).select_from(MockInterviewChecklistItem)
            assert db.session.scalar(items.where(MockInterviewChecklistItem.tenant_id == first)) == 2400
            practice_holds()
            all_statuses_are_there()
            chains_are_whole()
            nobody_is_in_two_places()
            texts_and_numbers_are_right()
            db.session.rollback()
    assert said


def all_statuses_are_there() -> None:
    statuses = Counter(row.status for row in rows(sa.select(Application.status)))
    assert set(statuses) >= {name for name, share in SHARES.items() if share >= 1}
    assert set(Counter(row.status for row in rows(sa.select(Interview.status)))) >= set(InterviewStatus) - {
        "in_progress"
    }


def chains_are_whole() -> None:
    chains: dict[Any, list[Any]] = {}
    for change in rows(sa.select(StatusChange.application_id, StatusChange.source, StatusChange.target).order_by(
        StatusChange.at, StatusChange.id)):  # fmt: skip
        chains.setdefault(change.application_id, []).append(change)
    for application in rows(sa.select(Application.id, Application.status)):
        chain = chains[application.id]
        assert [chain[0].source, chain[0].target] == ["", "nominated"]
        assert chain[-1].target == application.status
        assert all(after.source == before.target for before, after in pairwise(chain))
        assert all(after.target in BY_NAME[before.target].leads_to for before, after in pairwise(chain))


def nobody_is_in_two_places() -> None:
    seats = sa.select(Panelist.user_id.label("who"), Interview.scheduled_start, Interview.scheduled_end)
    seats = seats.join(Interview, Interview.id == Panelist.interview_id)
    came = sa.select(Application.candidate_id.label("who"), Interview.scheduled_start, Interview.scheduled_end)
    came = came.join(Interview, Interview.application_id == Application.id)
    for query in (seats, came):
        taken: dict[Any, list[Any]] = {}
        for row in rows(query.where(Interview.status != "cancelled")):
            taken.setdefault(row.who, []).append((row.scheduled_start, row.scheduled_end))
        for times in taken.values():
            assert all(first[1] <= second[0] for first, second in pairwise(sorted(times)))


def texts_and_numbers_are_right() -> None:
    for row in db.session.scalars(sa.select(Candidate)):
        assert row.search_text == row.text_of({name: getattr(row, name) for name in row.searched})
    titles_are_right()
    now = clock.now()
    for interview in db.session.scalars(sa.select(Interview)):
        assert interview.scheduled_end > interview.scheduled_start
        assert (interview.status in ("completed", "no_show")) <= (interview.scheduled_start <= now)
        assert (interview.status == "cancelled") == (interview.cancelled_at is not None)
        assert (interview.outcome is not None) <= (interview.audience == "client" and interview.status == "completed")
    over = sa.select(Interview.id).join(Application, Application.id == Interview.application_id)
    assert rows(over.where(Interview.status.in_(OPEN), Application.status.in_((*CLOSED, "on_hold")))) == []
    assert rows(sa.select(Interview.id).where(Interview.status.in_(AHEAD), Interview.scheduled_start > now))
