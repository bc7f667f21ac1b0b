"""Who may do what with mock interviews, trainings and checklists, through the pages (SPEC §3)."""

import re
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from portal.core.db import db
from tests.conftest import MakeClient
from tests.support.cast import Cast, Person
from tests.support.client import PortalClient
from tests.support.hiring import at_work, colleague, make_application, make_job, make_project, make_team
from tests.support.practice import make_criteria, make_mock, make_session, make_training

MINE, TEAM, OTHERS = "mine", "team", "others"
ALL = frozenset({MINE, TEAM, OTHERS})
NONE: frozenset[str] = frozenset()
OWN, TEAMS = frozenset({MINE}), frozenset({TEAM})
BARRED = None  # 403, whosever row it is

# role: whose rows may be read, edited, scheduled, conducted; of trainings read and started; where training may be
# assigned; and whether checklists may be read and kept.
Cells = tuple[frozenset[str] | None, ...]
ROLES: dict[str, tuple[Cells, Cells, tuple[bool, bool]]] = {
    # mock interviews: read, edit, reschedule, start   training: read, start, assign     checklists: read, write
    "System Admin": ((ALL, ALL, ALL, ALL), (ALL, ALL, ALL), (True, True)),
    "HR": ((ALL, ALL, ALL, BARRED), (ALL, ALL, ALL), (True, True)),
    "Manager": ((ALL, BARRED, BARRED, BARRED), (ALL, BARRED, BARRED), (True, False)),
    "Team Head": ((TEAMS, BARRED, BARRED, BARRED), (TEAMS, TEAMS, TEAMS), (True, False)),
    "Team Lead": ((TEAMS, BARRED, BARRED, BARRED), (TEAMS, BARRED, BARRED), (True, False)),
    "Recruiter": ((OWN, OWN, OWN, BARRED), (OWN, BARRED, BARRED), (False, False)),
    "Interview Coordinator": ((OWN, OWN, OWN, OWN), (OWN, OWN, OWN), (True, True)),
    "Hiring Manager": ((BARRED,) * 4, (BARRED,) * 3, (False, False)),
    "Interviewer": ((BARRED,) * 4, (BARRED,) * 3, (False, False)),
    "Documentation Executive": ((BARRED,) * 4, (BARRED,) * 3, (False, False)),
    "CRE": ((BARRED,) * 4, (BARRED,) * 3, (False, False)),
}


class Stage:
    """For each role a person, and of each kind a row that is theirs, their team's, and nobody's of them."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.keys: dict[str, dict[str, dict[str, UUID]]] = {}

    def prepare(self) -> None:
        for role in ROLES:
            user = colleague(role)
            job = {MINE: make_job(), OTHERS: make_job()}
            job[TEAM] = make_job(make_project(team_id=make_team(user if role == "Team Head" else None, user).id))
            self.people[role] = Person(user.id, user.tenant_id, user.email, user.full_name, user.get_id())
            self.keys[role] = {whose: self._rows(role, user, job[whose], whose) for whose in sorted(ALL)}
        db.session.commit()

    def _rows(self, role: str, user: Any, job: Any, whose: str) -> dict[str, UUID]:
        coordinator = user if whose == MINE and role != "Recruiter" else colleague("Interview Coordinator")
        recruiter = user if whose == MINE else None

        def application(status: str) -> Any:
            return make_application(status, job=job, recruiter=recruiter, coordinator=coordinator)

        mock = make_mock(coordinator, "scheduled", application("mock_interview_scheduled"))
        training = make_training(coordinator, "assigned", application("training_assigned"))
        return {
            "mock": mock.id, "training": training.id, "session": make_session(training).id,
            "failed": application("mock_interview_failed").id, "verified": application("documents_verified").id,
        }  # fmt: skip


@pytest.fixture
def stage(app: Flask, cast: Cast) -> Stage:
    made = Stage()
    with app.app_context(), at_work(cast.alice):
        made.prepare()
    return made


def reached(client: PortalClient, addresses: dict[str, str]) -> frozenset[str] | None:
    """Whose rows answer; BARRED where this role may not even with rows that it sees."""
    codes = {whose: client.get(address).status_code for whose, address in addresses.items()}
    if 403 in codes.values():
        assert 200 not in codes.values(), (addresses, codes)
        return BARRED
    return frozenset(whose for whose, code in codes.items() if code == 200)


def test_each_role_reaches_just_its_rows(stage: Stage, make_client: MakeClient) -> None:
    told = {}
    for role, person in stage.people.items():
        client, keys = make_client(person), stage.keys[role]

        def over(client: PortalClient, keys: Any, kind: str, pattern: str) -> frozenset[str] | None:
            return reached(client, {whose: pattern.format(found[kind]) for whose, found in keys.items()})

        mocks = tuple(over(client, keys, "mock", f"/mock-interviews/{{}}{page}")
                      for page in ("", "/edit", "/move/reschedule", "/move/start"))  # fmt: skip
        trainings = tuple(over(client, keys, "training", f"/training/{{}}{page}") for page in ("", "/move/start"))
        assigned = _assignable(client, keys)
        checklists = tuple(client.get(f"/mock-interview-templates/{page}").status_code == 200 for page in ("", "new"))
        told[role] = (mocks, (*trainings, assigned), checklists)
    assert told == ROLES


def _assignable(client: PortalClient, keys: Any) -> frozenset[str] | None:
    """For whose applications training may be assigned by the form."""
    codes = {}
    for whose, found in keys.items():
        data = {"application_id": str(found["failed"]), "training_type": "soft_skills", "priority": "low"}
        codes[whose] = client.submit("/training/new", data).status_code
    return BARRED if 403 in codes.values() else frozenset(w for w, code in codes.items() if code == 302)


SENDS: dict[str, frozenset[str]] = {
    "System Admin": ALL, "HR": ALL, "Recruiter": OWN, "Interview Coordinator": OWN,
    **dict.fromkeys(("Manager", "Team Head", "Team Lead", "Hiring Manager", "Interviewer", "Documentation Executive",
                     "CRE"), NONE),
}  # fmt: skip


def test_who_may_send_a_candidate_to_a_coordinator(
    app: Flask, cast: Cast, stage: Stage, make_client: MakeClient
) -> None:
    with app.app_context(), at_work(cast.alice):
        coordinator = colleague("Interview Coordinator").id
        db.session.commit()
    told = {}
    for role, person in stage.people.items():
        client, codes = make_client(person), {}
        for number, (whose, found) in enumerate(stage.keys[role].items()):
            data = {
                "application_id": str(found["verified"]), "coordinator_id": str(coordinator), "duration": "30",
                "timezone": "UTC", "mode": "video", "request_notes": str(number),
            }  # fmt: skip
            codes[whose] = client.submit("/mock-interviews/new", data).status_code
        told[role] = frozenset(whose for whose, code in codes.items() if code == 302)
    assert told == SENDS


def plain(answer: Any) -> str:
    """An answer without what differs each time: the request's id, and the time stamp in a form's token."""
    body = answer.get_data(as_text=True).replace(answer.headers["X-Request-Id"], "")
    return re.sub(r'(name="csrf_token" value=")[^"]+', r"\1", body)


def test_a_row_out_of_reach_answers_as_one_that_never_was(stage: Stage, make_client: MakeClient, cast: Cast) -> None:
    clients = {role: make_client(stage.people[role]) for role in ("Recruiter", "Interview Coordinator", "Team Head")}
    told = []
    for role, client in clients.items():
        other = stage.keys[role][OTHERS]
        for address in (f"/mock-interviews/{other['mock']}", f"/training/{other['training']}",
                        f"/training-sessions/{other['session']}"):  # fmt: skip
            there, never = client.get(address), client.get(address[:-12] + "000000000000")
            told.append((there.status_code, never.status_code, plain(there) == plain(never)))
    assert told == [(404, 404, True)] * 9


STATES = {
    "mock-interviews": ("requested", "scheduled", "in_progress", "completed", "cancelled", "no_show"),
    "training": ("assigned", "in_progress", "completed", "cancelled"),
    "training-sessions": ("scheduled", "completed", "cancelled"),
}


def test_the_pages_of_every_state_open(app: Flask, cast: Cast, make_client: MakeClient) -> None:
    with app.app_context(), at_work(cast.alice) as alice:
        training = make_training(alice)
        made = {
            "mock-interviews": [make_mock(alice, status).id for status in STATES["mock-interviews"]],
            "training": [make_training(alice, status).id for status in STATES["training"]],
            "training-sessions": [make_session(training, status).id for status in STATES["training-sessions"]],
        }
        db.session.commit()
    client = make_client(cast.alice)
    codes = {(path, status, page): client.get(f"/{path}/{key}{page}").status_code
             for path, keys in made.items() for status, key in zip(STATES[path], keys, strict=True)
             for page in ("", "/edit")}  # fmt: skip
    # What was called off has nothing to edit: its form leads back to its page, which says so.
    closed = {("mock-interviews", status, "/edit"): 302 for status in ("cancelled", "no_show")}
    assert {what: code for what, code in codes.items() if code != 200} == closed


def test_a_checklist_is_kept_by_those_who_manage_it(
    app: Flask, cast: Cast, make_client: MakeClient, stage: Stage
) -> None:
    with app.app_context(), at_work(cast.alice):
        job = make_job()
        role, (criterion,) = str(job.job_role_id), [row.id for row in make_criteria(job, "Listens")]
        db.session.commit()
    data = {"job_role_id": role, "category": "knowledge", "row_version": "1", "active": "y"}
    codes = {}
    for name in ("Interview Coordinator", "Team Head", "Recruiter", "HR"):
        client = make_client(stage.people[name])
        made = client.submit("/mock-interview-templates/new", {**data, "criterion": f"Knows {name}"}).status_code
        seen = client.get(f"/mock-interview-templates/{criterion}").status_code
        codes[name] = (made, seen)
    assert codes == {
        "Interview Coordinator": (302, 200), "Team Head": (403, 200), "Recruiter": (403, 403), "HR": (302, 200),
    }  # fmt: skip
