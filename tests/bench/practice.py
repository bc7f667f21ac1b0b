"""Practice on the large demo (SPEC §10): schedule, assess, the coordinator's home, and the pages between."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from tests.bench.figures import Figure, beside, measure
from tests.bench.stage import Stage
from tests.bench.visitor import Visitor

_GRID = """
SELECT m.id, m.version, c.first_name || ' ' || c.last_name, m.status, m.scheduled_start, u.full_name, j.title, r.name,
  m.attempt, m.decision, m.overall_rating
FROM mock_interviews m
JOIN applications a ON a.tenant_id = m.tenant_id AND a.id = m.application_id
JOIN candidates c ON c.tenant_id = a.tenant_id AND c.id = a.candidate_id
JOIN jobs j ON j.tenant_id = a.tenant_id AND j.id = a.job_id
JOIN job_roles r ON r.tenant_id = j.tenant_id AND r.id = j.job_role_id
JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.coordinator_id
WHERE m.tenant_id = %s AND {condition} ORDER BY m.scheduled_start DESC, m.id DESC LIMIT 51"""
FILTERS = {"first page": ("", "true"), "needs training": ("?decision=needs_training", "m.decision = 'needs_training'"),
           "to schedule": ("?status=requested", "m.status = 'requested'")}  # fmt: skip


@measure("practice")
def practice(stage: Stage, times: int) -> Iterator[Figure]:
    hr, few = stage.visitor("hr"), max(5, times // 3)
    for name, (query, condition) in FILTERS.items():
        ours = partial(_get, hr, [f"/mock-interviews/{query}"])
        yield beside(f"mock interviews, {name}", 25, times, partial(_raw, stage, condition), ours)
    yield beside("home of interview-coordinator", 150, few, None,
                 partial(_get, stage.visitor("interview-coordinator"), ["/"]))  # fmt: skip
    for name, limit, table, state in (
        ("application page", 60, "applications", "status = 'training_in_progress'"),
        ("page of a mock interview", None, "mock_interviews", "status = 'completed'"),
        ("training page", None, "training_assignments", "status = 'in_progress'"),
    ):
        address = {"mock_interviews": "mock-interviews", "training_assignments": "training"}.get(table, table)
        paths = [f"/{address}/{key}" for key in _keys(stage, table, state, times)]
        yield beside(name, limit, times, None, partial(_get, hr, paths))
    yield from _schedule(stage, hr, times)
    yield from _complete(stage, times)


def _get(visitor: Visitor, paths: list[str], number: int) -> float:
    return visitor.get(paths[number % len(paths)]).expect(200).seconds


def _raw(stage: Stage, condition: str, number: int) -> None:
    stage.raw.execute(_GRID.format(condition=condition), [stage.tenant], prepare=True).fetchall()


def _keys(stage: Stage, table: str, condition: str, count: int) -> list[UUID]:
    query = f"SELECT id FROM {table} WHERE tenant_id = %s AND {condition} ORDER BY id LIMIT %s"
    return [key for (key,) in stage.raw.execute(query, [stage.tenant, count])]


def _schedule(stage: Stage, hr: Visitor, times: int) -> Iterator[Figure]:
    """The POST of the New form, with a time."""
    keys = _keys(stage, "applications", "status = 'documents_verified'", times + 3)
    coordinators = stage.raw.execute(
        "SELECT u.id FROM users u JOIN user_roles x ON x.tenant_id = u.tenant_id AND x.user_id = u.id JOIN roles r ON "
        "r.tenant_id = x.tenant_id AND r.id = x.role_id WHERE u.tenant_id = %s AND r.name = 'Interview Coordinator'",
        [stage.tenant],
    ).fetchall()
    day = datetime.now(UTC).replace(hour=3, minute=0, second=0, microsecond=0) + timedelta(days=200)

    def send(number: int) -> float:
        page = hr.get("/mock-interviews/new").expect(200)
        given = {
            "application_id": str(keys[number]), "coordinator_id": str(coordinators[number % len(coordinators)][0]),
            "scheduled_start": (day + timedelta(days=number + 3)).strftime("%Y-%m-%dT%H:%M"), "timezone": "UTC",
        }  # fmt: skip
        fields = {**dict(page.fields("/mock-interviews/new")), **given}
        return hr.post("/mock-interviews/new", fields).expect(302).seconds

    with _undone(stage):
        yield beside("send to a mock interview, with a time", 30, times, None, send)
        yield beside("schedule a mock interview", 30, times, None, partial(_schedule_requested, stage, hr, day))


def _schedule_requested(stage: Stage, hr: Visitor, day: datetime, number: int) -> float:
    """The POST of the move by which one that was asked for gets its time."""
    (key,) = _keys(stage, "mock_interviews", "status = 'requested'", 1)
    address = f"/mock-interviews/{key}/move/schedule"
    fields = dict(hr.get(address).expect(200).fields(address))
    start = (day + timedelta(days=number + 400)).strftime("%Y-%m-%dT%H:%M")
    return hr.post(address, {**fields, "scheduled_start": start}).expect(302).seconds


_MADE = (
    "mock_interview_checklist_items", "mock_interviews", "engagements", "status_changes", "application_activities",
    "audit_entries", "outbox_events",
)  # fmt: skip


_CHANGED = {
    "applications": ("status, coordinator_id, version, updated_at", "documents_verified"),
    "mock_interviews": ("status, scheduled_start, duration, timezone, mode, meeting_link, version, updated_at",
                        "requested"),
}  # fmt: skip


@contextmanager
def _undone(stage: Stage) -> Iterator[None]:
    """What the block sends is taken back: the rows it made, and where its applications stood."""
    since = f"{int(datetime.now(UTC).timestamp() * 1000):012x}".ljust(32, "0")
    for table, (columns, state) in _CHANGED.items():
        stage.raw.execute(f"DROP TABLE IF EXISTS bench_{table}")
        stage.raw.execute(
            f"CREATE TABLE bench_{table} AS SELECT tenant_id, id, {columns} FROM {table} WHERE status = '{state}'"
        )
    try:
        yield
    finally:
        with stage.raw.transaction():
            stage.raw.execute("SET LOCAL session_replication_role = replica")
            for table in _MADE:
                stage.raw.execute(f"DELETE FROM {table} WHERE id >= %s", [since])
            for table, (columns, _) in _CHANGED.items():
                kept = ", ".join(f"k.{name}" for name in columns.split(", "))
                stage.raw.execute(
                    f"UPDATE {table} a SET ({columns}) = ({kept}) FROM bench_{table} k "
                    "WHERE a.tenant_id = k.tenant_id AND a.id = k.id AND a.version <> k.version"
                )
        for table in _CHANGED:
            stage.raw.execute(f"DROP TABLE bench_{table}")


def _complete(stage: Stage, times: int) -> Iterator[Figure]:
    """The assessment of a mock interview with 20 items, each judged, which ends in training; nothing of it is kept."""
    from portal.core.db import db
    from portal.core.tenancy import tenant_scope

    with stage.app.app_context(), tenant_scope(stage.tenant, db.session()):
        keys = _keys(stage, "mock_interviews", "status = 'scheduled'", times + 3)
        yield beside("assess one with 20 items", 60, times, None, partial(_assess, db.session, stage.tenant, keys))


def _assess(session: Any, tenant: UUID, keys: list[UUID], number: int) -> float:
    from portal.core.workflow import Change
    from portal.practice import assessing
    from portal.practice.models import MockInterview
    from portal.practice.workflow import MOCK_INTERVIEW

    change = Change(datetime.now(UTC))
    mock = session.get_one(MockInterview, (tenant, keys[number % len(keys)]))
    for extra in range(20 - len(mock.items)):
        values = {"category": "communication", "criterion": f"Criterion {extra}"}
        assessing.add_item(session, mock, values, change)
    MOCK_INTERVIEW.move(session, mock, "start", change)
    session.expire(mock, ["items"])
    checklist = [{"id": item.id, "passed": False, "rating": 2, "notes": "Slow"} for item in mock.items]
    training = {"training_type": "soft_skills", "focus_areas": ["Handover"]}
    given = {"overall_rating": 3, "decision": "needs_training", "checklist": checklist, "training": training}
    session.expunge_all()
    began = time.perf_counter()
    mock = session.get_one(MockInterview, (tenant, keys[number % len(keys)]))
    assessing.complete_mock_interview(session, mock, given, change)
    session.flush()
    seconds = time.perf_counter() - began
    session.rollback()
    return seconds
