"""Titles are searched apart from the rows that move

Revision: 0014
Before it: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "interview_titles",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("interview_id", sa.Uuid(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "interview_id"],
            ["interviews.tenant_id", "interviews.id"],
            name=op.f("fk_interview_titles_tenant_id_interview_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_interview_titles_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "interview_id", name=op.f("pk_interview_titles")),
    )
    op.execute(
        "INSERT INTO interview_titles (tenant_id, interview_id, search_text) "
        "SELECT tenant_id, id, search_text FROM interviews"
    )
    op.drop_column("interviews", "search_text")  # and with it, on PostgreSQL, its index


def downgrade() -> None:
    op.add_column("interviews", sa.Column("search_text", sa.Text(), nullable=False, server_default=""))
    op.execute(
        "UPDATE interviews SET search_text = (SELECT t.search_text FROM interview_titles t "
        "WHERE t.tenant_id = interviews.tenant_id AND t.interview_id = interviews.id)"
    )
    op.drop_table("interview_titles")
