"""The demo's two tenants and those who log in there: one for each role, and their colleagues."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import sqlalchemy as sa

from portal.core.tenancy import everywhere, tenant_scope
from portal.demo import names
from portal.hiring import actions as hiring
from portal.people import actions as people
from portal.people.models import Role, Team, Tenant, User
from portal.people.passwords import hashed
from portal.people.roles import BUILT_IN, slug

PASSWORD = "greenroom-demo"
TENANTS: tuple[tuple[str, str, str], ...] = (
    # name, domain, zone
    ("Harbour Health", "harbour.example", "Europe/London"),
    ("Northwind Staffing", "northwind.example", "America/Chicago"),
)

# Who holds the log-in of each role: (name, zone) in the first and in the second tenant.
HOLDERS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "System Admin": (("Imogen Ashdown", "Europe/London"), ("Walter Lindqvist", "America/Chicago")),
    "CEO": (("Nadia Al-Rashid", "Asia/Dubai"), ("Eleanor Whitcomb", "America/New_York")),
    "Director": (("Tomás Ferreira", "Europe/Lisbon"), ("Hiroshi Tanaka", "Asia/Tokyo")),
    "HR": (("Ruth Calloway", "Europe/London"), ("Denise Okonkwo", "America/Chicago")),
    "Manager": (("Henrik Sørensen", "Europe/Copenhagen"), ("Carla Jiménez", "America/Denver")),
    "Team Head": (("Zainab Farooqi", "Asia/Karachi"), ("Marcus Bell", "America/Chicago")),
    "Team Lead": (("Peter Novák", "Europe/Prague"), ("Shanice Brown", "America/New_York")),
    "Recruiter": (("Aoife Brennan", "Europe/Dublin"), ("Luis Ortega", "America/Chicago")),
    "Hiring Manager": (("Dr Anil Mehta", "Asia/Kolkata"), ("Susan Kowalczyk", "America/Chicago")),
    "Interviewer": (("Dr Ewa Malinowska", "Europe/Warsaw"), ("Jamal Edwards", "America/Los_Angeles")),
    "Interview Coordinator": (("Yusuf Demir", "Europe/London"), ("Bethany Clark", "America/Chicago")),
    "Documentation Executive": (("Grace Mutua", "Africa/Nairobi"), ("Owen Pritchard", "America/Chicago")),
    "Processing Executive": (("Ines Duarte", "Europe/London"), ("Minh Trần", "America/Los_Angeles")),
    "CRE": (("Fiona MacLeod", "Europe/London"), ("Tiffany Young", "America/Chicago")),
}

# Further colleagues, in turn: the role that each has.
COLLEAGUES = (
    "Interviewer", "Interviewer", "Recruiter", "Interviewer", "Hiring Manager", "Interview Coordinator", "Interviewer",
    "Interviewer", "Recruiter", "Hiring Manager", "Interviewer", "Team Lead", "Interviewer", "Documentation Executive",
)  # fmt: skip


@dataclass
class Cast:
    """One tenant with its users, by role; the first of each role is the one with the log-in."""

    tenant: Tenant
    domain: str
    by_role: dict[str, list[User]] = field(default_factory=dict)
    teams: list[Team] = field(default_factory=list)

    def first(self, role: str) -> User:
        return self.by_role[role][0]

    @property
    def users(self) -> list[User]:
        return [user for users in self.by_role.values() for user in users]


def gather(
    session: Any, random: Random, colleagues: Sequence[int], teams: Sequence[int], coordinators: int = 0
) -> list[Cast]:
    """Both tenants with their pipelines, log-ins, and as many colleagues and teams each as given; the first one with
    further ``coordinators``."""
    kept = hashed(PASSWORD)  # once: a hash takes 0.2 s
    roles = [COLLEAGUES[count % len(COLLEAGUES)] for count in range(max(colleagues))]
    staff = [roles[:number] for number in colleagues]
    staff[0] += ["Interview Coordinator"] * coordinators
    return [_gather_one(session, random, number, kept, staff[number], teams[number]) for number in range(len(TENANTS))]


def _gather_one(session: Any, random: Random, number: int, kept: str, staff: Sequence[str], teams: int) -> Cast:
    name, domain, zone = TENANTS[number]
    with everywhere(session):
        tenant = people.create_tenant(session, name, zone)
    with tenant_scope(tenant.id, session):
        hiring.add_pipeline(session)
        roles = {role.name: role for role in session.scalars(sa.select(Role))}
        cast = Cast(tenant, domain, {role: [] for role in BUILT_IN})
        for role, holders in HOLDERS.items():
            full_name, home = holders[number]
            _join(session, cast, roles[role], kept, f"{slug(role)}@{domain}", full_name, home)
        for count, role in enumerate(staff):
            somebody = names.person(random, count + 1)
            full_name = " ".join(names.THE_LONGEST) if count == 3 else somebody.full_name
            _join(session, cast, roles[role], kept, f"{somebody.address}@{domain}", full_name, somebody.zone)
        _form_teams(session, random, cast, teams)
    return cast


def _join(session: Any, cast: Cast, role: Role, kept: str, email: str, full_name: str, zone: str) -> None:
    user = people.create_user(session, email=email, full_name=full_name, roles=[role], timezone=zone)
    user.password_hash = kept
    cast.by_role[role.name].append(user)


def _form_teams(session: Any, random: Random, cast: Cast, count: int) -> None:
    """The Team Head's own team first, with the Team Lead and some recruiters; others have other heads."""
    heads = [cast.first("Team Head"), *cast.by_role["Hiring Manager"][1:], *cast.by_role["Interview Coordinator"][1:]]
    for number in range(count):
        name = f"{('Nursing', 'Medical', 'Therapy', 'Technology')[number % 4]} team"
        team = Team(name=name if number < 4 else f"{name} {number // 4 + 1}", head_id=heads[number % len(heads)].id)
        session.add(team)
        session.flush()
        own = [cast.first("Team Lead"), cast.first("Recruiter")] if number == 0 else []
        others = random.sample(cast.by_role["Recruiter"] + cast.by_role["Interviewer"], 3)
        people.set_members(session, team, list({user.id: user for user in own + others}.values()))
        cast.teams.append(team)
