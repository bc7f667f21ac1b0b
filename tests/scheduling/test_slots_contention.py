"""Many who want one slot, or one person's time, at the same moment (issue: Speed). `make bench` has the large one."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.core import clock as time
from portal.core.db import db
from portal.core.workflow import Change
from portal.interviews import actions
from portal.interviews.models import Interview
from portal.people.models import User
from portal.scheduling import slots, slots_actions
from portal.scheduling.models import Engagement, InterviewSlot
from tests.support.cast import Cast
from tests.support.clock import MONDAY, Clock
from tests.support.contention import rush, wide_engine
from tests.support.databases import Database
from tests.support.hiring import at_work, make_application, make_candidate

MANY, ROUNDS = 40, 3
JUST_TAKEN = "Clash: This slot was just taken by somebody else. Please choose another one."
HOUR = timedelta(hours=1)


@pytest.fixture
def applications(app: Flask, cast: Cast, clock: Clock) -> list[UUID]:
    """One for each who tries, of different candidates."""
    with app.app_context(), at_work(cast.alice):
        made = [make_application("approved", candidate=make_candidate(f"Jane {n}")).id for n in range(MANY)]
        db.session.commit()
    return made


def schedule(session: Session, by: UUID, tenant: UUID, application: UUID, panel: list[UUID], **values: Any) -> None:
    user = session.get_one(User, (tenant, by))
    given = {"application_id": application, "audience": "internal", "title": "Race", "timezone": "UTC", **values}
    people = [session.get_one(User, (tenant, key)) for key in panel]
    actions.schedule_interview(session, given, people, Change(time.now(), user))


def test_of_many_who_book_one_slot_just_one_gets_it(
    app: Flask, database: Database, cast: Cast, applications: list[UUID]
) -> None:
    told, booked = [], []
    with wide_engine(database.url, MANY) as engine:
        for number in range(ROUNDS):
            slot = _slot(app, cast, number)

            def attempt(session: Session, n: int, slot: UUID = slot) -> None:
                schedule(session, cast.alice.id, cast.alice.tenant_id, applications[n], [], slot_id=slot)

            told.append(dict(rush(engine, cast.alice.tenant_id, MANY, attempt)))
            booked.append(slot)
    assert told == [{"won": 1, JUST_TAKEN: MANY - 1}] * ROUNDS
    with app.app_context(), at_work(cast.alice):
        found = db.session.execute(
            sa.select(InterviewSlot.id, Interview.title, Interview.scheduled_start == InterviewSlot.start)
            .join(Interview, Interview.id == InterviewSlot.booked_id)
            .order_by(InterviewSlot.start)
        )
        assert [tuple(row) for row in found] == [(slot, "Race", True) for slot in booked]
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Interview)) == ROUNDS


def _slot(app: Flask, cast: Cast, number: int) -> UUID:
    start = MONDAY + timedelta(days=number + 1)
    with app.app_context(), at_work(cast.alice) as alice:
        values = {"interviewer_id": cast.bob.id, "start": start, "end": start + HOUR}
        made: UUID = slots_actions.offer(db.session, values, Change(time.now(), alice)).row.id
        db.session.commit()
    return made


def test_of_many_who_book_one_persons_time_without_a_slot_just_one_gets_it(
    app: Flask, database: Database, cast: Cast, applications: list[UUID]
) -> None:
    told = []
    with wide_engine(database.url, MANY) as engine:
        for number in range(ROUNDS):
            start = MONDAY + timedelta(days=number + 1)

            def attempt(session: Session, n: int, start: Any = start) -> None:
                # All overlap the others, few are quite the same.
                times = {"scheduled_start": start + timedelta(minutes=n % 7), "scheduled_end": start + HOUR}
                schedule(session, cast.alice.id, cast.alice.tenant_id, applications[n], [cast.bob.id], **times)

            outcomes = rush(engine, cast.alice.tenant_id, MANY, attempt)
            told.append({outcome.split(" has ")[0]: count for outcome, count in outcomes.items()})
    assert told == [{"won": 1, "Clash: Bob Baker": MANY - 1}] * ROUNDS
    with app.app_context(), at_work(cast.alice):
        taken = sa.select(sa.func.count()).select_from(Engagement).where(Engagement.person_id == cast.bob.id)
        assert db.session.scalar(taken) == ROUNDS


def test_of_many_who_hold_one_slot_just_one_does(app: Flask, database: Database, cast: Cast, clock: Clock) -> None:
    slot = _slot(app, cast, 0)

    def attempt(session: Session, number: int) -> None:
        who = (cast.alice, cast.bob)[number % 2]
        user = session.get_one(User, (who.tenant_id, who.id))
        refused = slots.hold(session, [slot], 15, Change(clock.now, user)).refused
        if refused:
            raise refused[slot]

    with wide_engine(database.url, MANY) as engine:
        told = rush(engine, cast.alice.tenant_id, MANY, attempt)
    holder = "Alice Ardent" if any("Alice Ardent holds" in outcome for outcome in told) else "Bob Baker"
    # Whoever holds it may hold it again, as often as they ask; nobody else.
    words = f"WrongState: {holder} holds this slot until 09:15 (UTC, UTC+00:00)."
    assert dict(told) == {"won": MANY // 2, words: MANY // 2}


def test_those_who_book_and_those_who_move_and_delete_never_wait_in_a_circle(
    app: Flask, database: Database, cast: Cast, applications: list[UUID]
) -> None:
    with app.app_context(), at_work(cast.alice) as alice:
        values = {"interviewer_id": cast.bob.id, "start": MONDAY + timedelta(days=1), "repeat": "days", "every": 1,
                  "end": MONDAY + timedelta(days=1) + HOUR, "until": (MONDAY + timedelta(days=6)).date()}  # fmt: skip
        first = slots_actions.offer(db.session, values, Change(time.now(), alice)).row
        keys = list(db.session.scalars(sa.select(InterviewSlot.id).order_by(InterviewSlot.start)))
        db.session.commit()
        first_key = first.id

    def attempt(session: Session, n: int) -> None:
        user = session.get_one(User, (cast.alice.tenant_id, cast.alice.id))
        change = Change(time.now(), user)
        if n % 4 == 0:
            row = session.get_one(InterviewSlot, (cast.alice.tenant_id, first_key), with_for_update={"key_share": True})
            moved = {"start": row.start + timedelta(minutes=1), "end": row.end + timedelta(minutes=1)}
            slots_actions.change_slot(session, row, {**moved, "scope": "later"}, row.version, change)
        elif n % 4 == 1:
            slots.hold(session, list(reversed(keys)), 1, change)
            slots.let_go(session, keys, change)
        else:
            schedule(session, user.id, user.tenant_id, applications[n], [cast.bob.id], slot_id=keys[n % len(keys)])

    with wide_engine(database.url, MANY) as engine:
        told = rush(engine, cast.alice.tenant_id, MANY, attempt)
    assert {outcome: count for outcome, count in told.items() if outcome.startswith("FAILED")} == {}
    assert told["won"] >= 2
