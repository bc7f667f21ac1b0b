"""Two people at once, many rows at once: compare-and-swap in real transactions (SPEC §2, HOUSE §2)."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core import clock
from portal.core.db import db
from portal.core.errors import Conflict, NotAllowed, PortalError, WrongState
from portal.core.workflow import Change
from portal.hiring.models import Application
from portal.hiring.workflow import APPLICATION
from portal.interviews.actions import schedule_interview
from portal.interviews.models import Interview
from portal.interviews.workflow import INTERVIEW
from portal.people.models import User
from tests.support.cast import Cast, Person
from tests.support.clock import MONDAY
from tests.support.hiring import activities, at_work, change, colleague, history, make_application, make_interview, move

LATER = MONDAY + timedelta(days=9000)
Deed = Callable[[User], Any]


def at_once(app: Flask, *deeds: tuple[Person, Deed]) -> list[Any]:
    """Each deed in a thread and a transaction of its own, begun together; what it answers, or why it was refused."""
    told: list[Any] = [None] * len(deeds)
    ready = threading.Barrier(len(deeds))

    def run(number: int, person: Person, deed: Deed) -> None:
        with app.app_context(), at_work(person):
            db.session.rollback()
            ready.wait(10)
            try:
                told[number] = deed(db.session.get_one(User, (person.tenant_id, person.id)))
                db.session.commit()
            except PortalError as error:
                db.session.rollback()
                told[number] = error

    threads = [threading.Thread(target=run, args=(n, *each)) for n, each in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return told


def taking(model: Any, key: UUID, verb: str, version: int | None = None, **data: Any) -> Deed:
    workflow = INTERVIEW if model is Interview else APPLICATION

    def deed(user: User) -> str:
        row = db.session.get_one(model, (user.tenant_id, key))
        return workflow.move(db.session(), row, verb, Change(clock.now(), user, data), version=version).target

    return deed


@pytest.fixture
def ready(app: Flask, cast: Cast) -> tuple[UUID, UUID]:
    """The keys of an interview that is scheduled and of its application."""
    with app.app_context(), at_work(cast.alice):
        row = make_interview(start=LATER)
        keys = row.id, row.application_id
        db.session.commit()
    return keys


def test_of_two_who_move_one_row_one_wins_and_the_other_is_told_its_state(
    app: Flask, cast: Cast, ready: tuple[UUID, UUID]
) -> None:
    interview, application = ready
    told = at_once(
        app,
        (cast.alice, taking(Interview, interview, "confirm")),
        (cast.bob, taking(Interview, interview, "confirm")),
    )
    [lost] = [answer for answer in told if isinstance(answer, PortalError)]
    assert [answer for answer in told if answer is not lost] == ["confirmed"]
    assert (type(lost), lost.message) == (
        WrongState,
        "This interview is confirmed; “Confirm” does not start from there. "
        "Possible now: Start, Complete, Reschedule, Mark no-show, Cancel.",
    )
    with app.app_context(), at_work(cast.alice):
        row = db.session.get_one(Interview, (cast.alice.tenant_id, interview))
        assert (row.status, row.version) == ("confirmed", 2)
        kinds = [kind for kind, *_ in activities(db.session.get_one(Application, (row.tenant_id, application)))]
        assert kinds == ["interview_confirmed"]


def test_of_two_who_saw_the_same_version_one_is_told_that_it_was_changed(
    app: Flask, cast: Cast, ready: tuple[UUID, UUID]
) -> None:
    interview, _ = ready
    new = {"scheduled_start": LATER + timedelta(days=1)}
    told = at_once(
        app,
        (cast.alice, taking(Interview, interview, "reschedule", 1, **new)),
        (cast.bob, taking(Interview, interview, "reschedule", 1, **new)),
    )
    [lost] = [answer for answer in told if isinstance(answer, PortalError)]
    assert (type(lost), lost.message) == (
        Conflict, "This interview was changed in the meantime (it is rescheduled now).",
    )  # fmt: skip
    with app.app_context(), at_work(cast.alice):
        row = db.session.get_one(Interview, (cast.alice.tenant_id, interview))
        assert (row.reschedule_count, row.version) == (1, 2)


def test_a_hold_and_a_new_interview_at_once_leave_no_open_interview_behind(
    app: Flask, cast: Cast, ready: tuple[UUID, UUID]
) -> None:
    _, application = ready
    values = {
        "application_id": application, "interview_type": "video", "audience": "internal",
        "scheduled_start": LATER, "scheduled_end": LATER + timedelta(hours=1),
    }  # fmt: skip
    at_once(
        app,
        (cast.alice, taking(Application, application, "on_hold")),
        (cast.bob, lambda user: schedule_interview(db.session, values, [], Change(clock.now(), user)).id),
    )
    with app.app_context(), at_work(cast.alice):
        row = db.session.get_one(Application, (cast.alice.tenant_id, application))
        statuses = db.session.scalars(sa.select(Interview.status).where(Interview.application_id == application))
        assert (row.status, set(statuses)) == ("on_hold", {"cancelled"})


def test_rounds_that_are_moved_at_once_in_either_order_neither_wait_in_a_circle_nor_lose_a_step(
    app: Flask, cast: Cast, ready: tuple[UUID, UUID]
) -> None:
    first, application = ready
    with app.app_context(), at_work(cast.alice):
        second = make_interview(db.session.get_one(Application, (cast.alice.tenant_id, application)), start=LATER).id
        db.session.commit()
    told = at_once(
        app,
        (cast.alice, taking(Interview, first, "cancel", reason="Ill")),
        (cast.bob, taking(Interview, second, "cancel", reason="Ill")),
        (cast.bob, taking(Application, application, "withdrawn")),
    )
    with app.app_context(), at_work(cast.alice):
        row = db.session.get_one(Application, (cast.alice.tenant_id, application))
        statuses = db.session.scalars(sa.select(Interview.status).where(Interview.application_id == application))
        assert (row.status, list(statuses), told[2]) == ("withdrawn", ["cancelled"] * 2, "withdrawn")
        steps = [(source, target) for source, target, _ in history(row)]
        assert [source for source, _ in steps] == ["interview_scheduled", *(target for _, target in steps[:-1])]
        assert [kind for kind, *_ in activities(row)].count("interview_cancelled") == 2


def test_many_rows_at_once_cost_the_same_number_of_statements_as_few(alice: User) -> None:
    application = make_application("interview_scheduled")
    states = ("scheduled", "rescheduled", "confirmed", "completed", "in_progress")

    def statements(count: int) -> tuple[int, int, int]:
        table = Interview.metadata.tables["interviews"]
        start = MONDAY + timedelta(days=1)
        model = make_interview(application, start=start)
        copied = {column.name: getattr(model, column.key) for column in table.columns}
        keys = [UUID(int=(count << 64) + number) for number in range(count)]
        rows = [copied | {"id": key, "status": states[n % len(states)]} for n, key in enumerate(keys)]
        db.session.execute(sa.insert(table), rows)
        seen: list[str] = []
        listener: Any = lambda *args: seen.append(args[2])  # noqa: E731
        sa.event.listen(db.engine, "before_cursor_execute", listener)
        result = INTERVIEW.apply(db.session(), keys, "confirm", change(alice))
        sa.event.remove(db.engine, "before_cursor_execute", listener)
        return len(seen), len(result.done), len(result.refused)

    statements(5)  # what is read once, alice's grants, is read now
    few, many = statements(50), statements(1000)
    assert (few[1:], many[1:]) == ((20, 30), (400, 600))
    assert few[0] == many[0] <= 12


def test_each_row_of_many_stands_alone(alice: User) -> None:
    recruiter = colleague("Recruiter")
    mine = make_application("interview_scheduled", recruiter=recruiter)
    good, wrong = make_interview(mine), make_interview(mine, "completed")
    stale, foreign = make_interview(mine), make_interview()
    nobody = UUID(int=7)
    keys = [good.id, wrong.id, stale.id, foreign.id, nobody, good.id]
    result = INTERVIEW.apply(db.session(), keys, "confirm", change(recruiter), versions={stale.id: 7})
    assert {key: moved.target if moved else None for key, moved in result.done.items()} == {good.id: "confirmed"}
    assert {key: error.message for key, error in result.refused.items()} == {
        wrong.id: "This interview is completed; “Confirm” does not start from there. "
        "Possible now: Record: passed, Record: failed.",
        stale.id: "This interview was changed in the meantime (it is scheduled now).",
        foreign.id: "There is nothing here, or nothing you may see.",
        nobody: "There is nothing here, or nothing you may see.",
    }
    assert [row.status for row in (good, wrong, stale, foreign)] == ["confirmed", "completed", "scheduled", "scheduled"]


def test_who_sees_a_row_but_may_not_move_it_is_told_so(alice: User) -> None:
    manager, interviewer = colleague("Manager"), colleague("Interviewer")
    row = make_interview(panel=[interviewer])
    for user in (manager, interviewer):
        with pytest.raises(NotAllowed, match="Your role does not permit this"):
            move(row, "confirm", user)
    coordinator = colleague("Interview Coordinator")  # sees all interviews, schedules those of the own applications
    with pytest.raises(NotAllowed, match="You may not confirm this interview"):
        move(row, "confirm", coordinator)
    assert INTERVIEW.options(db.session(), row, coordinator, MONDAY) == []
    offered = [option.verb for option in INTERVIEW.options(db.session(), row, alice, MONDAY)]
    assert offered == ["confirm", "start", "reschedule", "cancel"]  # a no-show only once the start has passed
