"""Indexes by which messages and reminders are counted and listed when there are millions

Revision: 0011
Before it: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_WAITING = sa.text("queued_at IS NULL AND void_at IS NULL")
_DEAD = sa.text("status = 'dead'")
_FAILING = sa.text("processed_at IS NULL AND attempts > 0")


def upgrade() -> None:
    _index_reminders("due_at", "tenant_id")
    _index_deliveries("tenant_id", "status", "created_at", "id", "channel")
    op.create_index(
        "ix_deliveries_dead", "deliveries", ["created_at", "id"], postgresql_where=_DEAD, sqlite_where=_DEAD
    )
    op.create_index("ix_outbox_failing", "outbox_events", ["next_at"], postgresql_where=_FAILING, sqlite_where=_FAILING)


def downgrade() -> None:
    op.drop_index("ix_outbox_failing", table_name="outbox_events")
    op.drop_index("ix_deliveries_dead", table_name="deliveries")
    _index_deliveries("tenant_id", "status", "created_at", "id")
    _index_reminders("due_at")


def _index_reminders(*columns: str) -> None:
    op.drop_index("ix_reminders_due", table_name="reminders")
    op.create_index("ix_reminders_due", "reminders", columns, postgresql_where=_WAITING, sqlite_where=_WAITING)


def _index_deliveries(*columns: str) -> None:
    op.drop_index("ix_deliveries_status", table_name="deliveries")
    op.create_index("ix_deliveries_status", "deliveries", columns)
