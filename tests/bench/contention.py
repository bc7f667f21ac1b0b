"""200 at once want one slot, or one person's time (issue: Speed), on both databases, in databases of their own.

python -m tests.bench.contention          this group alone, without the large demo
"""

import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.db import db
from portal.core.workflow import Change
from portal.interviews import actions
from portal.people.models import User
from portal.scheduling import slots_actions
from portal.settings import Settings
from tests.bench.figures import Figure, measure
from tests.bench.stage import Stage
from tests.support.cast import Cast, gather
from tests.support.contention import Attempt, rush, wide_engine
from tests.support.databases import SqliteDatabase, postgres_cluster
from tests.support.hiring import at_work, make_application, make_candidate

AT_ONCE, ROUNDS = 200, 50
HOUR = timedelta(hours=1)


@measure("slots")
def slots(stage: Stage, times: int) -> Iterator[Figure]:
    yield from races(ROUNDS if times > 10 else 5)


def races(rounds: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="greenroom-slots-") as name:
        for kind, url in _urls(Path(name)):
            with _ready(url, Path(name)) as (app, cast, applications), wide_engine(url, AT_ONCE) as engine:
                for what, attempts in (("one slot", _slots), ("one person's time", _times)):
                    yield _race(f"{kind}: {AT_ONCE} at once want {what}", engine, cast,
                                attempts(app, cast, applications), rounds)  # fmt: skip


@contextmanager
def _postgresql(folder: Path) -> Iterator[str]:
    with postgres_cluster(folder) as cluster:
        yield cluster.migrated().render_as_string(hide_password=False)


def _urls(folder: Path) -> Iterator[tuple[str, str]]:
    with _postgresql(folder) as url:
        yield "PostgreSQL", url
    (folder / "sqlite").mkdir()
    database = SqliteDatabase(folder / "sqlite")
    database.clean()
    yield "SQLite", database.url


@contextmanager
def _ready(url: str, folder: Path) -> Iterator[tuple[Flask, Cast, list[UUID]]]:
    """The portal's records: an application for each who tries, of different candidates."""
    from portal.app import create_app

    environ = {"ENV": "test", "DATABASE_URL": url, "GREENROOM_DATA": str(folder), "SECRET_KEY": "none but the bench's",
               "REDIS_URL": "redis://127.0.0.1:1/0"}  # fmt: skip
    app = create_app(Settings.from_env(environ))
    cast = gather(app)
    with app.app_context(), at_work(cast.alice):
        made = [make_application("approved", candidate=make_candidate(f"Jane {n}")).id for n in range(AT_ONCE)]
        db.session.commit()
    yield app, cast, made
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def _schedule(session: Session, cast: Cast, application: UUID, panel: list[UUID], **values: Any) -> None:
    tenant = cast.alice.tenant_id
    user = session.get_one(User, (tenant, cast.alice.id))
    given = {"application_id": application, "audience": "internal", "title": "Race", "timezone": "UTC", **values}
    people = [session.get_one(User, (tenant, key)) for key in panel]
    actions.schedule_interview(session, given, people, Change(clock.now(), user))


def _start(number: int) -> Any:
    return clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=number + 1)


def _slots(app: Flask, cast: Cast, applications: list[UUID]) -> Iterator[Attempt]:
    """A new slot each time, which all want."""
    for number in range(10**6):
        start = _start(number)
        with app.app_context(), at_work(cast.alice) as alice:
            values = {"interviewer_id": cast.bob.id, "start": start, "end": start + HOUR}
            slot = slots_actions.offer(db.session, values, Change(clock.now(), alice)).row.id
            db.session.commit()

        def attempt(session: Session, n: int, slot: UUID = slot) -> None:
            _schedule(session, cast, applications[n], [], slot_id=slot)

        yield attempt


def _times(app: Flask, cast: Cast, applications: list[UUID]) -> Iterator[Attempt]:
    """Overlapping interviews of one interviewer, without a slot."""
    for number in range(200, 10**6):
        start = _start(number)

        def attempt(session: Session, n: int, start: Any = start) -> None:
            times = {"scheduled_start": start + timedelta(minutes=n % 7), "scheduled_end": start + HOUR}
            _schedule(session, cast, applications[n], [cast.bob.id], **times)

        yield attempt


def _race(name: str, engine: sa.Engine, cast: Cast, attempts: Iterator[Attempt], rounds: int) -> Figure:
    """How many rounds ended with one booking and clean conflicts; what else happened is told beside it."""
    seconds, clean = [], 0
    odd: Counter[str] = Counter()
    for _ in range(rounds):
        attempt = next(attempts)
        began = time.perf_counter()
        told = rush(engine, cast.alice.tenant_id, AT_ONCE, attempt)
        seconds.append(time.perf_counter() - began)
        conflicts = sum(count for outcome, count in told.items() if outcome.startswith("Clash: "))
        clean += told["won"] == 1 and conflicts == AT_ONCE - 1
        odd.update({o: n for o, n in told.items() if o != "won" and not o.startswith("Clash: ")})
    note = f"{statistics.median(seconds):.2f} s a round" + (f"; {dict(odd.most_common(3))}" if odd else "")
    return Figure(name, f"of {rounds} rounds", rounds, None, clean, note, at_least=True)


if __name__ == "__main__":
    for figure in races(5 if "--quick" in sys.argv else ROUNDS):
        print(f"{figure.name}: {figure.ours:.0f} {figure.unit} clean; {figure.note}", flush=True)
