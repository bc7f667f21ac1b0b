"""That it costs the same to take the next of what waits, whether ten rows wait or ten thousand."""

from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import make_url

from portal.core import clock
from portal.messaging import deliveries, outbox
from portal.webhooks import claiming
from tests.support.databases import PostgresCluster

NOBODY = UUID(int=0)
DEALT_WITH = """
INSERT INTO outbox_events (tenant_id, id, name, subject_id, payload, occurred_at, processed_at, attempts, next_at,
  error)
SELECT gen_random_uuid(), gen_random_uuid(), 'x', gen_random_uuid(), '{}', now(), now(), 0, now(), ''
FROM generate_series(1, 2000);
INSERT INTO deliveries (tenant_id, id, event_id, event, kind, channel, subject_type, subject_id, recipient_id, user_id,
  address, payload, idem_key, message_id, status, attempts, refusals, next_at, sent_at, last_error, created_at)
SELECT tenant_id, id, id, 'x', 'x', 'email', 'interview', subject_id, id, id, '', '{}', id, id, 'sent', 1, 0, now(),
  now(), '', now() FROM outbox_events;
INSERT INTO webhook_deliveries (tenant_id, id, webhook_id, event_id, type, subject_id, body, status, attempts, tries,
  next_at, sent_at, answer, error, created_at)
SELECT tenant_id, id, id, id, 'x', subject_id, '', 'sent', 1, 1, now(), now(), '', '', now() FROM outbox_events"""
CLAIMS = {
    "ix_outbox_subject": lambda at: outbox._waiting(at, 200),
    "ix_deliveries_subject": lambda at: deliveries.due(at, 50),
    "ix_webhook_deliveries_subject": lambda at: claiming._due(NOBODY, NOBODY, at, 4),
}


@pytest.mark.database("postgresql")
@pytest.mark.parametrize("index", list(CLAIMS))
def test_what_goes_before_a_row_is_found_by_its_subject_also_when_postgresql_knows_nothing_of_what_waits(
    app: Flask, cluster: PostgresCluster, index: str
) -> None:
    """PostgreSQL has seen what was dealt with, and takes what has come since for nothing. Did it then look for each
    row's forerunners in the index of all that waits, ten thousand events would take minutes."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    query = CLAIMS[index](clock.now()).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    url = make_url(app.extensions["greenroom"].database_url)
    with cluster.as_admin(url) as admin, admin.transaction(force_rollback=True):
        admin.execute("SET LOCAL session_replication_role = replica")  # nothing here refers to anything
        admin.execute(DEALT_WITH)
        admin.execute("ANALYZE outbox_events, deliveries, webhook_deliveries")
        plan = [line for (line,) in admin.execute(f"EXPLAIN {query}")]
    _, forerunners = [line for line in plan if " using " in line or "Seq Scan" in line]
    assert f" {index} " in forerunners, "\n".join(plan)
