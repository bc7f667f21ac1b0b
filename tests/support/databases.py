"""The two databases of the suite, each migrated once and clean again before every test.

A `Database` is asked for its `url` and to be `clean`; how it gets there differs. SQLite gets the
migrated file copied over it (about 1 ms). PostgreSQL gets the rows of the touched tables deleted
(about 5 ms; from a template it would be 100 ms).
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from tests.support.postgres import PostgresServer, libpq

OWNER = "greenroom"
"""Owns the tables, as in production: no superuser, subject to row-level security where forced, and
allowed to make the role that the second wall needs."""


class Database(Protocol):
    """A migrated database of its own for this process."""

    url: str

    def clean(self) -> None:
        """Leaves what the migrations made, and nothing else. No transaction may be open."""

    def counts(self) -> tuple[tuple[str, int], ...]:
        """The tables with rows, each with their number."""

    def keep(self, name: str) -> None:
        """Keeps a copy of all rows under ``name`` for as long as the process lives."""

    def bring_back(self, name: str) -> None:
        """Leaves the rows that were kept under ``name``, and nothing else. No transaction may be open."""


def migrate(url: str, data_dir: Path) -> None:
    """Runs the migrations as `make run` does."""
    env = os.environ | {"ENV": "test", "DATABASE_URL": url, "GREENROOM_DATA": str(data_dir)}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"The migrations fail on {url}:\n{done.stdout}{done.stderr}")


class SqliteDatabase:
    """A file, and beside it the one that the migrations made."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "test.db"
        self._template = folder / "template.db"
        migrate(f"sqlite:///{self._template}", folder)
        _fold_journal(self._template)
        self.url = f"sqlite:///{self._file}"

        with closing(sqlite3.connect(self._template)) as connection:
            query = (
                "SELECT name FROM sqlite_master"
                " WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'alembic_version'"
            )
            self._counting = _counting([name for (name,) in connection.execute(query)])

    def clean(self) -> None:
        self._put(self._template)

    def counts(self) -> tuple[tuple[str, int], ...]:
        with closing(sqlite3.connect(self._file)) as connection:
            return _present(connection.execute(self._counting).fetchall())

    def keep(self, name: str) -> None:
        with closing(sqlite3.connect(self._file)) as here, closing(sqlite3.connect(self._named(name))) as there:
            here.backup(there)  # with what its write-ahead log holds

    def bring_back(self, name: str) -> None:
        self._put(self._named(name))

    def _named(self, name: str) -> Path:
        return self._file.with_name(f"{name}.db")

    def _put(self, source: Path) -> None:
        for suffix in ("-wal", "-shm"):
            self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
        # A new file, not new content: whoever still has the old one open must not see a mixture.
        fresh = self._file.with_suffix(".fresh")
        shutil.copyfile(source, fresh)
        fresh.replace(self._file)


def _counting(tables: Sequence[str]) -> str:
    """One statement for the number of rows of each table."""
    return " UNION ALL ".join(f"SELECT '{name}', (SELECT count(*) FROM {name})" for name in sorted(tables))


def _present(counts: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    return tuple((name, number) for name, number in counts if number)


def _fold_journal(file: Path) -> None:
    """Brings the write-ahead log into the file, which is then all there is to copy."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class PostgresDatabase:
    """A database made from the migrated `template`, cleaned through the superuser's connection."""

    def __init__(self, admin: psycopg.Connection, url: URL) -> None:
        self._admin = admin
        self._kept: dict[str, list[str]] = {}
        self.url = url.render_as_string(hide_password=False)
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        self._tables = [name for (name,) in admin.execute(query)]
        if seeded := self._touched():
            raise RuntimeError(f"The migrations fill {seeded}: cleaning between tests would empty them.")

    def clean(self) -> None:
        if touched := self._touched():
            with self._unhindered():
                self._delete(touched)

    def counts(self) -> tuple[tuple[str, int], ...]:
        return _present(self._admin.execute(_counting(self._tables).encode()).fetchall()) if self._tables else ()

    def keep(self, name: str) -> None:
        self._kept[name] = self._touched()
        self._admin.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        for table in self._kept[name]:
            copy = sql.SQL("CREATE TABLE {} AS TABLE {}")
            self._admin.execute(copy.format(sql.Identifier(name, table), sql.Identifier("public", table)))

    def bring_back(self, name: str) -> None:
        with self._unhindered():
            self._delete(self._touched())
            back = sql.SQL("; ").join(
                sql.SQL("INSERT INTO {} SELECT * FROM {}").format(sql.Identifier("public", t), sql.Identifier(name, t))
                for t in self._kept[name]
            )
            self._admin.execute(back)

    @contextmanager
    def _unhindered(self) -> Iterator[None]:
        with self._admin.transaction():
            # A replica's session fires no triggers: neither foreign keys nor the append-only rule object.
            self._admin.execute("SET LOCAL session_replication_role = replica")
            self._admin.execute("SET LOCAL lock_timeout = '10s'")  # a test left a transaction open
            yield

    def _delete(self, tables: list[str]) -> None:
        if tables:
            each = (sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in tables)
            self._admin.execute(sql.SQL("; ").join(each))

    def _touched(self) -> list[str]:
        if not self._tables:
            return []
        probe = sql.SQL("SELECT {0} WHERE EXISTS (SELECT FROM {1})")
        probes = [probe.format(sql.Literal(name), sql.Identifier(name)) for name in self._tables]
        return [name for (name,) in self._admin.execute(sql.SQL(" UNION ALL ").join(probes))]


class PostgresCluster:
    """A server on which databases are made from one migrated template."""

    def __init__(self, admin_url: URL, folder: Path) -> None:
        self._admin_url = admin_url
        self._folder = folder
        self._template: str | None = None
        self._made: list[str] = []
        self._admin = psycopg.connect(libpq(admin_url), autocommit=True)
        self._owner = self._make_owner()

    def empty(self) -> URL:
        """A new database without a table, as its owner sees it."""
        return self._create("template0")

    def migrated(self) -> URL:
        """A new database after the migrations, as its owner sees it."""
        if self._template is None:
            template = self.empty()
            migrate(template.render_as_string(hide_password=False), self._folder)
            self._template = str(template.database)
        return self._create(self._template)

    def as_admin(self, url: URL) -> psycopg.Connection:
        """A superuser's connection to the database of `url`."""
        return psycopg.connect(libpq(self._admin_url.set(database=url.database)), autocommit=True)

    def close(self) -> None:
        for name in reversed(self._made):
            self._admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        self._admin.close()

    def _create(self, template: str) -> URL:
        name = f"greenroom_test_{uuid.uuid4().hex[:12]}"
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
        names = (name, str(self._owner.username), template)
        self._admin.execute(statement.format(*map(sql.Identifier, names)))
        self._made.append(name)
        return self._owner.set(database=name)

    def _make_owner(self) -> URL:
        # With TEST_DATABASE_URL several processes of the suite share the server: the first one makes the role.
        password = f"{OWNER}-test"
        attributes = sql.SQL("LOGIN NOSUPERUSER NOBYPASSRLS CREATEROLE CREATEDB PASSWORD {}").format(password)
        role = sql.Identifier(OWNER)
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            self._admin.execute(sql.SQL("CREATE ROLE {} {}").format(role, attributes))
        return self._admin_url.set(username=OWNER, password=password)


@contextmanager
def postgres_cluster(folder: Path) -> Iterator[PostgresCluster]:
    """The server that TEST_DATABASE_URL names (as a superuser), else one of our own."""
    with ExitStack() as stack:
        if given := os.environ.get("TEST_DATABASE_URL"):
            url = make_url(given).set(drivername="postgresql+psycopg")
        else:
            url = stack.enter_context(PostgresServer()).url()
        cluster = PostgresCluster(url, folder)
        stack.callback(cluster.close)
        yield cluster
