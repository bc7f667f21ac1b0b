"""The large demo: the sizes of SPEC §10 in the first tenant, a small second one beside it."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import clock
from portal.core.tenancy import everywhere, tenant_scope
from portal.core.workflow import Change
from portal.demo import criteria, names, small
from portal.demo.cast import Cast, gather
from portal.demo.drillmasses import ITEMS, Criterion
from portal.demo.loading import Loader, unhindered
from portal.demo.masses import SHARES, Firm, Masses, Someone
from portal.demo.office import DAY, Office
from portal.hiring.models import Application, Job, JobLevel, JobRole, JobStatus, Project, ProjectStatus
from portal.hiring.pipeline import CLOSED
from portal.interviews import bookings
from portal.interviews.models import AHEAD, STILL_OPEN, Interview
from portal.messaging import reminders
from portal.practice import bookings as practice
from portal.practice.models import TAKES_TIME
from portal.practice.models import MockInterview as M
from portal.practice.models import MockInterviewChecklistTemplate as Template
from portal.practice.models import TrainingAssignment as T
from portal.practice.models import TrainingSession as S
from portal.scheduling import workflow as scheduling

APPLICATIONS, INTERVIEWS, MOCKS = 400_000, 1_000_000, 240_000
USERS, PROJECTS, JOBS, TEAMS = 300, 400, 3_000, 24
COORDINATORS = 100  # beside those; half an hour for each mock interview and session must be found
YEARS = 3
PORTION = 20_000
TABLES = (
    "training_sessions", "training_assignments", "mock_interview_checklist_items", "mock_interviews", "panelists",
    "interviews", "application_activities", "status_changes", "applications", "candidates",
)  # fmt: skip
Say = Callable[[str], None]


def make(session: Any, random: Random, at: datetime, say: Say, scale: float = 1.0) -> list[Cast]:
    """Both tenants, the first with ``scale`` times a million interviews; one transaction, not yet committed."""
    with everywhere(session):
        colleagues = max(30, int(USERS * scale) - 14)
        with clock.frozen(at - timedelta(days=YEARS * 365)):
            coordinators = max(3, int(COORDINATORS * scale))
            casts = gather(session, random, (colleagues, 14), (max(4, int(TEAMS * scale)), 3), coordinators)
            first, second = casts
            with tenant_scope(first.tenant.id, session):
                jobs = _jobs(session, random, first, at, scale)
                criteria.keep(session, Change(clock.now()), everywhere=True)
        say(f"{first.tenant.name}: {len(first.users)} users, {len(jobs)} jobs")
        _fill(session, random, first, jobs, at, say, scale)
        with tenant_scope(first.tenant.id, session):
            _engage(session, at)
            _remind(session, at)
    small.fill(session, random, second, at, *small.HOURS[1])
    return casts


def _jobs(session: Any, random: Random, cast: Cast, at: datetime, scale: float) -> list[Job]:
    roles = [JobRole(name=name, department=department) for name, department in names.JOB_ROLES]
    session.add_all(roles)
    projects = [_project(random, cast, at, number) for number in range(max(20, int(PROJECTS * scale)))]
    session.add_all(projects)
    session.flush()
    jobs = [
        _job(random, cast, random.choice(projects), random.choice(roles)) for _ in range(max(60, int(JOBS * scale)))
    ]
    session.add_all(jobs)
    session.flush()
    return jobs


def _project(random: Random, cast: Cast, at: datetime, number: int) -> Project:
    team = cast.teams[number % len(cast.teams)]
    return Project(
        title=f"{random.choice(names.PROJECTS)} {number + 1}", client=random.choice(names.CLIENTS), team_id=team.id,
        team_head_id=team.head_id, status=random.choices(tuple(ProjectStatus), (1, 6, 1, 4))[0],
        deadline=(at + timedelta(days=random.randint(-600, 300))).date(),
    )  # fmt: skip


def _job(random: Random, cast: Cast, project: Project, role: JobRole) -> Job:
    return Job(
        project_id=project.id, job_role_id=role.id, hiring_manager_id=random.choice(cast.by_role["Hiring Manager"]).id,
        title=f"{role.name}, {project.title}", openings=random.randint(1, 12), level=random.choice(tuple(JobLevel)),
        status=random.choices(tuple(JobStatus), (6, 1, 3, 2))[0],
    )  # fmt: skip


def _keys(cast: Cast, *roles: str) -> list[str]:
    return [user.id.hex for role in roles for user in cast.by_role[role]]


def _fill(session: Any, random: Random, cast: Cast, jobs: Sequence[Job], at: datetime, say: Say, scale: float) -> None:
    """Applications in the order of their beginning, so that rows lie on the disk as the years would have left them."""
    connection = session.connection()
    loader, count = Loader(connection), int(APPLICATIONS * scale)
    recruiters, coordinators = _keys(cast, "Recruiter"), _keys(cast, "Interview Coordinator")
    with tenant_scope(cast.tenant.id, session):
        checklists = _checklists(session)
    keys, lists = [job.id.hex for job in jobs], [checklists[job.job_role_id] for job in jobs]
    firm = Firm(cast.tenant.id.hex, recruiters, coordinators, keys, lists)
    panel = _keys(cast, "Interviewer", "Hiring Manager", "Team Lead", "Documentation Executive", "Recruiter")
    office = Office(int(at.timestamp()) // 60, random, panel, coordinators=coordinators)
    masses = Masses(firm, office, loader)
    with unhindered(connection, TABLES):
        candidates: list[Someone] = []
        for number, (latest, target) in enumerate(_beginnings(random, office, count)):
            # Every eighth is the second application of an earlier candidate.
            earlier = candidates[7 * (number // 8) // 2] if number % 8 == 7 else None
            extra = _extra(random, number, masses, count, scale), _called_off(random, number, masses, count, scale)
            someone = masses.application(number, target, latest, int(earlier is not None), extra, earlier)
            if earlier is None:
                candidates.append(someone)
            if number % PORTION == PORTION - 1:
                loader.flush()
                say(f"{number + 1:,} of {count:,} applications")
        loader.flush()
        say("Indexes and foreign keys …")
    say(", ".join(f"{rows:,} {name.replace('_', ' ')}" for name, rows in loader.counts.items()))


def _checklists(session: Any) -> dict[UUID, list[Criterion]]:
    """By job role, the criteria that its mock interviews were given."""
    found: dict[UUID, list[Criterion]] = defaultdict(list)
    for row in session.scalars(sa.select(Template).order_by(Template.order, Template.id)):
        found[row.job_role_id].append((row.id.hex, row.category, row.criterion))
    return {role: criteria[:ITEMS] for role, criteria in found.items()}


def _engage(session: Any, at: datetime) -> None:
    """What is still open takes up the time of its people, as if each had been scheduled by hand."""
    found = sa.select(Interview.id, Interview.scheduled_start, Interview.scheduled_end).where(STILL_OPEN)
    times = {key: (start, end) for key, start, end in session.execute(found.order_by(Interview.scheduled_start))}
    keys = list(times)
    for first in range(0, len(keys), 5_000):
        portion = {key: times[key] for key in keys[first : first + 5_000]}
        scheduling.occupy(session, bookings.bookings(session, portion), Change(at))
    rehearsals = sa.select(
        M.id, M.coordinator_id, Application.candidate_id, M.scheduled_start, M.duration, M.timezone
    ).join(Application, Application.id == M.application_id).where(M.status.in_(TAKES_TIME))  # fmt: skip
    lessons = sa.select(
        S.id, S.conducted_by_id, Application.candidate_id, S.session_start, S.duration, S.timezone
    ).join(T, T.id == S.assignment_id).join(Application, Application.id == T.application_id)  # fmt: skip
    for query, of in ((rehearsals, practice.of_mock), (lessons.where(S.status == "scheduled"), practice.of_session)):
        booked = [of(*row) for row in session.execute(query.order_by(query.selected_columns[0]))]
        for first in range(0, len(booked), 5_000):
            scheduling.occupy(session, booked[first : first + 5_000], Change(at))


def _remind(session: Any, at: datetime) -> None:
    """The reminders that the interviews ahead would have got when they were arranged."""
    ahead = sa.select(Interview.id).where(Interview.scheduled_start > at, Interview.status.in_(AHEAD))
    keys = list(session.scalars(ahead.order_by(Interview.id)))
    for first in range(0, len(keys), PORTION):
        reminders.write(session, "interview", keys[first : first + PORTION], at)


def _beginnings(random: Random, office: Office, count: int) -> list[tuple[int, str]]:
    targets = random.choices(tuple(SHARES), tuple(SHARES.values()), k=count)
    oldest = (YEARS * 365 - 120) * DAY
    found = sorted(
        (office.now - (random.randrange(oldest) if target in CLOSED else int(random.expovariate(1 / 6) * DAY)), target)
        for target in targets
    )
    # The last one takes what is missing of the interviews, so it must bring none of a client's.
    return [*found[:-1], (found[-1][0], "documents_verified")]


def _extra(random: Random, number: int, masses: Masses, count: int, scale: float) -> int:
    """How many interviews of its own the organisation adds to this application, so that all add up in the end."""
    if number == count - 1:
        return int(INTERVIEWS * scale) - masses.interviews
    behind = (INTERVIEWS * scale - 8) * (number + 1) / count - masses.interviews
    return min(4, max(0, int(behind + random.random())))


def _called_off(random: Random, number: int, masses: Masses, count: int, scale: float) -> int:
    """How many cancelled mock interviews this application has, so that all add up in the end."""
    if number == count - 1:
        return max(0, int(MOCKS * scale) - masses.drills.count)
    behind = (MOCKS * scale - 6) * (number + 1) / count - masses.drills.count
    return min(2, max(0, int(behind + random.random())))
