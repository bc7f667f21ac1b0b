"""The built-in roles, permission by permission (SPEC §3), and how grants include and add up."""

import sqlalchemy as sa

from portal.core.access import Granted, Grants, Reach, may
from portal.core.db import db
from portal.people.models import Grant, Role, User
from tests.support.hiring import colleague

ROLES = (
    "System Admin", "CEO", "Director", "HR", "Manager", "Team Head", "Team Lead", "Recruiter", "Hiring Manager",
    "Interviewer", "Interview Coordinator", "Documentation Executive", "Processing Executive", "CRE",
)  # fmt: skip

# T tenant, t team, o own, S tenant but only within some stages, . nothing; columns as in ROLES
MATRIX = """
                              SA CEO Dir HR Man TH TL Rec HM Int IC DE PE CRE
    read:candidates            T  T   T   T  T   t  t  o   .  .   T  T  T  T
    write:candidates           T  T   T   T  .   .  .  o   .  .   .  .  .  .
    export:candidates          T  T   T   T  T   t  .  .   .  .   .  .  .  .
    approve:candidates         T  T   T   .  T   t  t  o   .  .   o  .  .  .
    read:applications          T  T   T   T  T   t  t  o   o  .   o  T  T  T
    write:applications         T  T   T   T  T   .  .  o   .  .   .  .  .  .
    manage:applications        T  T   T   .  T   .  .  .   .  .   .  .  .  .
    export:applications        T  T   T   T  T   t  .  .   .  .   .  .  .  .
    update:candidate_status    T  T   T   .  .   .  .  o   .  .   o  S  S  .
    read:projects              T  T   T   T  T   t  t  T   .  .   T  .  .  .
    write:projects             T  T   T   T  .   .  .  .   .  .   .  .  .  .
    read:jobs                  T  T   T   T  T   t  t  T   .  .   .  .  .  .
    read:job_roles             T  T   T   T  T   T  T  T   .  .   .  .  .  .
    write:job_roles            T  T   T   T  .   .  .  .   .  .   .  .  .  .
    read:interviews            T  T   T   T  T   t  t  o   o  o   T  .  .  .
    write:interviews           T  T   T   T  .   .  .  .   .  .   .  .  .  .
    schedule:interviews        T  T   T   .  .   t  t  o   .  .   o  .  .  .
    export:interviews          T  T   T   T  T   t  .  .   .  .   .  .  .  .
    read:interview_templates   T  T   T   T  T   T  T  .   .  .   T  .  .  .
    manage:interview_templates T  T   T   .  .   .  .  .   .  .   T  .  .  .
    read:feedback              T  T   T   T  T   t  t  o   o  o   o  .  .  .
    write:feedback             T  T   T   T  .   .  .  .   o  o   .  .  .  .
    read:interview_slots       T  T   T   T  T   T  T  T   o  o   T  .  .  .
    write:interview_slots      T  T   T   T  .   .  .  .   o  o   T  .  .  .
    read:availability          T  T   T   T  T   o  o  o   o  o   T  .  .  .
    write:availability         T  T   T   T  .   o  o  o   o  o   o  .  .  .
    see:private_notes          T  T   T   T  .   .  .  .   .  .   .  .  .  .
    read:mock_interviews       T  T   T   T  T   t  t  o   .  .   o  .  .  .
    schedule:mock_interviews   T  T   T   .  .   .  .  o   .  .   o  .  .  .
    conduct:mock_interviews    T  T   T   .  .   .  .  .   .  .   o  .  .  .
    read:training              T  T   T   T  T   t  t  o   .  .   o  .  .  .
    assign:training            T  T   T   .  .   t  .  .   .  .   o  .  .  .
    manage:training            T  T   T   .  .   t  .  .   .  .   o  .  .  .
    read:documents             T  T   T   .  T   .  .  .   .  .   T  .  .  .
    write:notes                T  T   T   .  .   .  .  .   .  .   .  .  .  T
    read:users                 T  T   T   T  T   .  .  T   .  .   .  .  .  .
    manage:users               T  T   T   T  .   .  .  .   .  .   .  .  .  .
    read:roles                 T  T   T   .  T   .  .  .   .  .   .  .  .  .
    write:roles                T  T   T   .  .   .  .  .   .  .   .  .  .  .
    read:settings              T  T   T   .  T   .  .  .   .  .   .  .  .  .
    write:settings             T  T   T   .  .   .  .  .   .  .   .  .  .  .
    read:reports               T  T   T   T  T   .  .  .   .  .   .  .  .  .
    read:audit                 T  T   T   T  T   .  .  .   .  .   .  .  .  .
"""
LETTER = {Reach.TENANT: "T", Reach.TEAM: "t", Reach.OWN: "o"}


def letter(grants: Grants, permission: str) -> str:
    found = grants.of(permission)
    if found and all(grant.stages for grant in found):
        return "S"
    return "".join(sorted({LETTER[grant.reach] for grant in found})) or "."


def test_each_role_may_what_the_matrix_says(alice: User) -> None:
    _, *lines = (line.split() for line in MATRIX.strip().splitlines())
    held = [colleague(role).grants for role in ROLES]
    assert [[name, *(letter(grants, name) for grants in held)] for name, *_ in lines] == lines


def test_a_tenant_starts_with_just_these_roles(alice: User) -> None:
    assert set(db.session.scalars(sa.select(Role.name))) == set(ROLES)


def test_the_stages_of_the_executives(alice: User) -> None:
    query = sa.select(Role.name, Grant.stages).join(Grant, Grant.role_id == Role.id)
    query = query.where(Grant.permission == "update:candidate_status", Role.name.like("%Executive"))
    assert dict(db.session.execute(query).all()) == {
        "Documentation Executive": ["documents"],
        "Processing Executive": ["selection", "processing", "final"],
    }


def test_manage_and_the_star_include_other_verbs_and_nothing_else_does() -> None:
    includes = {
        ("manage:interviews", "write:interviews"): True,
        ("manage:interviews", "manage:interviews"): True,
        ("manage:interviews", "read:interview_templates"): False,
        ("write:interviews", "read:interviews"): False,
        ("write:interviews", "manage:interviews"): False,
        ("read:*", "read:interviews"): True,
        ("read:*", "write:interviews"): False,
        ("*:interviews", "export:interviews"): True,
        ("*:interviews", "export:candidates"): False,
        ("*:*", "manage:settings"): True,
        ("read:interview", "read:interviews"): False,
    }
    told = {(held, asked): bool(Grants((Granted(held, Reach.OWN),)).of(asked)) for held, asked in includes}
    assert told == includes


def test_grants_add_up() -> None:
    grants = Grants(
        (Granted("read:jobs", Reach.OWN), Granted("read:*", Reach.TEAM), Granted("write:jobs", Reach.TENANT))
    )
    assert grants.reaches("read:jobs") == {Reach.OWN, Reach.TEAM}
    assert grants.reaches("export:jobs") == set()


def test_without_a_role_nothing_is_permitted(alice: User) -> None:
    db.session.execute(sa.text("DELETE FROM user_roles"))
    db.session.expunge_all()
    nobody = db.session.get_one(User, (alice.tenant_id, alice.id))
    assert (nobody.grants.held, may(nobody, "read:users", "read:interviews")) == ((), False)
