"""The second wall, on PostgreSQL: work for a tenant runs as the role ``greenroom_tenant``, for which every
tenant's table has row-level security. The owner of the tables, as which migrations and the system's own work
run, is not subject to it. ``secure`` is run after every migration, so a new table is behind the wall on arrival.

Searching by words steps outside the second wall (``lifted``), because the trigram operators are not leakproof
and PostgreSQL would read the whole table rather than use the index; the first wall still stands there.
"""

import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa

from portal.core.plans import planned_anew

ROLE = "greenroom_tenant"
HOW_TO_BUILD = (
    f"The database has no role {ROLE} that this user may take on, so tenants would stand without their second wall. "
    f"Have an administrator of the database run “CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO” and this user's name, "
    "or give this user CREATEROLE; then run “flask --app wsgi db upgrade” again."
)


class NoWall(RuntimeError):
    """Tenants' rows would be read without row-level security."""


# Since PostgreSQL 16 who makes a role is its member, and yet may not take it on.
_MAY_TAKE_IT_ON = (
    "pg_has_role(session_user, oid, "
    "CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)"
)
_has_role: dict[str, bool] = {}

# Rows that are written once: neither the portal nor a person with a database shell changes them unnoticed.
APPEND_ONLY = ("audit_entries", "status_changes", "application_activities")


def enter(connection: sa.Connection, present: UUID | str | None) -> None:
    """Make ``connection``'s transaction see only ``present``'s rows (None: no rows; a str: all tenants).

    Raises NoWall where a tenant's work would have to do without the second wall.
    """
    if connection.dialect.name != "postgresql":
        return
    if not has_role(connection):
        if isinstance(present, UUID):
            raise NoWall(HOW_TO_BUILD)
        return
    role = "none" if isinstance(present, str) else ROLE
    tenant = str(present) if isinstance(present, UUID) else ""
    if not _begun_as(connection, tenant, role):
        connection.exec_driver_sql(
            "SELECT set_config('greenroom.tenant', %s, true), set_config('role', %s, true)", (tenant, role)
        )


def _begun_as(connection: sa.Connection, tenant: str, role: str) -> bool:
    """Begin the transaction and say whose it is with one message: psycopg would send two, and wait for each.

    False where it has begun already, or did not: the statement on its own then says why, in SQLAlchemy's errors.
    """
    driver: Any = connection.connection.dbapi_connection
    if driver.autocommit or driver.pgconn.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        return False
    # A key of ours and one of two words: there is nothing in them to escape.
    said = f"BEGIN; SELECT set_config('greenroom.tenant', '{tenant}', true), set_config('role', '{role}', true)"
    if driver.pgconn.exec_(said.encode()).status == psycopg.pq.ExecStatus.TUPLES_OK:
        return True
    if driver.pgconn.transaction_status == psycopg.pq.TransactionStatus.INERROR:
        driver.pgconn.exec_(b"ROLLBACK")
    return False


def has_role(connection: sa.Connection) -> bool:
    """Whether the database has the tenants' role and we may take it on; asked once for each database."""
    key = str(connection.engine.url)
    if not _has_role.get(key):
        _has_role[key] = bool(
            connection.exec_driver_sql(
                "SELECT 1 FROM pg_roles WHERE rolname = %s AND pg_has_role(session_user, oid, %s)",
                (ROLE, _taking_on(connection)),
            ).scalar()
        )
    return _has_role[key]


def _taking_on(connection: sa.Connection) -> str:
    """The privilege to take on a role; since PostgreSQL 16 who makes one is a member that may not, until told so."""
    version = connection.dialect.server_version_info or ()
    return "SET" if version >= (16,) else "MEMBER"


@contextlib.contextmanager
def lifted(session: Any) -> Iterator[None]:
    """Search outside the second wall; the session's own filter and the caller's scope still hold."""
    connection = session.connection()
    if connection.dialect.name != "postgresql" or not has_role(connection):
        yield
        return
    connection.exec_driver_sql("SELECT set_config('role', 'none', true)")
    try:
        with planned_anew():  # how rare the words are decides which index is read
            yield
    finally:
        # A transaction that the database has given up ends anyway, and must not hide why by failing here.
        with contextlib.suppress(sa.exc.DBAPIError):
            connection.exec_driver_sql("SELECT set_config('role', %s, true)", (ROLE,))


def secure(connection: sa.Connection, metadata: sa.MetaData) -> None:
    """Put every tenant's table that exists behind the wall; harmless to repeat."""
    existing = set(sa.inspect(connection).get_table_names())
    tables = [t for t in metadata.sorted_tables if t.name in existing]
    if connection.dialect.name == "sqlite":
        _freeze_on_sqlite(connection, existing)
        return
    try:
        _make_role(connection)
    except sa.exc.ProgrammingError as error:
        raise NoWall(HOW_TO_BUILD) from error
    connection.exec_driver_sql(_REFUSE_CHANGE)
    connection.exec_driver_sql(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
    for table in tables:
        connection.exec_driver_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table.name} TO {ROLE}")
        owner = "tenant_id" if "tenant_id" in table.c else "id" if table.name == "tenants" else ""
        if owner:
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY")
            connection.exec_driver_sql(f"DROP POLICY IF EXISTS one_tenant ON {table.name}")
            connection.exec_driver_sql(
                f"CREATE POLICY one_tenant ON {table.name} TO {ROLE} USING "
                f"({owner} = (SELECT nullif(current_setting('greenroom.tenant', true), '')::uuid))"
            )
        if table.name in APPEND_ONLY:
            connection.exec_driver_sql(
                f"CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table.name} "
                "FOR EACH ROW EXECUTE FUNCTION greenroom_refuse_change()"
            )


def faults(connection: sa.Connection, metadata: sa.MetaData) -> list[str]:
    """What is missing of the second wall, in words; nothing on SQLite, which has none."""
    if connection.dialect.name != "postgresql":
        return []
    if not has_role(connection):
        return [HOW_TO_BUILD]
    guarded = set(connection.exec_driver_sql(
        "SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid "
        "WHERE c.relrowsecurity AND p.polname = 'one_tenant'"
    ).scalars())  # fmt: skip
    bare = [t.name for t in metadata.sorted_tables if "tenant_id" in t.c and t.name not in guarded]
    return [f"No row-level security on: {', '.join(bare)}. Run “db upgrade” again."] if bare else []


def _make_role(connection: sa.Connection) -> None:
    # Roles belong to the whole cluster: another database may make it at the same moment.
    connection.exec_driver_sql(f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{ROLE}') THEN
                CREATE ROLE {ROLE} NOLOGIN;
            END IF;
            IF NOT pg_has_role(session_user, '{ROLE}', '{_taking_on(connection)}') THEN
                EXECUTE format('GRANT {ROLE} TO %%I', session_user);
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
        END $$""")
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
    _has_role.clear()


_REFUSE_CHANGE = """
CREATE OR REPLACE FUNCTION greenroom_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME; END $$"""


def _freeze_on_sqlite(connection: sa.Connection, existing: set[str]) -> None:
    for table in existing.intersection(APPEND_ONLY):
        for verb in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
