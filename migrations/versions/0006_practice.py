"""Mock interviews with their checklists, training with its sessions

Revision: 0006
Before it: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mock_interview_checklist_templates",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_role_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.String(length=32), nullable=False),
        sa.Column("criterion", sa.String(length=300), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "category IN ('technical_skills', 'communication', 'professionalism', 'role_specific', 'knowledge')",
            name=op.f("ck_mock_interview_checklist_templates_category"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "job_role_id"],
            ["job_roles.tenant_id", "job_roles.id"],
            name=op.f("fk_mock_interview_checklist_templates_tenant_id_job_role_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_mock_interview_checklist_templates_tenant_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_mock_interview_checklist_templates")),
        sa.UniqueConstraint("tenant_id", "job_role_id", "criterion", name="uq_checklist_templates_once"),
    )
    op.create_index(
        "ix_checklist_templates_category",
        "mock_interview_checklist_templates",
        ["tenant_id", "category", "id"],
        unique=False,
    )
    op.create_index(
        "ix_checklist_templates_criterion",
        "mock_interview_checklist_templates",
        ["tenant_id", "criterion", "id"],
        unique=False,
    )
    op.create_index(
        "ix_checklist_templates_role",
        "mock_interview_checklist_templates",
        ["tenant_id", "job_role_id", "position", "id"],
        unique=False,
    )
    op.create_table(
        "mock_interviews",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("coordinator_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("scheduled_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("duration", sa.Integer(), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("mode", sa.String(length=32), nullable=False),
        sa.Column("meeting_link", sa.String(length=500), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("request_notes", sa.Text(), nullable=False),
        sa.Column("overall_rating", sa.SmallInteger(), nullable=True),
        sa.Column("decision", sa.String(length=32), nullable=True),
        sa.Column("ready_for_client_interview", sa.Boolean(), nullable=False),
        sa.Column("strengths", sa.Text(), nullable=False),
        sa.Column("weaknesses", sa.Text(), nullable=False),
        sa.Column("recommendations", sa.Text(), nullable=False),
        sa.Column("general_notes", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancellation_reason", sa.Text(), nullable=False),
        sa.Column("reschedule_count", sa.Integer(), nullable=False),
        sa.Column("draft", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(status = 'completed') = (overall_rating IS NOT NULL AND decision IS NOT NULL AND completed_at IS NOT NULL)",
            name=op.f("ck_mock_interviews_assessed_when_completed"),
        ),
        sa.CheckConstraint(
            "decision IN ('approved', 'needs_training', 'rejected')", name=op.f("ck_mock_interviews_decision")
        ),
        sa.CheckConstraint("mode IN ('video', 'phone', 'in_person')", name=op.f("ck_mock_interviews_mode")),
        sa.CheckConstraint(
            "ready_for_client_interview = (decision IS NOT NULL AND decision = 'approved')",
            name=op.f("ck_mock_interviews_ready_when_approved"),
        ),
        sa.CheckConstraint(
            "status <> 'cancelled' OR cancelled_at IS NOT NULL", name=op.f("ck_mock_interviews_cancelled_when")
        ),
        sa.CheckConstraint(
            "status IN ('requested', 'scheduled', 'in_progress', 'completed', 'cancelled', 'no_show')",
            name=op.f("ck_mock_interviews_status"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('scheduled', 'in_progress', 'completed') OR scheduled_start IS NOT NULL",
            name=op.f("ck_mock_interviews_has_a_time"),
        ),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_mock_interviews_attempt")),
        sa.CheckConstraint("duration BETWEEN 15 AND 240", name=op.f("ck_mock_interviews_duration")),
        sa.CheckConstraint("overall_rating BETWEEN 1 AND 5", name=op.f("ck_mock_interviews_overall_rating")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name=op.f("fk_mock_interviews_tenant_id_application_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "coordinator_id"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_mock_interviews_tenant_id_coordinator_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_mock_interviews_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_mock_interviews")),
    )
    op.create_index(
        "ix_mock_interviews_application", "mock_interviews", ["tenant_id", "application_id", "id"], unique=False
    )
    op.create_index(
        "ix_mock_interviews_completed", "mock_interviews", ["tenant_id", "completed_at", "id"], unique=False
    )
    op.create_index(
        "ix_mock_interviews_coordinator",
        "mock_interviews",
        ["tenant_id", "coordinator_id", "scheduled_start", "id"],
        unique=False,
    )
    op.create_index(
        "ix_mock_interviews_decision",
        "mock_interviews",
        ["tenant_id", "decision", "scheduled_start", "id"],
        unique=False,
    )
    op.create_index(
        "ix_mock_interviews_open_start",
        "mock_interviews",
        ["tenant_id", "scheduled_start", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('requested', 'scheduled', 'in_progress')"),
        sqlite_where=sa.text("status IN ('requested', 'scheduled', 'in_progress')"),
    )
    op.create_index(
        "ix_mock_interviews_open_coordinator",
        "mock_interviews",
        ["tenant_id", "coordinator_id", "scheduled_start", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('requested', 'scheduled', 'in_progress')"),
        sqlite_where=sa.text("status IN ('requested', 'scheduled', 'in_progress')"),
    )
    op.create_index("ix_mock_interviews_start", "mock_interviews", ["tenant_id", "scheduled_start", "id"], unique=False)
    op.create_index(
        "ix_mock_interviews_status", "mock_interviews", ["tenant_id", "status", "scheduled_start", "id"], unique=False
    )
    op.create_index(
        "uq_mock_interviews_open",
        "mock_interviews",
        ["tenant_id", "application_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('requested', 'scheduled', 'in_progress')"),
        sqlite_where=sa.text("status IN ('requested', 'scheduled', 'in_progress')"),
    )
    op.create_table(
        "mock_interview_checklist_items",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mock_interview_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=True),
        sa.Column("category", sa.String(length=32), nullable=False),
        sa.Column("criterion", sa.String(length=300), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("rating", sa.SmallInteger(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "category IN ('technical_skills', 'communication', 'professionalism', 'role_specific', 'knowledge')",
            name=op.f("ck_mock_interview_checklist_items_category"),
        ),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_mock_interview_checklist_items_rating")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "mock_interview_id"],
            ["mock_interviews.tenant_id", "mock_interviews.id"],
            name=op.f("fk_mock_interview_checklist_items_tenant_id_mock_interview_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "template_id"],
            ["mock_interview_checklist_templates.tenant_id", "mock_interview_checklist_templates.id"],
            name=op.f("fk_mock_interview_checklist_items_tenant_id_template_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_mock_interview_checklist_items_tenant_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_mock_interview_checklist_items")),
        sa.UniqueConstraint("tenant_id", "mock_interview_id", "criterion", name="uq_checklist_items_once"),
    )
    op.create_index(
        "ix_checklist_items_template",
        "mock_interview_checklist_items",
        ["tenant_id", "template_id", "id"],
        unique=False,
    )
    op.create_table(
        "training_assignments",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("mock_interview_id", sa.Uuid(), nullable=True),
        sa.Column("assigned_by_id", sa.Uuid(), nullable=True),
        sa.Column("training_type", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("focus_areas", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("skills_to_improve", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=True),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("progress_notes", sa.Text(), nullable=False),
        sa.Column("completion_notes", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancellation_reason", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("ready_for_reassessment", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(status = 'completed') = (outcome IS NOT NULL AND completed_at IS NOT NULL)",
            name=op.f("ck_training_assignments_outcome_when_completed"),
        ),
        sa.CheckConstraint(
            "NOT ready_for_reassessment OR status = 'completed'",
            name=op.f("ck_training_assignments_ready_when_completed"),
        ),
        sa.CheckConstraint(
            "outcome IN ('completed_successfully', 'dropped_out', 'reassessment_needed')",
            name=op.f("ck_training_assignments_outcome"),
        ),
        sa.CheckConstraint("priority IN ('low', 'medium', 'high')", name=op.f("ck_training_assignments_priority")),
        sa.CheckConstraint(
            "status <> 'cancelled' OR cancelled_at IS NOT NULL", name=op.f("ck_training_assignments_cancelled_when")
        ),
        sa.CheckConstraint(
            "status IN ('assigned', 'in_progress', 'completed', 'cancelled')",
            name=op.f("ck_training_assignments_status"),
        ),
        sa.CheckConstraint(
            "training_type IN ('screening', 'grooming', 'technical_training', 'soft_skills', 'interview_skills', 'role_specific')",
            name=op.f("ck_training_assignments_training_type"),
        ),
        sa.CheckConstraint("end_date >= start_date", name=op.f("ck_training_assignments_end_after_start")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["applications.tenant_id", "applications.id"],
            name=op.f("fk_training_assignments_tenant_id_application_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "assigned_by_id"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_training_assignments_tenant_id_assigned_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "mock_interview_id"],
            ["mock_interviews.tenant_id", "mock_interviews.id"],
            name=op.f("fk_training_assignments_tenant_id_mock_interview_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_training_assignments_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_training_assignments")),
    )
    op.create_index(
        "ix_training_application", "training_assignments", ["tenant_id", "application_id", "id"], unique=False
    )
    op.create_index(
        "ix_training_assigned_by",
        "training_assignments",
        ["tenant_id", "assigned_by_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_training_open_assigned_by",
        "training_assignments",
        ["tenant_id", "assigned_by_id", "end_date", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('assigned', 'in_progress')"),
        sqlite_where=sa.text("status IN ('assigned', 'in_progress')"),
    )
    op.create_index(
        "ix_training_open_end",
        "training_assignments",
        ["tenant_id", "end_date", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('assigned', 'in_progress')"),
        sqlite_where=sa.text("status IN ('assigned', 'in_progress')"),
    )
    op.create_index(
        "ix_training_not_ready",
        "training_assignments",
        ["tenant_id", "assigned_by_id", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'completed' AND NOT ready_for_reassessment AND outcome <> 'dropped_out'"),
        sqlite_where=sa.text("status = 'completed' AND NOT ready_for_reassessment AND outcome <> 'dropped_out'"),
    )
    op.create_index("ix_training_created", "training_assignments", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index("ix_training_end", "training_assignments", ["tenant_id", "end_date", "id"], unique=False)
    op.create_index(
        "ix_training_mock_interview", "training_assignments", ["tenant_id", "mock_interview_id"], unique=False
    )
    op.create_index(
        "ix_training_status", "training_assignments", ["tenant_id", "status", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_training_type", "training_assignments", ["tenant_id", "training_type", "created_at", "id"], unique=False
    )
    op.create_index(
        "uq_training_assignments_open",
        "training_assignments",
        ["tenant_id", "application_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('assigned', 'in_progress')"),
        sqlite_where=sa.text("status IN ('assigned', 'in_progress')"),
    )
    op.create_table(
        "training_sessions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("session_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration", sa.Integer(), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=200), nullable=False),
        sa.Column("conducted_by_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancellation_reason", sa.Text(), nullable=False),
        sa.Column("feedback", sa.Text(), nullable=False),
        sa.Column("rating", sa.SmallInteger(), nullable=True),
        sa.Column("series_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(status = 'completed') = (completed_at IS NOT NULL)", name=op.f("ck_training_sessions_completed_when")
        ),
        sa.CheckConstraint(
            "status IN ('scheduled', 'completed', 'cancelled')", name=op.f("ck_training_sessions_status")
        ),
        sa.CheckConstraint("duration BETWEEN 5 AND 720", name=op.f("ck_training_sessions_duration")),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_training_sessions_rating")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "assignment_id"],
            ["training_assignments.tenant_id", "training_assignments.id"],
            name=op.f("fk_training_sessions_tenant_id_assignment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "conducted_by_id"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_training_sessions_tenant_id_conducted_by_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_training_sessions_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_training_sessions")),
    )
    op.create_index(
        "ix_training_sessions_assignment",
        "training_sessions",
        ["tenant_id", "assignment_id", "session_start", "id"],
        unique=False,
    )
    op.create_index(
        "ix_training_sessions_conducted_by",
        "training_sessions",
        ["tenant_id", "conducted_by_id", "session_start", "id"],
        unique=False,
    )
    op.create_index(
        "ix_training_sessions_start", "training_sessions", ["tenant_id", "session_start", "id"], unique=False
    )
    op.create_index(
        "ix_training_sessions_status", "training_sessions", ["tenant_id", "status", "session_start", "id"], unique=False
    )


def downgrade() -> None:
    op.execute("DELETE FROM engagements WHERE subject_type <> 'interview'")
    for table in (
        "training_sessions", "training_assignments", "mock_interview_checklist_items", "mock_interviews",
        "mock_interview_checklist_templates",
    ):  # fmt: skip
        op.drop_table(table)
