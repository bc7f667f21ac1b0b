"""The two walls between tenants: the session's filter, and row-level security on PostgreSQL (SPEC §3)."""

from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.ctx import AppContext
from sqlalchemy.exc import DBAPIError, IntegrityError

from portal.core import wall
from portal.core.clock import now
from portal.core.db import Model, OfTenant, db, insert_many
from portal.core.errors import Invalid
from portal.core.tenancy import NoTenant, everywhere, tenant_id, tenant_scope
from portal.hiring.models import Application, Candidate, StatusChange
from portal.people.models import Team, User
from tests.support.cast import Cast
from tests.support.hiring import (
    at_work,
    change,
    make_application,
    make_candidate,
    make_interview,
    make_job,
    move,
)

postgresql = pytest.mark.database("postgresql")
NAMES = sa.select(User.full_name).order_by(User.full_name)
RAW = sa.text("SELECT full_name FROM users ORDER BY full_name")
HARBOUR, NORTHWIND = ["Alice Ardent", "Bob Baker"], ["Charlie Chen"]


def names(statement: Any = NAMES) -> list[str]:
    return list(db.session.scalars(statement))


def test_a_statement_without_a_tenant_is_refused(cast: Cast, ctx: AppContext) -> None:
    statements = [
        sa.select(User), sa.select(User.full_name), sa.select(sa.func.count(User.id)),
        sa.select(sa.literal(1)).where(sa.exists().where(User.active)),
        sa.update(User).values(active=False), sa.delete(User),
    ]  # fmt: skip
    for statement in statements:
        with pytest.raises(NoTenant):
            db.session.execute(statement)
    with pytest.raises(NoTenant):
        db.session.get(User, (cast.alice.tenant_id, cast.alice.id))
    with pytest.raises(NoTenant):
        tenant_id()


def test_many_rows_without_a_tenant_are_refused(cast: Cast, ctx: AppContext) -> None:
    rows = [{"name": f"Team {n}", "search_text": ""} for n in range(3)]
    alike = {"tenant_id": cast.alice.tenant_id, "created_at": now(), "updated_at": now(), "version": 1}
    with pytest.raises(NoTenant, match="teams"):
        insert_many(db.session, Model.metadata.tables["teams"], rows, alike)
    with tenant_scope(cast.alice.tenant_id, db.session):
        insert_many(db.session, Model.metadata.tables["teams"], rows, alike)
        assert db.session.scalar(sa.select(sa.func.count()).where(Team.name.startswith("Team "))) == 3


def test_each_tenant_sees_its_own_rows_and_nested_scopes_return_to_the_outer_one(cast: Cast, ctx: AppContext) -> None:
    told = []
    with tenant_scope(cast.alice.tenant_id, db.session):
        told.append(names())
        with tenant_scope(cast.charlie.tenant_id, db.session):
            told.append(names())
            with everywhere(db.session):
                told.append(names())
            told.append(names())
        told.append(names())
    assert told == [HARBOUR, NORTHWIND, HARBOUR + NORTHWIND, NORTHWIND, HARBOUR]


def test_a_scope_ends_with_an_error_too(cast: Cast, ctx: AppContext) -> None:
    with pytest.raises(ZeroDivisionError), tenant_scope(cast.alice.tenant_id, db.session):
        _ = 1 / 0
    with pytest.raises(NoTenant):
        names()


def test_no_kind_of_statement_reaches_another_tenants_rows(cast: Cast, alice: User) -> None:
    foreign = cast.charlie.id
    counted = sa.select(sa.func.count()).select_from(sa.select(User.id).subquery())
    alias = sa.orm.aliased(User)
    told = {
        "by key": db.session.get(User, (alice.tenant_id, foreign)),
        "by the whole key": db.session.scalar(
            sa.select(User).where(User.tenant_id == cast.charlie.tenant_id, User.id == foreign)
        ),
        "count": db.session.scalar(counted),
        "alias": db.session.scalar(sa.select(sa.func.count(alias.id))),
        "exists": db.session.scalar(sa.select(sa.exists().where(User.id == foreign))),
        "in a subquery": names(NAMES.where(User.id.in_(sa.select(User.id).where(User.full_name.like("C%"))))),
        "union": len(db.session.execute(sa.union_all(sa.select(User.id), sa.select(alias.id))).all()),
        "update": db.session.execute(sa.update(User).values(locale="xx")).rowcount,  # type: ignore[attr-defined]
        "update by id": db.session.execute(sa.update(User).where(User.id == foreign).values(active=False)).rowcount,  # type: ignore[attr-defined]
        "delete by id": db.session.execute(sa.delete(User).where(User.id == foreign)).rowcount,  # type: ignore[attr-defined]
    }
    assert told == {
        "by key": None, "by the whole key": None, "count": 2, "alias": 2, "exists": False, "in a subquery": [],
        "union": 4, "update": 2, "update by id": 0, "delete by id": 0,
    }  # fmt: skip
    db.session.commit()
    with everywhere(db.session):
        assert names(sa.select(User.locale).order_by(User.full_name)) == ["xx", "xx", "en"]


def test_a_row_is_stamped_with_the_present_tenant_and_cannot_be_written_for_another(cast: Cast, alice: User) -> None:
    team = Team(name="Mine")
    db.session.add(team)
    db.session.flush()
    assert team.tenant_id == alice.tenant_id
    db.session.add(Team(name="Theirs", tenant_id=cast.charlie.tenant_id))
    with pytest.raises(NoTenant, match="a Team would leave its tenant"):
        db.session.flush()
    db.session.rollback()


def test_a_row_does_not_move_to_another_tenant(cast: Cast, alice: User) -> None:
    candidate = make_candidate()
    candidate.tenant_id = cast.charlie.tenant_id
    with pytest.raises(NoTenant, match="a Candidate would leave its tenant"):
        db.session.flush()
    db.session.rollback()


def test_the_database_itself_refuses_references_across_tenants(cast: Cast, alice: User) -> None:
    with at_work(cast.charlie):
        job = make_job()
        foreign = {"candidate_id": make_candidate().id, "project_id": job.project_id, "job_id": job.id}
        role = job.job_role_id
    own = make_application()
    db.session.commit()
    for attempt in (
        partial(make_candidate, recruiter_id=cast.charlie.id),
        partial(make_job, job_role_id=role),
        partial(make_job, project_id=foreign["project_id"]),
        partial(make_interview, own, organizer_id=cast.charlie.id),
    ):
        with pytest.raises(Invalid, match="refers to something that does not exist"):
            attempt()
    table = Application.metadata.tables["applications"]
    for column in ("candidate_id", "job_id"):
        with pytest.raises(IntegrityError):
            db.session.execute(sa.update(table).where(table.c.id == own.id).values({column: foreign[column]}))
        db.session.rollback()


def test_every_table_but_the_tenants_belongs_to_a_tenant() -> None:
    free = {mapper.class_.__name__ for mapper in Model.registry.mappers if not issubclass(mapper.class_, OfTenant)}
    assert free <= {"Tenant", "Lease"}


@postgresql
def test_raw_sql_sees_nothing_of_another_tenant(cast: Cast, ctx: AppContext) -> None:
    with tenant_scope(cast.alice.tenant_id, db.session):
        assert names(RAW) == HARBOUR
        for verb in ("commit", "rollback"):
            getattr(db.session, verb)()
            assert names(RAW) == HARBOUR
        with tenant_scope(cast.charlie.tenant_id, db.session):
            assert names(RAW) == NORTHWIND
        with everywhere(db.session):
            assert names(RAW) == HARBOUR + NORTHWIND
        assert names(RAW) == HARBOUR
        with db.session.begin_nested():
            assert names(RAW) == HARBOUR
    db.session.commit()
    assert names(RAW) == []  # no tenant, no rows


@postgresql
def test_raw_sql_changes_nothing_of_another_tenant(cast: Cast, alice: User) -> None:
    theirs = {"id": cast.charlie.id, "tenant": cast.charlie.tenant_id}
    for statement in ("UPDATE users SET active = false WHERE id = :id", "DELETE FROM users WHERE id = :id"):
        assert db.session.execute(sa.text(statement), theirs).rowcount == 0  # type: ignore[attr-defined]
    insert = (
        "INSERT INTO team_members (tenant_id, id, team_id, user_id, created_at) VALUES (:tenant, :id, :id, :id, now())"
    )
    with pytest.raises(DBAPIError, match="row-level security"), db.session.begin_nested():
        db.session.execute(sa.text(insert), theirs)


@postgresql
def test_every_table_of_a_tenant_is_behind_the_second_wall(app: Flask, ctx: AppContext) -> None:
    with everywhere(db.session):
        secured = set(db.session.scalars(sa.text("SELECT relname FROM pg_class WHERE relrowsecurity")))
        policies = set(db.session.scalars(sa.text("SELECT tablename FROM pg_policies WHERE policyname = 'one_tenant'")))
    wanted = {table.name for table in Model.metadata.sorted_tables if "tenant_id" in table.c} | {"tenants"}
    assert (secured & wanted, policies & wanted) == (wanted, wanted)


@postgresql
def test_a_connection_that_comes_back_to_the_pool_keeps_no_tenant(cast: Cast, ctx: AppContext) -> None:
    for _ in range(3):
        with tenant_scope(cast.alice.tenant_id, db.session):
            assert names(RAW) == HARBOUR
        db.session.remove()
    with db.engine.connect() as connection:
        shown = connection.execute(sa.text("SELECT current_setting('greenroom.tenant', true), current_user"))
        tenant, role = shown.one()
    assert (tenant or "", role == wall.ROLE) == ("", False)


@pytest.mark.parametrize("table", wall.APPEND_ONLY)
def test_what_was_written_down_is_neither_changed_nor_deleted(alice: User, table: str) -> None:
    move(make_application(), "pending_documents", alice)
    assert db.session.scalar(sa.text(f"SELECT count(*) FROM {table}"))
    for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
        for scope in (tenant_scope(alice.tenant_id, db.session), everywhere(db.session)):
            with scope, pytest.raises(DBAPIError, match="append-only"), db.session.begin_nested():
                db.session.execute(sa.text(statement))
    assert db.session.scalar(sa.select(sa.func.count(StatusChange.id))) == 1


def test_what_a_change_carries_is_of_its_tenant_alone(cast: Cast, alice: User) -> None:
    row = make_application()
    make_interview(row)
    move(row, "on_hold", alice)
    db.session.commit()
    with at_work(cast.charlie) as charlie:
        assert change(charlie).actor == cast.charlie.id
        assert db.session.scalar(sa.select(sa.func.count(StatusChange.id))) == 0
        assert db.session.scalar(sa.select(sa.func.count(Candidate.id))) == 0
