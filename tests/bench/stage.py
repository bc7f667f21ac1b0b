"""Everything a measurement stands on: the database with the large demo, the queue, and the portal on a port."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psutil
import psycopg
from flask import Flask
from sqlalchemy.engine import URL

from portal.demo.cast import PASSWORD, TENANTS
from portal.leash import leashed
from portal.run import ROOT, web_command
from portal.services import QueueServer
from portal.settings import Settings
from tests.bench.postgres import KeptServer
from tests.bench.visitor import Visitor
from tests.support.postgres import free_port, libpq

OWNER, DATABASE = "greenroom", "greenroom_large"


@dataclass
class Stage:
    """``raw`` is a superuser's connection, ``app`` the portal in this process, ``address`` where it is served;
    ``environ`` is what its processes are told, ``folder`` where they keep their logs."""

    address: str
    app: Flask
    raw: psycopg.Connection
    tenant: UUID
    web: subprocess.Popen[bytes]
    environ: dict[str, str]
    folder: Path

    def visitor(self, role: str) -> Visitor:
        """Somebody with the demo's log-in of that role."""
        return Visitor(self.address).log_in(f"{role}@{TENANTS[0][1]}", PASSWORD)

    def largest_process(self) -> int:
        """The resident bytes of the web server's largest process, at present."""
        return max(int(child.memory_info().rss) for child in psutil.Process(self.web.pid).children())

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What the block does to interviews is taken back, so that the next run finds what this one found."""
        since = f"{int(datetime.now(UTC).timestamp() * 1000):012x}".ljust(32, "0")
        self.raw.execute("DROP TABLE IF EXISTS bench_kept")
        self.raw.execute(_KEEP)
        try:
            yield
        finally:
            with self.raw.transaction():
                # A replica's session fires no triggers: what is append-only is in the way here.
                self.raw.execute("SET LOCAL session_replication_role = replica")
                for table in (
                    "audit_entries", "application_activities", "outbox_events", "bulk_rows", "bulk_runs",
                    "notifications", "deliveries",
                ):  # fmt: skip
                    key = "run_id" if table == "bulk_rows" else "id"
                    self.raw.execute(f"DELETE FROM {table} WHERE {key} >= %s", [since])
                self.raw.execute(_GIVE_BACK)
            self.raw.execute("DROP TABLE bench_kept")
            self.raw.execute("VACUUM (ANALYZE)")


_KEEP = """
CREATE TABLE bench_kept AS
SELECT tenant_id, id, status, version, confirmed_at, confirmed_by_candidate, updated_at, title
FROM interviews WHERE status IN ('scheduled', 'rescheduled')"""
_GIVE_BACK = """
UPDATE interviews SET status = k.status, version = k.version, confirmed_at = k.confirmed_at, title = k.title,
  confirmed_by_candidate = k.confirmed_by_candidate, updated_at = k.updated_at
FROM bench_kept k
WHERE interviews.tenant_id = k.tenant_id AND interviews.id = k.id AND interviews.version <> k.version"""


@contextmanager
def stage(folder: Path, seed: int, scale: float, say: Callable[[str], None]) -> Iterator[Stage]:
    """The portal, served as in production from the large demo, which is made when it is not there."""
    with ExitStack() as stack:
        server = stack.enter_context(KeptServer(folder))
        url = _database(server, folder, seed, scale, say)
        queue = stack.enter_context(QueueServer(folder))
        environ = {
            "ENV": "production", "DATABASE_URL": url.render_as_string(hide_password=False), "REDIS_URL": queue.url,
            "SECRET_KEY": "nobody else ever sees this portal", "GREENROOM_DATA": str(folder / "data"),
            "PORT": str(free_port()), "LOG_LEVEL": "INFO",
            "API_READ_RATE": "1000000 per minute",
        }  # fmt: skip
        environ["BASE_URL"] = f"http://127.0.0.1:{environ['PORT']}"
        settings = Settings.from_env(environ)
        web = stack.enter_context(_serving(settings, environ, folder))
        from portal.app import create_app

        raw = stack.enter_context(psycopg.connect(libpq(server.url(DATABASE)), autocommit=True))
        found = raw.execute("SELECT id FROM tenants WHERE name = %s", [TENANTS[0][0]]).fetchone()
        assert found is not None
        yield Stage(environ["BASE_URL"], create_app(settings), raw, found[0], web, environ, folder)


@contextmanager
def _serving(settings: Settings, environ: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "web.log").open("wb") as log:
        web = subprocess.Popen(
            leashed(web_command(settings)), cwd=ROOT, env=os.environ | environ, stdout=log, stderr=log
        )
    try:
        _wait_for(settings.base_url, web, folder / "web.log")
        yield web
    finally:
        web.terminate()
        web.wait(30)


def _wait_for(address: str, web: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        try:
            Visitor(address).get("/healthz").expect(200)
            return
        except OSError:
            if web.poll() is not None:
                break
            time.sleep(0.25)
    raise RuntimeError(f"The portal does not start:\n{log.read_text()[-2000:]}")


def _database(server: KeptServer, folder: Path, seed: int, scale: float, say: Callable[[str], None]) -> URL:
    """The database of the large demo; one that was not finished is made anew, an older one is migrated."""
    url = server.url(DATABASE, OWNER)
    with psycopg.connect(libpq(server.url()), autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone():
            admin.execute(f"CREATE ROLE {OWNER} LOGIN NOSUPERUSER NOBYPASSRLS CREATEROLE")
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            admin.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER} TEMPLATE template0")
    _flask(url, folder, "db", "upgrade")
    with psycopg.connect(libpq(url)) as owner:
        made = owner.execute("SELECT 1 FROM tenants LIMIT 1").fetchone()
    if not made:
        say("Making the large demo; this takes some minutes, once …")
        _flask(url, folder, "demo", "--size", "large", "--seed", str(seed), "--scale", str(scale))
    return url


def _flask(url: URL, folder: Path, *arguments: str) -> None:
    environ = {
        "ENV": "development", "DATABASE_URL": url.render_as_string(hide_password=False),
        "GREENROOM_DATA": str(folder / "data"), "LOG_LEVEL": "WARNING",
    }  # fmt: skip
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
    subprocess.run(command, cwd=ROOT, env=os.environ | environ, check=True, stdout=sys.stderr)
