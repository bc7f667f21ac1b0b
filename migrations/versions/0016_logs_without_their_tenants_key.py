"""Rows of logs go in without a look at their tenant's row

Revision: 0016
Before it: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

LOGS = ("audit_entries", "outbox_events", "status_changes", "application_activities", "bulk_rows")


def upgrade() -> None:
    for log in LOGS:
        with op.batch_alter_table(log) as table:
            table.drop_constraint(op.f(f"fk_{log}_tenant_id"), type_="foreignkey")


def downgrade() -> None:
    for log in LOGS:
        with op.batch_alter_table(log) as table:
            table.create_foreign_key(op.f(f"fk_{log}_tenant_id"), "tenants", ["tenant_id"], ["id"])
