"""The small demo holds what the portal's own rules hold; on PostgreSQL the large one has a tenant made like it."""

import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core import clock
from portal.core.context import act
from portal.core.db import Model, OfTenant, db
from portal.core.events import OutboxEvent
from portal.core.tenancy import everywhere, tenant_scope
from portal.core.workflow import Change
from portal.demo import aftermath, small
from portal.demo.cast import HOLDERS, TENANTS
from portal.hiring.models import Application, ApplicationActivity, Candidate, Job, Project, StatusChange
from portal.hiring.pipeline import BY_NAME, CLOSED
from portal.interviews.models import AHEAD, OPEN, Interview, InterviewStatus, Panelist, Part, Reply
from portal.interviews.workflow import INTERVIEW
from portal.messaging import outbox
from portal.messaging.inbox import Notification
from portal.messaging.models import Delivery, Reminder
from portal.people.models import Tenant, User, my_teams
from portal.people.roles import BUILT_IN, slug
from portal.practice.models import (
    Decision,
    MockInterview,
    MockInterviewChecklistItem,
    MockMode,
    MockStatus,
    SessionStatus,
    TrainingAssignment,
    TrainingOutcome,
    TrainingSession,
    TrainingStatus,
)
from tests.demo.practice import practice_holds
from tests.demo.titles import titles_are_right
from tests.support.clock import stopped_clock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def made(app: Flask) -> Iterator[dict[str, UUID]]:
    """The tenants of a small demo, by name; the clock stands at a Monday morning."""
    with stopped_clock(), app.app_context():
        make(7)
        with everywhere(db.session):
            yield {tenant.name: tenant.id for tenant in db.session.scalars(sa.select(Tenant))}
            db.session.rollback()


def make(seed: int) -> None:
    session, at = db.session(), clock.now()
    with act(label="demo"):
        casts = small.make(session, Random(seed), at)
        aftermath.settle(session, [cast.tenant.id for cast in casts], at)
        session.commit()


def rows(query: Any) -> list[Any]:
    return list(db.session.execute(query))


def counts(column: Any, *more: Any) -> dict[Any, int]:
    query = sa.select(column, sa.func.count()).where(*more).group_by(column)
    return dict(rows(query))


@pytest.mark.database("sqlite")
def test_the_small_demo_is_two_whole_offices(made: dict[str, UUID]) -> None:
    """One test for all that is read from it, as to make it takes a while."""
    assert set(made) == {name for name, _, _ in TENANTS}
    for (name, domain, _), tenant in zip(TENANTS, made.values(), strict=True):
        assert made[name] == tenant
        every_log_in_is_there(tenant, domain)
        every_status_is_there(tenant)
        the_sizes_are_as_promised(tenant)
        each_log_in_finds_something_to_do(tenant, domain)
        every_state_of_practice_is_there(tenant)
        coordinator_and_recruiter_have_practice(tenant, domain)
    people_come_from_everywhere()
    history_is_complete()
    applications_agree_with_their_interviews()
    nobody_is_in_two_places()
    practice_holds()
    nothing_refers_to_another_tenant()
    nothing_of_the_past_waits_to_be_told()
    search_texts_are_right()
    for tenant in made.values():
        each_bell_has_something(tenant)
        who_cancels_an_interview_tells_its_people(tenant)


def every_log_in_is_there(tenant: UUID, domain: str) -> None:
    users = list(db.session.scalars(sa.select(User).where(User.tenant_id == tenant)))
    assert set(HOLDERS) == set(BUILT_IN)
    assert {f"{slug(role)}@{domain}" for role in BUILT_IN} <= {user.email for user in users}
    assert len({user.password_hash for user in users}) == 1
    assert len(users) >= 14 + 10
    assert len({user.timezone for user in users}) >= 8


def every_status_is_there(tenant: UUID) -> None:
    assert set(counts(Application.status, Application.tenant_id == tenant)) == set(BY_NAME)
    assert set(counts(Interview.status, Interview.tenant_id == tenant)) == set(InterviewStatus)
    assert set(counts(Panelist.part, Panelist.tenant_id == tenant)) == set(Part)
    assert set(counts(Panelist.reply, Panelist.tenant_id == tenant)) == set(Reply)


def the_sizes_are_as_promised(tenant: UUID) -> None:
    def count(model: Any, *more: Any) -> int:
        found = db.session.scalar(sa.select(sa.func.count()).select_from(model).where(model.tenant_id == tenant, *more))
        assert found is not None
        return int(found)

    assert count(Application) == small.APPLICATIONS
    assert abs(count(Candidate) - 120) <= 3
    assert 190 <= count(Interview) <= 215
    now = clock.now()
    assert count(Interview, Interview.scheduled_start > now, Interview.status.in_(AHEAD)) >= 25
    assert count(Interview, Interview.scheduled_start > now + timedelta(days=14)) == 0


def each_log_in_finds_something_to_do(tenant: UUID, domain: str) -> None:
    found = {user.email.partition("@")[0]: user.id for user in db.session.scalars(
        sa.select(User).where(User.tenant_id == tenant))}  # fmt: skip
    soon = (Interview.scheduled_start > clock.now(), Interview.status.in_(AHEAD))
    organized = counts(Interview.organizer_id, *soon, Interview.status != "confirmed")
    assert organized[found["interview-coordinator"]] >= 3
    seats = (
        sa.select(Panelist.user_id, sa.func.count()).join(Interview, Interview.id == Panelist.interview_id)
        .where(*soon, Interview.scheduled_start < clock.now() + timedelta(days=7)).group_by(Panelist.user_id)
    )  # fmt: skip
    sits = dict(rows(seats))
    assert sits[found["interviewer"]] >= 1
    assert sits[found["hiring-manager"]] >= 1
    assert counts(Application.recruiter_id)[found["recruiter"]] >= 10
    assert counts(Application.coordinator_id)[found["interview-coordinator"]] >= 10
    assert counts(Job.hiring_manager_id)[found["hiring-manager"]] >= 5
    for role in ("team-head", "team-lead"):
        assert db.session.scalars(sa.select(Project.id).where(Project.team_id.in_(my_teams(found[role])))).first()


def every_state_of_practice_is_there(tenant: UUID) -> None:
    def found(column: Any) -> set[Any]:
        return set(counts(column, column.class_.tenant_id == tenant)) - {None}

    assert found(MockInterview.status) == set(MockStatus)
    assert found(MockInterview.decision) == set(Decision)
    assert found(MockInterview.mode) == set(MockMode)
    assert len(found(MockInterview.timezone)) >= 5
    assert 2 in found(MockInterview.attempt)
    assert found(TrainingAssignment.status) == set(TrainingStatus)
    assert found(TrainingAssignment.outcome) == set(TrainingOutcome)
    assert found(TrainingAssignment.ready_for_reassessment) == {True, False}
    assert found(TrainingSession.status) == set(SessionStatus)
    assert found(TrainingSession.series_id), "a series"
    assert sum(counts(MockInterview.status, MockInterview.reschedule_count > 0).values()) >= 1
    items = MockInterviewChecklistItem
    with_one = counts(items.mock_interview_id, items.tenant_id == tenant)
    assert len(with_one) >= 0.3 * sum(counts(MockInterview.status, MockInterview.tenant_id == tenant).values())
    assert counts(items.passed, items.tenant_id == tenant, items.notes != "")


def coordinator_and_recruiter_have_practice(tenant: UUID, domain: str) -> None:
    def key(role: str) -> Any:
        return sa.select(User.id).where(User.email == f"{role}@{domain}").scalar_subquery()

    mine, now = MockInterview.coordinator_id == key("interview-coordinator"), clock.now()
    states = counts(MockInterview.status, mine)
    assert states["requested"] >= 2
    assert states["in_progress"] == 1
    ahead = (MockInterview.status == "scheduled", MockInterview.scheduled_start > now)
    soon = MockInterview.scheduled_start < now + timedelta(days=7)
    assert rows(sa.select(MockInterview.id).where(mine, *ahead, soon))
    assert rows(sa.select(MockInterview.id).where(mine, MockInterview.status == "scheduled",
                                                  MockInterview.scheduled_start < now))  # fmt: skip
    going_on = TrainingAssignment.status.in_(("assigned", "in_progress"))
    assert rows(sa.select(TrainingAssignment.id).where(going_on, TrainingAssignment.assigned_by_id
                                                       == key("interview-coordinator")))  # fmt: skip
    stands = counts(Application.status, Application.recruiter_id == key("recruiter"))
    assert stands.get("mock_interview_scheduled", 0) >= 1
    assert {"training_assigned", "training_in_progress"} & set(stands)
    assert {"mock_interview_passed", "mock_interview_failed", "rejected_interview"} & set(stands)


def people_come_from_everywhere() -> None:
    names = " ".join(db.session.scalars(sa.select(Candidate.first_name + " " + Candidate.last_name)))
    for script in ("CYRILLIC", "ARABIC", "DEVANAGARI", "CJK UNIFIED"):
        assert any(unicodedata.name(c, "").startswith(script) for c in names), script
    assert any(c in names for c in "éøłñ")
    assert len(set(db.session.scalars(sa.select(Candidate.timezone)))) >= 12
    assert max(map(len, db.session.scalars(sa.select(User.full_name)))) > 80


def history_is_complete() -> None:
    """From nominated to the present status, each step one that the pipeline knows, in the order of time."""
    chains: dict[UUID, list[StatusChange]] = {}
    for change in db.session.scalars(sa.select(StatusChange).order_by(StatusChange.at, StatusChange.id)):
        chains.setdefault(change.application_id, []).append(change)
    for application in db.session.scalars(sa.select(Application)):
        chain = chains[application.id]
        assert (chain[0].source, chain[0].target) == ("", "nominated")
        assert chain[-1].target == application.status
        assert chain[0].at == application.created_at <= clock.now()
        for before, after in pairwise(chain):
            assert after.source == before.target
            assert after.target in BY_NAME[before.target].leads_to
            assert all(change.actor_id for change in chain)
    told = counts(ApplicationActivity.type)
    assert told["created"] == 2 * small.APPLICATIONS
    assert told["status_change"] + told["stage_change"] == sum(len(chain) - 1 for chain in chains.values())


def applications_agree_with_their_interviews() -> None:
    states: dict[UUID, list[Interview]] = {}
    query = sa.select(Interview).where(Interview.audience == "client").order_by(Interview.scheduled_start)
    for interview in db.session.scalars(query):
        states.setdefault(interview.application_id, []).append(interview)
    for application in db.session.scalars(sa.select(Application)):
        rounds = states.get(application.id, [])
        still_open = [each for each in rounds if each.status in OPEN]
        if application.status in ("interview_scheduled", "interview_rescheduled"):
            assert len(still_open) == 1
        else:
            assert still_open == []
        if application.status in ("interview_passed", "interview_failed"):
            assert rounds[-1].outcome == application.status.removeprefix("interview_")
        if application.status in CLOSED or application.status == "on_hold":
            own = sa.select(Interview.id).where(Interview.application_id == application.id, Interview.status.in_(OPEN))
            assert db.session.scalars(own).all() == []
    for interview in db.session.scalars(sa.select(Interview)):
        if interview.status == "in_progress":
            assert interview.scheduled_start <= clock.now() <= interview.scheduled_end
        if interview.status in ("completed", "no_show"):
            assert interview.scheduled_start <= clock.now()
        assert (interview.status == "rescheduled") <= (interview.reschedule_count > 0)
        assert (interview.status == "confirmed") <= (interview.confirmed_at is not None)
        assert interview.created_at <= clock.now()


def nobody_is_in_two_places() -> None:
    held = sa.select(Panelist.user_id, Interview.scheduled_start, Interview.scheduled_end)
    held = held.join(Interview, Interview.id == Panelist.interview_id)
    came = sa.select(Application.candidate_id, Interview.scheduled_start, Interview.scheduled_end)
    came = came.join(Interview, Interview.application_id == Application.id)
    for query in (held, came):
        taken: dict[UUID, list[Any]] = {}
        for person, start, end in db.session.execute(query.where(Interview.status != "cancelled")):
            taken.setdefault(person, []).append((start, end))
        for times in taken.values():
            assert all(first[1] <= second[0] for first, second in pairwise(sorted(times)))


def nothing_refers_to_another_tenant() -> None:
    for mapper in Model.registry.mappers:
        if not issubclass(mapper.class_, OfTenant):
            continue
        table: Any = mapper.local_table
        for column in table.columns:
            if target := column.info.get("ref"):
                other = Model.metadata.tables[target]
                strays = sa.select(sa.func.count()).select_from(table).join(other, other.c.id == column)
                found = db.session.scalar(strays.where(other.c.tenant_id != table.c.tenant_id))
                assert found == 0, f"{column} of another tenant"


def nothing_of_the_past_waits_to_be_told() -> None:
    assert db.session.scalars(sa.select(OutboxEvent.id).where(OutboxEvent.processed_at.is_(None))).all() == []
    waiting = sa.select(Reminder).where(Reminder.queued_at.is_(None), Reminder.void_at.is_(None))
    reminders = list(db.session.scalars(waiting))
    assert reminders
    assert all(reminder.due_at > clock.now() for reminder in reminders)


def each_bell_has_something(tenant: UUID) -> None:
    """Of those who are told of their work: read and unread ones, each as old as its event, in the keys' order."""
    columns = (Notification.created_at, Notification.read_at, User.email)
    mine = sa.select(*columns).join(User, User.id == Notification.user_id).where(Notification.tenant_id == tenant)
    notes = rows(mine.order_by(Notification.id))
    assert [note.created_at for note in notes] == sorted(note.created_at for note in notes)
    assert notes[-1].created_at <= clock.now()
    for role in ("interviewer", "recruiter", "interview-coordinator"):
        own = {note.read_at is None for note in notes if note.email.startswith(f"{role}@")}
        assert own == {True, False}, role


def who_cancels_an_interview_tells_its_people(tenant: UUID) -> None:
    with tenant_scope(tenant, db.session):
        row = db.session.scalars(
            sa.select(Interview).where(Interview.status == "scheduled", Interview.scheduled_start > clock.now())
            .where(sa.exists().where(Panelist.interview_id == Interview.id)).order_by(Interview.id).limit(1)
        ).one()  # fmt: skip
        key, panel = row.id, set(counts(Panelist.user_id, Panelist.interview_id == row.id))
        by = db.session.scalars(sa.select(User).where(User.email.startswith("hr@"))).one()
        INTERVIEW.move(db.session, row, "cancel", Change(clock.now(), by, {"reason": "The job is filled"}))
        db.session.commit()
    while outbox.make_deliveries(db.session(), clock.now()):
        pass
    found = counts(Delivery.channel, Delivery.subject_id == key, Delivery.event == "InterviewCancelled")
    assert found == {"email": len(panel) + 1, "in_app": len(panel)}
    sent = sa.select(Delivery.user_id).where(Delivery.subject_id == key, Delivery.event == "InterviewCancelled")
    assert set(db.session.scalars(sent.where(Delivery.channel == "in_app", Delivery.status == "sent"))) == panel


def search_texts_are_right() -> None:
    models: tuple[Any, ...] = (Candidate, User, Project, Job)
    for model in models:
        for row in db.session.scalars(sa.select(model)):
            assert row.search_text == row.text_of({name: getattr(row, name) for name in row.searched})
    titles_are_right()


@pytest.mark.database("sqlite")
def test_the_same_seed_makes_the_same_people_and_another_seed_others(
    app: Flask, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small, "APPLICATIONS", 12)
    monkeypatch.setattr(small, "INTERVIEWS", 12)

    def people(seed: int) -> list[tuple[Any, ...]]:
        with stopped_clock(), app.app_context():
            make(seed)
            with everywhere(db.session):
                query = sa.select(Candidate.email, Application.status, Application.created_at, Application.version)
                query = query.join(Application, Application.candidate_id == Candidate.id)
                found = [
                    tuple(row) for row in db.session.execute(query.order_by(Candidate.email, Application.created_at))
                ]
            db.session.remove()
            db.engine.dispose()
        database.clean()
        return found

    first = people(1)
    assert first == people(1)
    assert first != people(2)
