"""Overruled clashes have an index

Revision: 0005
Before it: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OVERRULED = sa.text("overrule_reason <> ''")


def upgrade() -> None:
    op.create_index(
        "ix_engagements_overruled", "engagements", ["tenant_id", "start", "id"],
        postgresql_where=OVERRULED, sqlite_where=OVERRULED,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_engagements_overruled", "engagements")
