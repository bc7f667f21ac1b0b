"""Create, change and delete one row: cleaned, versioned, refused in words (SPEC §4)."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from portal.core import records
from portal.core.db import db
from portal.core.errors import Conflict, Invalid
from portal.hiring.models import Candidate, Job, Project
from portal.people.models import Team, User
from tests.support.hiring import audited, make_application, make_candidate, make_job, make_project, make_team

JANE = {"first_name": "Jane", "last_name": "Doe", "email": "jane@mail.example"}
REFUSED: list[tuple[dict[str, Any], dict[str, list[str]]]] = [
    ({"first_name": ""}, {"first_name": ["Please fill this in."]}),
    ({"first_name": None}, {"first_name": ["Please fill this in."]}),
    ({"first_name": " \x00 "}, {"first_name": ["Please fill this in."]}),
    ({"first_name": "x" * 101}, {"first_name": ["At most 100 characters, please; these are 101."]}),
    ({"timezone": "Mars/Base"}, {"timezone": ["“Mars/Base” is not a time zone. Choose one such as Europe/Berlin."]}),
    ({"email": "nobody", "last_name": ""}, {
        "email": ["This is not an e-mail address: An email address must have an @-sign."],
        "last_name": ["Please fill this in."]}),
]  # fmt: skip


def test_each_rule_that_is_broken_is_said_beside_its_field(alice: User) -> None:
    told = []
    for values, _ in REFUSED:
        with pytest.raises(Invalid) as error:
            records.create(db.session, Candidate, JANE | values)
        told.append(error.value.errors)
    assert told == [errors for _, errors in REFUSED]
    assert db.session.scalar(sa.select(sa.func.count(Candidate.id))) == 0


def test_what_is_typed_comes_back_as_typed(alice: User) -> None:
    typed = {
        "first_name": "Robert'); DROP TABLE candidates;--",
        "last_name": '<b onclick="x">Ünal</b>',
        "phone": "=1+1",
    }
    row = records.create(db.session, Candidate, JANE | typed)
    db.session.commit()
    db.session.expire_all()
    assert {name: getattr(row, name) for name in typed} == typed


def test_numbers_choices_and_times_are_checked(alice: User) -> None:
    project = make_project()
    told = {}
    for name, value in (("openings", "three"), ("openings", 2.5), ("level", "guru"), ("status", "")):
        with pytest.raises(Invalid) as error:
            make_job(project, **{name: value})
        told[(name, value)] = error.value.errors[name]
    assert told == {
        ("openings", "three"): ["Please give a whole number."], ("openings", 2.5): ["Please give a whole number."],
        ("level", "guru"): ["“guru” is not one of: entry, junior, mid, senior, lead."],
        ("status", ""): ["Please fill this in."],
    }  # fmt: skip
    with pytest.raises(Invalid, match="This is not possible: "):
        make_job(project, openings=0)
    with pytest.raises(Invalid, match="needs a time zone"):
        records.clean(User, {"last_login_at": datetime(2026, 1, 1)})  # noqa: DTZ001
    assert records.clean(User, {"last_login_at": datetime(2026, 1, 1, tzinfo=UTC)}) != {}


def test_what_is_there_already_is_said_beside_the_field_that_tells_them_apart(alice: User) -> None:
    make_team()
    taken = make_candidate()
    name, email = db.session.scalars(sa.select(Team.name)).one(), taken.email
    db.session.commit()
    for model, values, errors in (
        (Team, {"name": name}, {"name": ["There is one with this name already."]}),
        (Candidate, JANE | {"email": email.upper()}, {"email": ["There is one with this email already."]}),
    ):
        with pytest.raises(Invalid) as told:
            records.create(db.session, model, values)
        assert told.value.errors == errors


def test_a_change_makes_the_version_grow_by_one_and_no_change_leaves_it(alice: User) -> None:
    row = make_candidate("Jane Doe")
    records.update(db.session, row, {"first_name": "Jane", "phone": ""}, 1)
    assert (row.version, audited(row)) == (1, [])
    records.update(db.session, row, {"first_name": "Janet", "phone": "1"}, 1)
    assert (row.version, audited(row)) == (2, [("changed", {"first_name": ["Jane", "Janet"], "phone": ["", "1"]})])


def test_a_stale_save_is_refused_and_leaves_the_row(alice: User) -> None:
    row = make_candidate("Jane Doe")
    records.update(db.session, row, {"first_name": "Janet"}, 1)
    with pytest.raises(records.Stale) as told:
        records.update(db.session, row, {"first_name": "Joan"}, 1)
    assert (told.value.row, row.first_name, row.version, told.value.status) == (row, "Janet", 2, 409)


def test_a_change_committed_by_somebody_else_in_between_is_a_conflict(alice: User) -> None:
    row = make_candidate("Jane Doe")
    behind = sa.update(Candidate.__table__).where(Candidate.__table__.c.id == row.id)  # type: ignore[arg-type]
    db.session.execute(behind.values(version=7, first_name="Behind our back"))
    with pytest.raises(Conflict, match="at the same moment"):
        records.update(db.session, row, {"first_name": "Joan"}, 1)


def test_only_what_nothing_refers_to_is_deleted(alice: User) -> None:
    application = make_application()
    project, lonely = application.job.project, make_project(title="Lonely")
    db.session.commit()
    with pytest.raises(Conflict, match="is in use and cannot be deleted"):
        records.delete(db.session, project)
    records.delete(db.session, lonely)
    assert [entry for entry, _ in audited(lonely)] == ["deleted"]
    assert db.session.scalar(sa.select(sa.func.count(Project.id))) == 1
    assert db.session.scalar(sa.select(sa.func.count(Job.id))) == 1
