"""Whatever people do, in whatever order: an application agrees with its open practice, every book is whole, and
nobody is in two places (SPEC §2, §4)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from portal.core import clock as portal_clock
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import PortalError
from portal.core.events import OutboxEvent
from portal.core.workflow import Workflow
from portal.hiring.models import Application, ApplicationActivity, StatusChange
from portal.hiring.workflow import APPLICATION
from portal.interviews.actions import schedule_interview
from portal.interviews.models import OPEN as INTERVIEW_OPEN
from portal.interviews.models import Interview
from portal.interviews.workflow import INTERVIEW
from portal.people.models import User
from portal.practice import actions, assessing, training
from portal.practice.models import (
    GOING_ON,
    OPEN,
    TAKES_TIME,
    Decision,
    MockInterview,
    TrainingAssignment,
    TrainingSession,
)
from portal.practice.workflow import MOCK_INTERVIEW, SESSION, TRAINING
from portal.scheduling.models import Engagement
from tests.hiring.test_pipeline import PIPELINE
from tests.support.clock import MONDAY, Clock
from tests.support.hiring import change, colleague, make_application, make_candidate, make_job, make_project, make_team
from tests.support.practice import TRAINING as PLAN
from tests.support.practice import make_criteria

HOUR = timedelta(hours=1)
# Mostly by those who may, and mostly on: so that a walk comes far.
WHO = ("alice",) * 6 + ("hr", "recruiter", "cora", "cora", "dora", "head")
WHAT = ("on",) * 16 + (
    "mock", "mock", "training", "session", "send", "change", "reassign", "assign", "meet", "meet", "client",
    "application", "wait",
)  # fmt: skip
NUMBER = st.integers(0, 11)
STEPS = st.lists(st.tuples(st.sampled_from(WHO), st.sampled_from(WHAT), NUMBER, NUMBER), min_size=45, max_size=45)
DECISIONS = (Decision.NEEDS_TRAINING, Decision.APPROVED, Decision.NEEDS_TRAINING, Decision.REJECTED)
OUTCOMES = ("completed_successfully", "dropped_out", "reassessment_needed")


def all_of(model: Any) -> list[Any]:
    return list(db.session.scalars(sa.select(model).order_by(model.id)))


class Office:
    """Two candidates, one of them with two applications; two coordinators, and others who may do more or less."""

    def __init__(self, alice: User) -> None:
        self.people = {
            "alice": alice, "hr": colleague("HR"), "recruiter": colleague("Recruiter"), "head": colleague("Team Head"),
            "cora": colleague("Interview Coordinator"), "dora": colleague("Interview Coordinator"),
        }  # fmt: skip
        self.coordinators = [self.people["cora"], self.people["dora"]]
        job = make_job(make_project(team_id=make_team(self.people["head"]).id))
        make_criteria(job, "Listens", "Knows the five checks")
        jane = make_candidate("Jane Doe")
        self.applications = [
            make_application("documents_verified", job=each, candidate=candidate, coordinator=self.coordinators[n % 2],
                             recruiter=self.people["recruiter"])
            for n, (each, candidate) in enumerate(((job, jane), (make_job(), jane), (job, make_candidate("Joe Roe"))))
        ]  # fmt: skip

    def do(self, by: User, what: str, one: int, other: int) -> str:
        """One deed, among few hours and few people, so that they often want the same."""
        application = self.applications[one % 3]
        if what == "on":
            what = self.next_of(application)
        does = {
            "send": self.send, "mock": self.mock, "training": self.training, "session": self.session,
            "change": self.change, "reassign": self.reassign, "assign": self.assign, "meet": self.meet,
            "client": self.client, "application": self.move_application,
        }  # fmt: skip
        return f"{what} {does[what](by, application, one, other)}"

    @staticmethod
    def next_of(application: Application) -> str:
        """What takes an application on from where it stands."""
        status = application.status
        if status in ("documents_verified", "ready_for_reassessment"):
            return "send"
        if status == "mock_interview_scheduled":
            return "mock"
        if status.startswith("training"):
            return "training"
        return {"mock_interview_failed": "assign", "mock_interview_passed": "client"}.get(status, "application")

    def send(self, by: User, application: Application, one: int, other: int) -> str:
        start = start_of(other) if other % 3 else None
        given = {"application_id": application.id, "coordinator_id": self.coordinators[one % 2].id}
        row = actions.create_mock_interview(db.session, {**given, "scheduled_start": start}, change(by))
        return str(row.status)

    def mock(self, by: User, application: Application, one: int, other: int) -> str:
        rows = [each for each in all_of(MockInterview) if each.application_id == application.id]
        return step(MOCK_INTERVIEW, rows, by, one, other)

    def training(self, by: User, application: Application, one: int, other: int) -> str:
        rows = [each for each in all_of(TrainingAssignment) if each.application_id == application.id]
        return step(TRAINING, rows, by, one, other)

    def session(self, by: User, application: Application, one: int, other: int) -> str:
        return step(SESSION, all_of(TrainingSession), by, one, other)

    def change(self, by: User, application: Application, one: int, other: int) -> str:
        rows = all_of(MockInterview)
        if not rows:
            return "nothing"
        row = rows[one % len(rows)]
        values = {"coordinator_id": self.coordinators[other % 2].id, "scheduled_start": start_of(other), "duration": 45}
        actions.change_mock_interview(db.session, row, values, row.version, change(by))
        return "changed"

    def reassign(self, by: User, application: Application, one: int, other: int) -> str:
        rows = [row.id for row in all_of(MockInterview)][: other or 1]
        result = actions.reassign_coordinator(db.session, rows, change(by, coordinator=self.coordinators[one % 2]))
        return "reassigned" if result.done else "refused"

    def assign(self, by: User, application: Application, one: int, other: int) -> str:
        result = training.assign_training(db.session, [row.id for row in self.applications], change(by, **PLAN))
        return "assigned" if result.done else "refused"

    def meet(self, by: User, application: Application, one: int, other: int) -> str:
        rows = [row for row in all_of(TrainingAssignment) if row.status in GOING_ON]
        if not rows:
            return "nothing"
        given = {
            "assignment_id": rows[one % len(rows)].id, "session_start": start_of(other), "topic": "Handover",
            "conducted_by_id": self.coordinators[one % 2].id, "repeat": 1 + other % 3, "every_days": 1,
        }  # fmt: skip
        training.create_sessions(db.session, given, change(by))
        return "arranged"

    def client(self, by: User, application: Application, one: int, other: int) -> str:
        rows = [row for row in all_of(Interview) if row.application_id == application.id]
        if rows and other % 2:
            return step(INTERVIEW, rows, by, one, other)
        times = {"scheduled_start": start_of(other), "scheduled_end": start_of(other) + HOUR}
        schedule_interview(
            db.session, {"application_id": application.id, "audience": "client", **times}, [], change(by)
        )
        return "scheduled"

    def move_application(self, by: User, application: Application, one: int, other: int) -> str:
        return step(APPLICATION, [application], by, one, other)


def start_of(other: int) -> datetime:
    return portal_clock.now().replace(minute=0) + timedelta(days=2, hours=other % 4)


def step(flow: Workflow, rows: list[Any], by: User, one: int, other: int) -> str:
    """One of the moves that the row's state allows; the last row more often than the ones before."""
    if not rows:
        return "nothing"
    row = rows[-1] if one % 4 else rows[one % len(rows)]
    moves = flow.possible(row.status)
    on = [move for move in moves if not move.danger and move.verb not in ("on_hold", "no_show", "reschedule")]
    moves = (on if other < 9 else moves) or moves
    if not moves:
        return "nothing"
    verb, start = moves[other % len(moves)].verb, start_of(other)
    data: dict[str, Any] = {
        "reason": "So it was said", "scheduled_start": start, "session_start": start, "outcome": OUTCOMES[one % 3],
        "rating": 4,
    }  # fmt: skip
    if flow is INTERVIEW:
        data |= {"scheduled_end": start + HOUR, "outcome": "failed" if other % 2 else "passed"}
    if flow is MOCK_INTERVIEW and verb == "complete":
        return assess(row, by, other)
    flow.move(db.session(), row, verb, change(by, **data))
    return verb


def assess(row: MockInterview, by: User, other: int) -> str:
    decision = DECISIONS[other % 4]
    checklist = [{"id": each.id, "passed": bool(other % 2), "notes": "So"} for each in row.items]
    given = {"overall_rating": 3, "decision": decision, "checklist": checklist}
    wants = {"training": PLAN} if decision == Decision.NEEDS_TRAINING else {}
    assessing.complete_mock_interview(db.session, row, {**given, **wants}, change(by), version=row.version)
    return str(decision)


# --- what holds -----------------------------------------------------------------------------------------


@dataclass
class Books:
    """All that is written, by the row that it is about."""

    audits: dict[UUID, list[tuple[str, dict[str, Any]]]]
    events: dict[UUID, Counter[str]]
    lines: dict[UUID, Counter[str]]
    steps: dict[UUID, list[tuple[str, str]]]

    @classmethod
    def read(cls) -> "Books":
        books = cls({}, {}, {}, {})
        for key, action, changes in _rows(AuditEntry, AuditEntry.row_id, AuditEntry.action, AuditEntry.changes):
            books.audits.setdefault(key, []).append((action, changes))
        for key, name in _rows(OutboxEvent, OutboxEvent.subject_id, OutboxEvent.name):
            books.events.setdefault(key, Counter())[name] += 1
        for key, kind in _rows(ApplicationActivity, ApplicationActivity.application_id, ApplicationActivity.type):
            books.lines.setdefault(key, Counter())[kind] += 1
        for key, source, target in _rows(
            StatusChange, StatusChange.application_id, StatusChange.source, StatusChange.target
        ):
            books.steps.setdefault(key, []).append((source, target))
        return books

    def verbs(self, row: Any) -> list[str]:
        """What was done to a row since it was made, which is written down too, and once."""
        audits = [action for action, _ in self.audits.get(row.id, [])]
        assert audits.count("created") == 1, (row, audits)
        return [action for action in audits if action != "created"]


def _rows(model: Any, *columns: Any) -> Iterable[Any]:
    return db.session.execute(sa.select(*columns).order_by(model.id))


def check_agreement(application: Application, mocks: list[Any], trainings: list[Any], interviews: list[Any]) -> None:
    status = application.status
    open_mocks = [row.status for row in mocks if row.status in OPEN]
    assert len(open_mocks) == (status == "mock_interview_scheduled"), (status, open_mocks)
    going_on = [f"training_{row.status}" for row in trainings if row.status in GOING_ON]
    assert going_on == ([status] if status in ("training_assigned", "training_in_progress") else []), status
    client = [row.status for row in interviews if row.status in INTERVIEW_OPEN]
    assert not (client and status in ("approved", "on_hold", "withdrawn")), (status, client)
    assert status != "training_completed" or trainings[-1].status == "completed"
    ready = [row for row in trainings if row.ready_for_reassessment]
    assert status != "ready_for_reassessment" or ready, "who is ready was trained"


def check_attempts(mocks: list[MockInterview]) -> None:
    """Assessments are counted from one on, and what did not take place is no attempt."""
    assessed = sorted((row for row in mocks if row.decision), key=lambda row: (row.completed_at, row.id))
    assert [row.attempt for row in assessed] == list(range(1, len(assessed) + 1))
    assert all(row.attempt <= len(assessed) + 1 for row in mocks)


NOTED = {
    "schedule": "mock_interview_scheduled", "start": "mock_interview_started", "complete": "mock_interview_completed",
    "cancel": "mock_interview_cancelled", "no_show": "mock_interview_no_show",
    "reschedule": "mock_interview_rescheduled",
}  # fmt: skip
TRAINING_NOTED = {"start": "training_started", "complete": "training_completed", "cancel": "training_cancelled"}


def check_books(books: Books, application: Application, mocks: list[Any], trainings: list[Any], met: list[Any]) -> None:
    """Each change of status, and each move, is in every book once."""
    steps = books.steps.get(application.id, [])
    assert [source for source, _ in steps] == ["documents_verified", *(target for _, target in steps)][: len(steps)]
    assert application.status == (steps[-1][1] if steps else "documents_verified")
    for source, target in steps:
        _, by_hand, by_record = PIPELINE[source]
        assert target in (*by_hand, *by_record) or source in ("on_hold", "withdrawn") or source.startswith("rejected")
    assert application.version == 1 + len(books.verbs(application))
    assert books.events.get(application.id, Counter())["ApplicationStatusChanged"] == len(steps)

    lines = books.lines.get(application.id, Counter())
    assert lines["status_change"] + lines["stage_change"] == len(steps)
    wanted: Counter[str] = Counter()
    for row in mocks:
        wanted.update(NOTED[verb] for verb in books.verbs(row) if verb in NOTED)
        wanted["mock_interview_requested" if came_as(books, row) == "requested" else "mock_interview_scheduled"] += 1
        wanted["assigned"] += handed_over(books, row)
    for row in trainings:
        wanted.update(TRAINING_NOTED[verb] for verb in books.verbs(row) if verb in TRAINING_NOTED)
        wanted["training_assigned"] += 1
    practised = {kind: count for kind, count in lines.items() if kind in {*NOTED.values(), *wanted}}
    assert practised == {kind: count for kind, count in wanted.items() if count}
    interviewed = sum(count for kind, count in lines.items() if kind.startswith("interview_"))
    assert interviewed == sum(row.version for row in met)


def came_as(books: Books, row: MockInterview) -> str:
    return next(str(changes["status"][1]) for action, changes in books.audits[row.id] if action == "created")


def handed_over(books: Books, row: MockInterview) -> int:
    return sum("coordinator_id" in changes for action, changes in books.audits[row.id] if action != "created")


def check_events(books: Books, mocks: list[Any], trainings: list[Any], sessions: list[Any]) -> None:
    """What the outbox tells is what happened, each once."""
    for flow, rows in ((MOCK_INTERVIEW, mocks), (TRAINING, trainings), (SESSION, sessions)):
        for row in rows:
            verbs = [verb for verb in books.verbs(row) if verb in flow.moves]
            told = {name: n for name, n in books.events.get(row.id, Counter()).items() if not _tells(name)}
            made = ["MockInterviewScheduled"] if _made_with_a_time(books, row) else []
            assert told == Counter([*made, *(flow.moves[verb].event for verb in verbs)]), (row, verbs)
    for row in mocks:
        told = books.events.get(row.id, Counter())
        approved, failed = told["CandidateApprovedForClientInterview"], told["CandidateFailedMockInterview"]
        assert (approved, failed) == (row.decision == "approved", row.decision in ("needs_training", "rejected"))
        assert told["CandidateSentToMockInterview"] <= 1 + handed_over(books, row)
        assert told["MockInterviewHandedOver"] == handed_over(books, row)
        assert row.version == 1 + len(books.verbs(row))
    for row in trainings:
        assert books.events[row.id]["TrainingAssigned"] == 1


def _tells(name: str) -> bool:
    return name.startswith("Candidate") or name in ("TrainingAssigned", "MockInterviewHandedOver")


def _made_with_a_time(books: Books, row: Any) -> bool:
    if not isinstance(row, MockInterview):
        return False
    (changes,) = (changes for action, changes in books.audits[row.id] if action == "created")
    return bool(changes["status"][1] == "scheduled")


def check_time(candidates: dict[UUID, UUID], mocks: list[Any], sessions: list[Any], interviews: list[Any]) -> None:
    """Just what takes time does, of all who come, at its own hours; and nobody is in two places."""
    wanted = set()
    for row in mocks:
        if row.status in TAKES_TIME:
            people = (row.coordinator_id, candidates[row.application_id])
            wanted |= {(row.id, person, row.scheduled_start, row.scheduled_end) for person in people}
    for row in sessions:
        if row.status == "scheduled":
            people = (row.conducted_by_id, candidates[row.assignment.application_id])
            wanted |= {(row.id, person, row.session_start, row.session_end) for person in people}
    for row in interviews:
        if row.status in INTERVIEW_OPEN:
            wanted.add((row.id, candidates[row.application_id], row.scheduled_start, row.scheduled_end))
    found = all_of(Engagement)
    assert {(each.subject_id, each.person_id, each.start, each.end) for each in found} == wanted
    assert len(found) == len(wanted)
    for one, other in combinations(found, 2):
        assert one.person_id != other.person_id or one.end <= other.start or other.end <= one.start


def check(office: Office) -> None:
    db.session.expire_all()
    mocks, trainings, sessions = all_of(MockInterview), all_of(TrainingAssignment), all_of(TrainingSession)
    interviews, books = all_of(Interview), Books.read()
    for application in office.applications:
        mine = [[row for row in rows if row.application_id == application.id]
                for rows in (mocks, trainings, interviews)]  # fmt: skip
        check_agreement(application, *mine)
        check_attempts(mine[0])
        check_books(books, application, *mine)
    check_events(books, mocks, trainings, sessions)
    check_time({row.id: row.candidate_id for row in office.applications}, mocks, sessions, interviews)


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_any_sequence_of_deeds_by_anybody_keeps_practice_and_pipeline_together(
    alice: User, clock: Clock, steps: list[tuple[str, str, int, int]]
) -> None:
    clock.set(MONDAY)
    with db.session.begin_nested() as all_of_it:
        office = Office(alice)
        for number, (who, what, one, other) in enumerate(steps):
            if what == "wait":
                clock.forward(hours=other)
                continue
            try:
                with db.session.begin_nested():
                    event(office.do(office.people[who], what, one, other))
            except PortalError as error:
                event(f"{what} {type(error).__name__}")
            if number % 5 == 4:
                check(office)
        check(office)
        all_of_it.rollback()
