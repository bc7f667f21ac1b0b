"""An index of the interviews that are still open

Revision: 0002
Before it: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPEN = sa.text("status IN ('scheduled', 'confirmed', 'rescheduled', 'in_progress')")


def upgrade() -> None:
    op.create_index(
        "ix_interviews_open",
        "interviews",
        ["tenant_id", "scheduled_start", "id"],
        unique=False,
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )


def downgrade() -> None:
    op.drop_index("ix_interviews_open", table_name="interviews")
