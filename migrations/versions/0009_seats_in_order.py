"""A seat on a panel knows when its interview starts, so that somebody's interviews are read in their order

Revision: 0009
Before it: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_FORMER_KEY = "fk_panelists_tenant_id_interview_id"
_KEY = "fk_panelists_tenant_id_scheduled_start_interview_id"
_ITS_START = (
    "UPDATE panelists SET scheduled_start = (SELECT interviews.scheduled_start FROM interviews "
    "WHERE interviews.tenant_id = panelists.tenant_id AND interviews.id = panelists.interview_id)"
)


def upgrade() -> None:
    _index_starts(unique=True)
    op.drop_index("ix_panelists_user", table_name="panelists")
    op.add_column("panelists", sa.Column("scheduled_start", sa.DateTime(timezone=True), nullable=True))
    op.execute(_ITS_START)
    with op.batch_alter_table("panelists") as table:
        table.alter_column("scheduled_start", existing_type=sa.DateTime(timezone=True), nullable=False)
        table.drop_constraint(_FORMER_KEY, type_="foreignkey")
        table.create_foreign_key(
            _KEY, "interviews", ["tenant_id", "scheduled_start", "interview_id"],
            ["tenant_id", "scheduled_start", "id"], onupdate="CASCADE", ondelete="CASCADE",
        )  # fmt: skip
    op.create_index("ix_panelists_user", "panelists", ["tenant_id", "user_id", "scheduled_start", "interview_id"])


def downgrade() -> None:
    op.drop_index("ix_panelists_user", table_name="panelists")
    with op.batch_alter_table("panelists") as table:
        table.drop_constraint(_KEY, type_="foreignkey")
        table.create_foreign_key(
            _FORMER_KEY, "interviews", ["tenant_id", "interview_id"], ["tenant_id", "id"], ondelete="CASCADE"
        )
        table.drop_column("scheduled_start")
    op.create_index("ix_panelists_user", "panelists", ["tenant_id", "user_id", "interview_id"])
    _index_starts(unique=False)


def _index_starts(*, unique: bool) -> None:
    """Unique, because a foreign key refers to these columns; with the key among them they are so anyway."""
    op.drop_index("ix_interviews_start", table_name="interviews")
    op.create_index("ix_interviews_start", "interviews", ["tenant_id", "scheduled_start", "id"], unique=unique)
