"""What the same pages cost in raw SQL, as someone would write it who needs nothing else: no roles, no second wall."""

import time
from typing import Any
from uuid import UUID

import psycopg

_COLUMNS = """
SELECT i.id, i.version, i.title, c.first_name || ' ' || c.last_name, i.status, i.scheduled_start, i.interview_type,
  i.audience, p.title, o.full_name, i.outcome,
  (SELECT string_agg(u.full_name, ', ') FROM panelists s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
   WHERE s.tenant_id = i.tenant_id AND s.interview_id = i.id)
FROM interviews i
JOIN applications a ON a.tenant_id = i.tenant_id AND a.id = i.application_id
JOIN candidates c ON c.tenant_id = a.tenant_id AND c.id = a.candidate_id
JOIN jobs j ON j.tenant_id = a.tenant_id AND j.id = a.job_id
JOIN projects p ON p.tenant_id = j.tenant_id AND p.id = j.project_id
LEFT JOIN users o ON o.tenant_id = i.tenant_id AND o.id = i.organizer_id
WHERE i.tenant_id = %(t)s AND i.id = ANY(%(keys)s)"""

_FOUND = """(
  SELECT interview_id FROM interview_titles WHERE tenant_id = %(t)s AND search_text LIKE %(w)s
  UNION SELECT i.id FROM candidates c JOIN applications a ON a.tenant_id = c.tenant_id AND a.candidate_id = c.id
  JOIN interviews i ON i.tenant_id = a.tenant_id AND i.application_id = a.id
  WHERE c.tenant_id = %(t)s AND c.search_text LIKE %(w)s)"""

CSV = """
COPY (SELECT i.title, c.first_name || ' ' || c.last_name, i.status, i.scheduled_start, i.scheduled_end,
  i.interview_type, i.audience, o.full_name, i.outcome, i.timezone, i.candidate_timezone, i.location, i.meeting_link,
  i.confirmed_at, i.created_at
FROM interviews i
JOIN applications a ON a.tenant_id = i.tenant_id AND a.id = i.application_id
JOIN candidates c ON c.tenant_id = a.tenant_id AND c.id = a.candidate_id
LEFT JOIN users o ON o.tenant_id = i.tenant_id AND o.id = i.organizer_id
WHERE i.tenant_id = '{tenant}' ORDER BY i.scheduled_start DESC, i.id DESC) TO STDOUT (FORMAT csv)"""
CSV_COLUMNS = (
    "title", "candidate", "status", "scheduled_start", "scheduled_end", "interview_type", "audience", "organizer",
    "outcome", "timezone", "candidate_timezone", "location", "meeting_link", "confirmed_at", "created_at",
)  # fmt: skip


class Raw:
    """A page of the grid is its keys, its rows, and a count that stops at 10,001."""

    def __init__(self, connection: psycopg.Connection, tenant: UUID) -> None:
        self._connection, self.tenant = connection, tenant

    def page(self, condition: str = "true", offset: int = 0, *, count: bool = True) -> list[Any]:
        where = f"FROM interviews i WHERE i.tenant_id = %(t)s AND {condition}"
        keys = self._all(f"SELECT i.id {where} ORDER BY scheduled_start DESC, id DESC OFFSET {offset} LIMIT 51")
        if count:
            self._all(f"SELECT count(*) FROM (SELECT i.id {where} LIMIT 10001) x")
        return self._all(_COLUMNS, keys=[key for (key,) in keys])

    def search(self, words: str) -> list[Any]:
        found = " INTERSECT ".join(_FOUND.replace("%(w)s", f"'%%{word}%%'") for word in words.split())
        where = f"FROM interviews i WHERE i.tenant_id = %(t)s AND i.id IN ({found})"
        keys = self._all(f"SELECT i.id {where} ORDER BY scheduled_start DESC, id DESC LIMIT 51")
        self._all(f"SELECT count(*) FROM (SELECT i.id {where} LIMIT 10001) x")
        return self._all(_COLUMNS, keys=[key for (key,) in keys])

    def row(self, key: UUID) -> None:
        self._all("SELECT * FROM interviews i WHERE i.tenant_id = %(t)s AND i.id = %(key)s", key=key)
        self._all(_COLUMNS, keys=[key])

    def save(self, key: UUID, title: str) -> None:
        """An UPDATE that names the version, with its audit row, committed."""
        with self._connection.transaction():
            self._connection.execute(
                "UPDATE interviews SET title = %(title)s, version = version + 1, updated_at = now() "
                "WHERE tenant_id = %(t)s AND id = %(key)s AND version = "
                "(SELECT version FROM interviews WHERE tenant_id = %(t)s AND id = %(key)s)",
                {"title": title, "t": self.tenant, "key": key},
            )
            self._connection.execute(_AUDIT, {"t": self.tenant, "keys": [key]})

    def confirm(self, keys: list[UUID]) -> None:
        """A set-based confirmation with its audit, history and events, committed."""
        with self._connection.transaction():
            self._connection.execute(
                "UPDATE interviews SET status = 'confirmed', version = version + 1, confirmed_at = now(), "
                "updated_at = now() WHERE tenant_id = %(t)s AND id = ANY(%(keys)s) "
                "AND status IN ('scheduled', 'rescheduled')",
                {"t": self.tenant, "keys": keys},
            )
            for statement in (_AUDIT, _ACTIVITY, _EVENT):
                self._connection.execute(statement, {"t": self.tenant, "keys": keys})

    def csv(self) -> tuple[float, float]:
        """Seconds to the first and to the last byte."""
        began, first = time.perf_counter(), 0.0
        with self._connection.cursor().copy(CSV.format(tenant=self.tenant)) as copy:
            for _ in copy:
                first = first or time.perf_counter() - began
        return first, time.perf_counter() - began

    def _all(self, statement: str, **more: Any) -> list[Any]:
        return self._connection.execute(statement, {"t": self.tenant, **more}, prepare=True).fetchall()


_AUDIT = """
INSERT INTO audit_entries (tenant_id, id, at, actor_label, action, entity, row_id, changes, reason, request_id, address)
SELECT %(t)s, uuidv7(), now(), 'bench', 'confirm', 'interviews', key, '{"status": ["scheduled", "confirmed"]}',
  '', '', ''
FROM unnest(%(keys)s::uuid[]) key"""
_ACTIVITY = """
INSERT INTO application_activities (tenant_id, id, application_id, type, at, old_value, new_value, notes, metadata)
SELECT tenant_id, uuidv7(), application_id, 'interview_confirmed', now(), 'scheduled', 'confirmed', '',
  jsonb_build_object('interview_id', id)
FROM interviews WHERE tenant_id = %(t)s AND id = ANY(%(keys)s)"""
_EVENT = """
INSERT INTO outbox_events (tenant_id, id, name, subject_id, payload, occurred_at, next_at, attempts, error)
SELECT %(t)s, uuidv7(), 'InterviewConfirmed', key, '{}', now(), now(), 0, '' FROM unnest(%(keys)s::uuid[]) key"""
