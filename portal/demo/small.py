"""The small demo: some months of two offices' work, done by the portal's own actions, each at its time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from portal.core import clock
from portal.core.tenancy import tenant_scope
from portal.core.workflow import Change
from portal.demo import criteria, names, rounds
from portal.demo.cast import Cast, gather
from portal.demo.drills import Rehearsal, open_rehearsals
from portal.demo.journeys import journey
from portal.demo.office import DAY, HOUR
from portal.demo.season import Desk, Season
from portal.demo.timelines import Meeting, Timeline, plan
from portal.hiring.models import Job, JobLevel, JobRole, JobStatus, Project, ProjectStatus
from portal.hiring.pipeline import BY_NAME

APPLICATIONS, INTERVIEWS = 150, 200
AGE = timedelta(days=150)
# Beside three of each status, so many more.
MORE: dict[str, int] = {
    "interview_scheduled": 16, "interview_rescheduled": 6, "approved": 8, "interview_passed": 4, "hired": 4,
    "pending_documents": 5, "documents_verified": 6, "interview_completed": 2, "mock_interview_scheduled": 9,
    "selected": 3, "processing": 1, "on_hold": 1, "withdrawn": 2, "mock_interview_completed": -2,
    "training_in_progress": 3, "training_assigned": 1,
}  # fmt: skip
HOURS = ((8, 17), (14, 22))  # each tenant's working hours, in UTC
_OPEN = ("documents_verified", "mock_interview_passed", "approved", "ready_for_reassessment")


def make(session: Any, random: Random, at: datetime) -> list[Cast]:
    """Both tenants with everything in them; one transaction, not yet committed."""
    with clock.frozen(at - AGE):
        casts = gather(session, random, (14, 14), (4, 3))
    for cast, (opens, closes) in zip(casts, HOURS, strict=True):
        fill(session, random, cast, at, opens, closes)
    return casts


def fill(session: Any, random: Random, cast: Cast, at: datetime, opens: int, closes: int) -> None:
    """One tenant's projects, applications and interviews."""
    with tenant_scope(cast.tenant.id, session):
        with clock.frozen(at - AGE):
            jobs = _jobs(session, random, cast, at)
        now = int(at.timestamp()) // 60
        desk = Desk(now, random, opens, closes, cast)
        with clock.frozen(at - AGE):
            templates = rounds.keep_templates(session, cast, Change(at - AGE))
            criteria.keep(session, Change(at - AGE))
            rounds.set_hours(session, desk.people, opens, closes, at)
        season = Season(session, cast, desk, jobs, templates)
        for timeline in _timelines(desk):
            season.follow(timeline)
        season.play()
        with clock.frozen(at - timedelta(days=1)):
            rounds.take_time_off(session, desk.people, at)
            rounds.offer_slots(session, desk.people[:5], at)


def _jobs(session: Any, random: Random, cast: Cast, at: datetime) -> list[Job]:
    roles = [JobRole(name=name, department=department) for name, department in names.JOB_ROLES]
    projects = [_project(random, cast, at, number) for number in range(len(names.PROJECTS))]
    session.add_all([*roles, *projects])
    session.flush()
    managers = cast.by_role["Hiring Manager"]
    jobs = []
    for number in range(26):
        project, role = projects[number % 8], roles[number % len(roles)]
        manager = managers[0] if number % 2 else random.choice(managers)
        job = Job(
            project_id=project.id, job_role_id=role.id, hiring_manager_id=manager.id, openings=random.randint(1, 8),
            title=f"{role.name}, {project.title.lower()}", level=random.choice(tuple(JobLevel)),
            status=JobStatus.OPEN if number < 22 else tuple(JobStatus)[number % 4],
        )  # fmt: skip
        jobs.append(job)
    session.add_all(jobs)
    session.flush()
    return jobs


def _project(random: Random, cast: Cast, at: datetime, number: int) -> Project:
    team = cast.teams[0] if number % 2 == 0 else cast.teams[1 + number % (len(cast.teams) - 1)]
    status = ProjectStatus.ACTIVE if number < 8 else tuple(ProjectStatus)[number % 4]
    deadline = (at + timedelta(days=random.randint(-10, 120))).date()
    return Project(
        title=names.PROJECTS[number], client=names.CLIENTS[number], team_id=team.id, team_head_id=team.head_id,
        status=status, deadline=deadline,
    )  # fmt: skip


def _timelines(desk: Desk) -> Sequence[tuple[Timeline, int]]:
    """(timeline, parity) of each application; those of parity 1 are a candidate's second one."""
    targets = [status for status in BY_NAME for _ in range(3 + MORE.get(status, 0))]
    desk.random.shuffle(targets)
    found, made = [], 0
    for number, target in enumerate(targets[:APPLICATIONS]):
        parity = int(number % 5 == 4)
        extra = max(0, round(INTERVIEWS * (number + 1) / APPLICATIONS) - made - 1)
        timeline = _planned(desk, target, parity, min(extra, 3))
        made += len(timeline.meetings)
        found.append((timeline, parity))
    _going_on(desk, next(t for t, _ in found if t.status in _OPEN))
    _rehearsing(desk, open_rehearsals([timeline for timeline, _ in found]))
    return found


def _planned(desk: Desk, target: str, parity: int, extra: int) -> Timeline:
    latest = desk.now
    while True:
        found = plan(desk, journey(desk.random, target), latest, parity, extra)
        if found.ends < desk.now - HOUR:
            return found
        latest = found.begins - 3 * DAY  # weekends and the clerks' days took longer than reckoned


def _rehearsing(desk: Desk, waiting: Sequence[Rehearsal]) -> None:
    """At whatever hour somebody looks, the coordinator with the log-in conducts a mock interview, has one to assess,
    others ahead, and requests to find a time for."""
    if len(waiting) < 2:
        return
    going_on, late, *others = waiting
    first = desk.coordinators[0]
    going_on.coordinator, going_on.status = first, "in_progress"
    going_on.start = desk.now - (desk.now % HOUR or HOUR)
    late.start, late.coordinator = desk.lately(first)
    late.status = "scheduled"
    for each in (going_on, late):
        each.scheduled_at = each.scheduled_at or each.sent_at
    for number, each in enumerate(others):
        each.coordinator = first if each.status == "requested" and number % 3 else each.coordinator


def _going_on(desk: Desk, timeline: Timeline) -> None:
    """At whatever hour somebody looks, an interview is going on."""
    start = desk.now - (desk.now % HOUR or HOUR)
    timeline.meetings.append(Meeting(timeline.ends, start, "internal", "in_progress"))
