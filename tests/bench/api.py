"""The JSON API on the large demo (SPEC §10): one row, a list of 50, and how many lists a second."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import sqlalchemy as sa

from portal.core import clock
from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.demo.cast import TENANTS
from portal.people.actions import issue_token
from portal.people.models import ApiToken, User
from tests.bench.figures import Figure, beside, measure
from tests.bench.stage import Stage
from tests.bench.visitor import Visitor

ROWS = {"interviews": "interviews", "candidates": "candidates", "mock-interviews": "mock_interviews",
        "candidate-projects": "applications"}  # fmt: skip
LISTS = {
    "interviews": "/api/interviews", "interviews of a status": "/api/interviews?status=confirmed",
    "candidates": "/api/candidates", "applications": "/api/candidate-projects",
    "mock interviews": "/api/mock-interviews",
}  # fmt: skip
CLIENTS, SECONDS = 4, 6.0


@measure("api")
def api(stage: Stage, times: int) -> Iterator[Figure]:
    with _token(stage) as token:
        visitor = Visitor(stage.address, token)
        for path, table in ROWS.items():
            query = f"SELECT id FROM {table} WHERE tenant_id = %s ORDER BY id LIMIT %s"
            keys = [key for (key,) in stage.raw.execute(query, [stage.tenant, times])]
            paths = [f"/api/{path}/{key}" for key in keys]
            yield beside(f"API: one of {path}", 10, times, None, partial(_get, visitor, paths))
        for name, path in LISTS.items():
            yield beside(f"API: 50 {name}", 25, times, None, partial(_get, visitor, [path]))
        yield _at_once(stage, token)


def _get(visitor: Visitor, paths: list[str], number: int) -> float:
    return visitor.get(paths[number % len(paths)]).expect(200).seconds


def _at_once(stage: Stage, token: str) -> Figure:
    """Lists a second for some clients at once; an answer that is none ends the measurement."""
    until = time.perf_counter() + SECONDS

    def read(number: int) -> int:
        visitor, count, paths = Visitor(stage.address, token), 0, list(LISTS.values())
        while time.perf_counter() < until:
            visitor.get(paths[(number + count) % len(paths)], keep=False).expect(200)
            count += 1
        return count

    with ThreadPoolExecutor(CLIENTS) as pool:
        counts = list(pool.map(read, range(CLIENTS)))
    return Figure(f"API: lists of 50, {CLIENTS} clients", "a second", 200, None, sum(counts) / SECONDS, at_least=True)


@contextmanager
def _token(stage: Stage) -> Iterator[str]:
    """A token of HR, gone afterwards."""
    with stage.app.app_context(), tenant_scope(stage.tenant, db.session()):
        hr = db.session.scalars(sa.select(User).where(User.email == f"hr@{TENANTS[0][1]}")).one()
        secret = issue_token(db.session, hr, "measuring", at=clock.now())
        db.session.commit()
    try:
        yield secret
    finally:
        with stage.app.app_context(), tenant_scope(stage.tenant, db.session()):
            db.session.execute(sa.delete(ApiToken).where(ApiToken.name == "measuring"))
            db.session.commit()
