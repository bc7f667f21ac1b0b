"""Is everything there that the portal needs? One finding for each part, in words."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import redis
import sqlalchemy as sa
from flask import Flask
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Worker

from portal.core import clock, wall
from portal.core.db import db
from portal.core.types import zone_names
from portal.messaging.channels import Down, MailServer
from portal.settings import Settings

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
CLOCK_TOLERANCE = timedelta(seconds=5)


@dataclass(frozen=True)
class Finding:
    what: str
    good: bool
    says: str


class Wrong(Exception):
    """What is wrong, and what to do."""


def examine(app: Flask) -> list[Finding]:
    """What each check finds; none of them raises, and none changes anything."""
    settings: Settings = app.extensions["greenroom"]
    return [_finding(what, check, settings) for what, check in CHECKS]


def _finding(what: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(what, True, check(settings))
    except Wrong as wrong:
        return Finding(what, False, str(wrong))
    except sa.exc.SQLAlchemyError as error:
        return Finding(what, False, f"the database does not answer: {error.__cause__ or error}".splitlines()[0])
    except redis.RedisError as error:
        return Finding(what, False, f"Redis does not answer: {error}. Start it, or correct REDIS_URL.")


def _database(settings: Settings) -> str:
    with db.engine.connect() as connection:
        version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
        name = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[connection.dialect.name]
        connection.execute(sa.text("SELECT 1"))
    return f"{name} {version} answers"


def _migrations(settings: Settings) -> str:
    with db.engine.connect() as connection:
        from alembic.migration import MigrationContext  # here, as a web process does without
        from alembic.script import ScriptDirectory

        at = set(MigrationContext.configure(connection).get_current_heads())
    wanted = set(ScriptDirectory(str(MIGRATIONS)).get_heads())
    if at != wanted:
        there = ", ".join(sorted(at)) or "no migration"
        needed = ", ".join(sorted(wanted))
        raise Wrong(f"the database is at {there}, the code at {needed}: run `flask --app wsgi db upgrade`")
    return f"at {', '.join(sorted(at))}"


def _wall(settings: Settings) -> str:
    with db.engine.connect() as connection:
        if faults := wall.faults(connection, db.metadata):
            raise Wrong(" ".join(faults))
        if connection.dialect.name != "postgresql":
            return "SQLite has one wall between tenants, the portal's own"
    return "row-level security stands on every tenant's table"


def _queue(settings: Settings) -> str:
    with _redis(settings) as connection:
        connection.ping()
        workers = Worker.count(connection=connection)
    if not workers:
        raise Wrong("Redis answers, but no worker runs: start `flask --app wsgi worker`")
    return f"Redis answers, {workers} worker{'s' if workers > 1 else ''}"


def _mail(settings: Settings) -> str:
    if settings.smtp is None:
        folder = settings.data_dir / "outbox"
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        if not os.access(existing, os.W_OK):
            raise Wrong(f"{existing} cannot be written: mails are kept there while SMTP_URL is not set")
        return f"kept in {folder}, since SMTP_URL is not set"
    server = MailServer(settings.smtp)
    try:
        server.check()
    except Down as down:
        raise Wrong(f"{down}. Correct SMTP_URL, or wait: nothing is lost") from down
    finally:
        server.close()
    return f"{settings.smtp.host}:{settings.smtp.port} takes mails from us"


def _clock(settings: Settings) -> str:
    if len(zone_names()) < 300:
        raise Wrong("the time zones are missing: install the package tzdata")
    with db.engine.connect() as connection:
        if connection.dialect.name != "postgresql":
            return "the database has this machine's clock"
        theirs = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    apart = abs(theirs - clock.now())
    if apart > CLOCK_TOLERANCE:
        raise Wrong(f"this machine and the database are {apart.total_seconds():.0f} s apart: set both by NTP")
    return f"{apart.total_seconds():.1f} s from the database's"


def _redis(settings: Settings) -> "redis.Redis":
    return redis.Redis.from_url(
        settings.redis_url, socket_connect_timeout=2, socket_timeout=2, retry=Retry(NoBackoff(), 0)
    )


CHECKS: tuple[tuple[str, Callable[[Settings], str]], ...] = (
    ("database", _database),
    ("migrations", _migrations),
    ("wall", _wall),
    ("queue", _queue),
    ("mail", _mail),
    ("clock", _clock),
)
