"""What waits is found in its order, and what it waits for by an index of whole keys

Revision: 0013
Before it: 0012
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_UNDONE = sa.text("processed_at IS NULL")
_DUE = sa.text("status IN ('queued', 'failed')")


def upgrade() -> None:
    _index_events("next_at", "id")
    _index_subjects()


def downgrade() -> None:
    _index_subjects(postgresql_where=_DUE, sqlite_where=_DUE)
    _index_events("next_at")


def _index_events(*columns: str) -> None:
    op.drop_index("ix_outbox_undone", table_name="outbox_events")
    op.create_index("ix_outbox_undone", "outbox_events", columns, postgresql_where=_UNDONE, sqlite_where=_UNDONE)


def _index_subjects(**where: Any) -> None:
    op.drop_index("ix_webhook_deliveries_subject", table_name="webhook_deliveries")
    op.create_index(
        "ix_webhook_deliveries_subject", "webhook_deliveries", ["tenant_id", "webhook_id", "subject_id", "id"], **where
    )
