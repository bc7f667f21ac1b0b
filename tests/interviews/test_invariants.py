"""Whatever people do, in whatever order: history is whole, and an application agrees with its open interviews."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from portal.core import clock as portal_clock
from portal.core.db import db
from portal.core.errors import PortalError
from portal.hiring.models import Application
from portal.hiring.workflow import APPLICATION
from portal.interviews.actions import schedule_interview
from portal.interviews.models import OPEN, Interview
from portal.interviews.workflow import INTERVIEW
from portal.people.models import User
from tests.hiring.test_pipeline import PIPELINE
from tests.support.clock import Clock
from tests.support.hiring import activities, audited, change, colleague, history, make_application

ROLES = (
    "System Admin",
    "HR",
    "Recruiter",
    "Interview Coordinator",
    "Manager",
    "Documentation Executive",
    "Interviewer",
)
WHO = st.sampled_from(["System Admin", *ROLES])
WHAT = st.sampled_from(["schedule", "interview", "interview", "application", "anything"])
STEPS = st.lists(st.tuples(WHO, WHAT, st.integers(0, 99)), min_size=30, max_size=30)
BEGINNINGS = ("nominated", "approved", "mock_interview_passed", "interview_passed", "selected")

# While a client's interview is open, its application may stand at none of these.
NEVER_WITH_AN_OPEN_ONE = {"approved", "on_hold", "withdrawn"}


def perform(by: User, row: Application, what: str, number: int) -> str:
    """One deed, chosen by ``number`` from what the present states allow; or anything at all."""
    at, ahead = change(by), portal_clock.now() + timedelta(days=1 + number)
    data = {"reason": "So it was said", "scheduled_start": ahead}
    if what == "schedule":
        audience = "internal" if number % 4 == 0 else "client"
        times = {"scheduled_start": ahead, "scheduled_end": ahead + timedelta(hours=1)}
        schedule_interview(db.session, {"application_id": row.id, "audience": audience, **times}, [], at)
        return what
    subject: Application | Interview = row
    rounds, flow = interviews(row), APPLICATION
    if what == "interview" and rounds:
        flow, subject = INTERVIEW, rounds[number % len(rounds)]
    moves = list(flow.moves.values()) if what == "anything" else flow.possible(subject.status)
    moves = [each for each in moves if number > 80 or not each.danger] or moves or list(flow.moves.values())
    verb = moves[number % len(moves)].verb
    flow.move(db.session(), subject, verb, change(by, **data))
    return verb


def interviews(row: Application) -> list[Interview]:
    query = sa.select(Interview).where(Interview.application_id == row.id).order_by(Interview.id)
    return list(db.session.scalars(query))


def agrees(row: Application) -> None:
    """A client's interview that is open and an application that says there is none do not go together."""
    client = [each.status for each in interviews(row) if each.audience == "client" and each.status in OPEN]
    assert not (client and row.status in NEVER_WITH_AN_OPEN_ONE), (row.status, client)


def check(row: Application, beginning: str) -> None:
    """Every step is in the books once, in order, and each change made the version grow by one."""
    db.session.expire_all()
    agrees(row)
    steps = [(source, target) for source, target, _ in history(row)]
    assert [source for source, _ in steps] == [beginning, *(target for _, target in steps)][: len(steps)]
    assert row.status == (steps[-1][1] if steps else beginning)
    for source, target in steps:
        _, by_hand, by_record = PIPELINE[source]
        assert target in (*by_hand, *by_record) or source == "on_hold" or source in CLOSED
    assert row.version == 1 + len(steps) == 1 + len(audited(row))
    lines = [kind for kind, *_ in activities(row)]
    assert sum(kind in ("status_change", "stage_change") for kind in lines) == len(steps)
    for each in interviews(row):
        assert each.version == 1 + len(audited(each))
    assert len(lines) == len(steps) + sum(each.version for each in interviews(row))


CLOSED = ("hired", "rejected_documents", "rejected_interview", "rejected_selection", "withdrawn")


@pytest.fixture
def team(alice: User) -> dict[str, User]:
    return {role: colleague(role) for role in ROLES}


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(beginning=st.sampled_from(BEGINNINGS), steps=STEPS)
def test_any_sequence_of_verbs_by_anybody_keeps_the_books(
    team: dict[str, User], clock: Clock, beginning: str, steps: list[tuple[str, str, int]]
) -> None:
    row = make_application(beginning, recruiter=team["Recruiter"], coordinator=team["Interview Coordinator"])
    for role, what, number in steps:
        clock.forward(hours=7)
        try:
            event(perform(team[role], row, what, number))
        except PortalError as refusal:
            event(type(refusal).__name__)
        db.session.refresh(row)
        agrees(row)
    check(row, beginning)
