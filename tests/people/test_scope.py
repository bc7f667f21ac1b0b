"""Who sees which of a prepared set of rows: own, team and tenant of every resource (SPEC §3)."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from portal.core import access, clock, records
from portal.core.db import db
from portal.core.errors import Missing, NotAllowed
from portal.hiring.models import Application, ApplicationActivity, Candidate, Job, Project, StatusChange
from portal.hiring.workflow import APPLICATION
from portal.interviews.models import Interview, Panelist
from portal.people.actions import set_roles
from portal.people.models import Role, Team, User
from portal.practice.models import (
    MockInterview,
    MockInterviewChecklistItem,
    TrainingAssignment,
    TrainingSession,
)
from tests.hiring.test_pipeline import PIPELINE
from tests.support.cast import Cast
from tests.support.hiring import (
    at_work,
    change,
    colleague,
    make_application,
    make_candidate,
    make_interview,
    make_job,
    make_project,
    make_team,
    move,
)

LABELS = frozenset({"mine", "brought", "coordinated", "managed", "headed", "of_team", "panel", "organized", "others"})
NONE: frozenset[str] = frozenset()
ALL = LABELS


@dataclass
class Rows:
    """Per model the label of each row; the users by role, each tied to the rows in a way of their own."""

    labels: dict[type, dict[UUID, str]] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)

    def seen(self, model: Any, user: User, *permissions: str) -> frozenset[str]:
        owner = model if model in self.labels else Interview if hasattr(model, "interview_id") else Application
        column = model.id if owner is model else getattr(model, f"{owner.__name__.lower()}_id")
        keys = db.session.scalars(access.scope(sa.select(column), model, user, *permissions))
        return frozenset(self.labels[owner][key] for key in keys)


def prepare() -> Rows:
    """One candidate, project, job, application and interview for each way in which a row is somebody's."""
    rows = Rows(users={role: colleague(role) for role in ROLES})
    users = rows.users
    team = make_team(users["Team Head"], users["Team Lead"])
    for label in sorted(LABELS):
        project = make_project(
            team_id=team.id if label == "of_team" else None,
            team_head_id=users["Team Head"].id if label == "headed" else None,
        )
        job = make_job(project, hiring_manager_id=users["Hiring Manager"].id if label == "managed" else None)
        candidate = make_candidate(recruiter_id=users["Recruiter"].id if label == "brought" else None)
        application = make_application(
            "interview_scheduled", job=job, candidate=candidate,
            recruiter=users["Recruiter"] if label == "mine" else None,
            coordinator=users["Interview Coordinator"] if label == "coordinated" else None,
        )  # fmt: skip
        interview = make_interview(
            application, panel=[users["Interviewer"], users["Hiring Manager"]] if label == "panel" else [],
            organizer_id=users["Recruiter"].id if label == "organized" else None,
        )  # fmt: skip
        for row in (project, job, candidate, application, interview):
            rows.labels.setdefault(type(row), {})[row.id] = label
    return rows


TEAM = frozenset({"of_team", "headed"})
CANDIDATES = frozenset({"mine", "brought"})
# role: candidates, projects, jobs, applications, interviews that may be read
ROLES: dict[str, tuple[frozenset[str], ...]] = {
    "HR": (ALL, ALL, ALL, ALL, ALL),
    "Manager": (ALL, ALL, ALL, ALL, ALL),
    "Team Head": (TEAM, TEAM, TEAM, TEAM, TEAM),
    "Team Lead": (frozenset({"of_team"}),) * 5,
    "Recruiter": (CANDIDATES, ALL, ALL, frozenset({"mine"}), frozenset({"mine", "organized"})),
    "Hiring Manager": (NONE, NONE, NONE, frozenset({"managed"}), frozenset({"managed", "panel"})),
    "Interviewer": (NONE, NONE, NONE, NONE, frozenset({"panel"})),
    "Interview Coordinator": (ALL, ALL, NONE, frozenset({"coordinated"}), ALL),
    "Documentation Executive": (ALL, NONE, NONE, ALL, NONE),
    "Processing Executive": (ALL, NONE, NONE, ALL, NONE),
    "CRE": (ALL, NONE, NONE, ALL, NONE),
}
MODELS = (Candidate, Project, Job, Application, Interview)


def test_each_role_sees_its_own_its_teams_or_all_rows(alice: User, cast: Cast) -> None:
    rows = prepare()
    assert {role: tuple(rows.seen(model, user) for model in MODELS) for role, user in rows.users.items()} == ROLES
    with at_work(cast.charlie) as charlie:
        assert [rows.seen(model, charlie) for model in MODELS] == [NONE] * 5


def test_histories_and_panels_are_seen_with_what_they_belong_to(alice: User) -> None:
    rows = prepare()
    for key in rows.labels[Application]:
        move(db.session.get_one(Application, (alice.tenant_id, key)), "on_hold", alice)
    for role, (*_, applications, interviews) in ROLES.items():
        user = rows.users[role]
        assert (rows.seen(StatusChange, user), rows.seen(ApplicationActivity, user)) == (applications,) * 2, role
        assert rows.seen(Panelist, user) == interviews & {"panel"}, role


def test_what_may_be_written_is_narrower_than_what_may_be_read(alice: User) -> None:
    rows = prepare()
    schedule = ("schedule:interviews", "write:interviews")
    assert {role: rows.seen(Application, user, *schedule) for role, user in rows.users.items()} == {
        "HR": ALL, "Manager": NONE, "Team Head": TEAM, "Team Lead": {"of_team"}, "Recruiter": {"mine"},
        "Hiring Manager": NONE, "Interviewer": NONE, "Interview Coordinator": {"coordinated"},
        "Documentation Executive": NONE, "Processing Executive": NONE, "CRE": NONE,
    }  # fmt: skip


def test_the_roles_of_one_person_add_up_and_the_widest_wins(alice: User) -> None:
    rows = prepare()
    roles = {role.name: role for role in db.session.scalars(sa.select(Role))}
    user = rows.users["Recruiter"]
    set_roles(db.session, user, [roles["Recruiter"], roles["Team Lead"]])
    make_team(None, user)
    make_project(title="Nobody's")
    project = db.session.get_one(
        Project, (alice.tenant_id, next(k for k, v in rows.labels[Project].items() if v == "others"))
    )
    project.team_id = db.session.scalar(sa.select(Team.id).order_by(Team.id.desc()).limit(1))
    db.session.flush()
    user.__dict__.pop("_held", None)
    assert rows.seen(Application, user) == {"mine", "others"}
    set_roles(db.session, user, [roles["Recruiter"], roles["CRE"]])
    user.__dict__.pop("_held", None)
    assert rows.seen(Application, user) == ALL


def test_users_teams_and_settings(alice: User) -> None:
    interviewer, recruiter, hr = colleague("Interviewer"), colleague("Recruiter"), colleague("HR")
    team = make_team(recruiter)

    def count(model: Any, user: User) -> int:
        keys = access.scope(sa.select(sa.func.count(model.id)), model, user)
        return int(db.session.scalar(keys) or 0)

    everybody = db.session.scalar(sa.select(sa.func.count()).select_from(User)) or 0
    told = {
        model.__name__: [count(model, user) for user in (interviewer, recruiter, hr)] for model in (User, Team, Role)
    }
    assert told == {"User": [0, everybody, everybody], "Team": [0, 0, 1], "Role": [0, 0, 0]}
    with pytest.raises(Missing):
        access.fetch(db.session, Team, team.id, recruiter)


def test_a_row_outside_ones_scope_is_missing_as_one_that_never_was(alice: User) -> None:
    rows = prepare()
    user = rows.users["Recruiter"]
    application = next(key for key, label in rows.labels[Application].items() if label == "others")
    told = []
    for key in (application, str(application), user.id, "no key at all"):
        with pytest.raises(Missing) as error:
            access.fetch(db.session, Application, key, user)
        told.append(str(error.value))
    assert told == ["There is nothing here, or nothing you may see."] * 4


def test_a_move_is_missing_out_of_sight_and_not_allowed_in_sight(alice: User) -> None:
    rows = prepare()
    keys = {label: key for key, label in rows.labels[Application].items()}
    result = APPLICATION.apply(
        db.session(), list(keys.values()), "on_hold", change(rows.users["Interview Coordinator"])
    )
    told = {rows.labels[Application][key]: type(error) for key, error in result.refused.items()}
    assert list(result.done) == [keys["coordinated"]]
    assert told == dict.fromkeys(LABELS - {"coordinated"}, Missing)
    with pytest.raises(NotAllowed):
        APPLICATION.apply(db.session(), [keys["mine"]], "on_hold", change(rows.users["CRE"]))


WITHIN = {
    "Documentation Executive": {
        "nominated": {"pending_documents"}, "pending_documents": {"documents_submitted"},
        "documents_submitted": {"verification_in_progress", "rejected_documents"},
        "verification_in_progress": {"documents_verified", "rejected_documents", "pending_documents"},
        "documents_verified": {"rejected_documents"},
    },
    "Processing Executive": {
        "interview_passed": {"selected", "rejected_selection"}, "selected": {"processing"}, "processing": {"hired"},
    },
}  # fmt: skip


@pytest.mark.parametrize("role", WITHIN)
def test_an_executive_moves_applications_within_their_stages_alone(alice: User, role: str) -> None:
    user = colleague(role)
    rows = {make_application(status).id: status for status in PIPELINE}
    offered: dict[str, set[str]] = {}
    for key, status in rows.items():
        row = db.session.get_one(Application, (alice.tenant_id, key))
        offered[status] = {option.verb for option in APPLICATION.options(db.session(), row, user, clock.now())}
    moved: dict[str, set[str]] = {status: set() for status in PIPELINE}
    for target in set(PIPELINE) - {"nominated", "approved"}:  # approving is a permission of its own
        savepoint = db.session.begin_nested()
        for key in APPLICATION.apply(db.session(), list(rows), target, change(user)).done:
            moved[rows[key]].add(target)
        savepoint.rollback()
    assert moved == {status: WITHIN[role].get(status, set()) for status in PIPELINE}
    assert offered == moved


def _practise(application: Any, users: dict[str, User]) -> None:
    """A mock interview, an item of it, a training and a session, of somebody else than the application's people."""
    conducts, assigns, trains = (users[role].id for role in ("Team Lead", "Interviewer", "Recruiter"))
    mock = records.create(db.session, MockInterview, {"application_id": application, "coordinator_id": conducts})
    records.create(db.session, MockInterviewChecklistItem, {"mock_interview_id": mock.id, "criterion": "Listens"})
    given = {"application_id": application, "assigned_by_id": assigns, "training_type": "screening"}
    training = records.create(db.session, TrainingAssignment, given)
    session = {"assignment_id": training.id, "session_start": clock.now(), "topic": "Calls", "conducted_by_id": trains}
    records.create(db.session, TrainingSession, session)


def test_both_ways_to_say_whose_a_row_is_mean_the_same(alice: User) -> None:
    rows = prepare()
    for key in rows.labels[Application]:
        move(db.session.get_one(Application, (alice.tenant_id, key)), "on_hold", alice)
        _practise(key, rows.users)
    compared = 0
    for model, known in access.declared().items():
        for user in rows.users.values():
            for listed, row in ((known.own, known.own_row), (known.team, known.team_row)):
                if listed and row:
                    keys: Any = sa.select(model.id)  # type: ignore[attr-defined]
                    assert set(db.session.scalars(keys.where(listed(user.id)))) == set(
                        db.session.scalars(keys.where(row(user.id)))
                    ), (model.__name__, user.full_name)
                    compared += 1
    assert compared == 20 * len(rows.users)
