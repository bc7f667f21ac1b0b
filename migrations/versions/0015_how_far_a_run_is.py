"""A run says how far it is, rather than each of its rows

Revision: 0015
Before it: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_FIRST_WAITING = (
    "SELECT min(r.position) FROM bulk_rows r "
    "WHERE r.tenant_id = bulk_runs.tenant_id AND r.run_id = bulk_runs.id AND r.outcome = 'pending'"
)


def upgrade() -> None:
    op.add_column("bulk_runs", sa.Column("reached", sa.Integer(), nullable=False, server_default="0"))
    # What was done is done up to the first row that waits; a run that is over waits for none.
    op.execute(f"UPDATE bulk_runs SET reached = coalesce(({_FIRST_WAITING}), total) WHERE state <> 'draft'")
    with op.batch_alter_table("bulk_rows") as table:
        table.drop_constraint(op.f("ck_bulk_rows_outcome"), type_="check")
    op.execute("UPDATE bulk_rows SET outcome = 'done' WHERE outcome = 'pending'")
    with op.batch_alter_table("bulk_rows") as table:
        table.create_check_constraint(op.f("ck_bulk_rows_outcome"), "outcome IN ('done', 'skipped', 'failed')")
    with op.batch_alter_table("bulk_runs") as table:
        table.alter_column("reached", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("bulk_rows") as table:
        table.drop_constraint(op.f("ck_bulk_rows_outcome"), type_="check")
    op.execute(
        "UPDATE bulk_rows SET outcome = 'pending' WHERE outcome = 'done' AND position >= (SELECT b.reached FROM "
        "bulk_runs b WHERE b.tenant_id = bulk_rows.tenant_id AND b.id = bulk_rows.run_id)"
    )
    with op.batch_alter_table("bulk_rows") as table:
        table.create_check_constraint(
            op.f("ck_bulk_rows_outcome"), "outcome IN ('pending', 'done', 'skipped', 'failed')"
        )
    with op.batch_alter_table("bulk_runs") as table:
        table.drop_column("reached")
