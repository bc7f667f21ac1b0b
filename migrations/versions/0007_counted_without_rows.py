"""Two indexes hold what is counted with them, so that PostgreSQL need not read the rows

Revision: 0007
Before it: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INDEXES = (
    ("interviews", "ix_interviews_type", ["tenant_id", "interview_type", "scheduled_start", "id"], ["status"]),
    ("applications", "ix_applications_status", ["tenant_id", "status", "created_at", "id"], ["job_id"]),
)


def upgrade() -> None:
    for table, name, columns, more in _INDEXES:
        op.drop_index(name, table_name=table)
        op.create_index(name, table, columns, postgresql_include=more)


def downgrade() -> None:
    for table, name, columns, _ in _INDEXES:
        op.drop_index(name, table_name=table)
        op.create_index(name, table, columns)
