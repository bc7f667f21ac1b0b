"""People's time, interview templates, feedback

What is open already takes up the time of its people: interviews that overlap are kept, and say so.

Revision: 0004
Before it: 0002
"""

from datetime import UTC, datetime
from uuid import uuid4

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


OPEN = "('scheduled', 'confirmed', 'rescheduled', 'in_progress')"
KEPT = "Arranged before overlaps were refused"

# For roles as they come; a role that was made by hand is given what it needs by hand.
OWN_TIME = (("read:availability", "own"), ("write:availability", "own"))
GRANTS = {
    "HR": tuple((f"{verb}:availability", "tenant") for verb in ("read", "write", "export")),
    "Team Head": (*OWN_TIME, ("read:feedback", "team"), ("read:interview_slots", "tenant")),
    "Team Lead": (*OWN_TIME, ("read:feedback", "team"), ("read:interview_slots", "tenant")),
    "Recruiter": (*OWN_TIME, ("read:feedback", "own"), ("read:interview_slots", "tenant")),
    "Hiring Manager": (*OWN_TIME, ("read:interview_slots", "own"), ("write:interview_slots", "own")),
    "Interviewer": (*OWN_TIME, ("read:feedback", "own"), ("read:interview_slots", "own"),
                    ("write:interview_slots", "own")),
    "Interview Coordinator": (("read:availability", "tenant"), ("write:availability", "own"),
                              ("read:feedback", "own"), ("read:interview_slots", "tenant"),
                              ("write:interview_slots", "tenant")),
}  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "interview_templates",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("interview_type", sa.String(length=32), nullable=False),
        sa.Column("default_duration", sa.Integer(), nullable=False),
        sa.Column("required_interviewers", sa.Integer(), nullable=False),
        sa.Column("allow_multiple_interviewers", sa.Boolean(), nullable=False),
        sa.Column("requires_feedback_before_discussion", sa.Boolean(), nullable=False),
        sa.Column("questions", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("scorecard_criteria", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("skills_assessed", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("instructions", sa.Text(), nullable=False),
        sa.Column("preparation_guide", sa.Text(), nullable=False),
        sa.Column("candidate_instructions", sa.Text(), nullable=False),
        sa.Column("department", sa.String(length=120), nullable=False),
        sa.Column("job_level", sa.String(length=32), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "interview_type IN ('phone', 'video', 'in_person', 'technical', 'panel', 'assessment', 'final', 'culture_fit', 'case_study', 'behavioral')",
            name=op.f("ck_interview_templates_interview_type"),
        ),
        sa.CheckConstraint(
            "job_level IN ('entry', 'junior', 'mid', 'senior', 'lead')", name=op.f("ck_interview_templates_job_level")
        ),
        sa.CheckConstraint("default_duration BETWEEN 5 AND 1440", name=op.f("ck_interview_templates_default_duration")),
        sa.CheckConstraint("required_interviewers >= 1", name=op.f("ck_interview_templates_required_interviewers")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_interview_templates_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_interview_templates")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_interview_templates_tenant_id_name")),
    )
    op.create_index(
        "ix_interview_templates_type", "interview_templates", ["tenant_id", "interview_type", "name"], unique=False
    )
    op.create_table(
        "interview_slots",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("interviewer_id", sa.Uuid(), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("slot_type", sa.String(length=32), nullable=False),
        sa.Column("recurrence", sa.String(length=300), nullable=False),
        sa.Column("series_id", sa.Uuid(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_by_id", sa.Uuid(), nullable=True),
        sa.Column("booked_type", sa.String(length=32), nullable=True),
        sa.Column("booked_id", sa.Uuid(), nullable=True),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "booked_type IN ('interview', 'mock_interview', 'training_session')",
            name=op.f("ck_interview_slots_booked_type"),
        ),
        sa.CheckConstraint(
            "slot_type IN ('any', 'interview', 'mock_interview')", name=op.f("ck_interview_slots_slot_type")
        ),
        sa.CheckConstraint('"end" > start', name=op.f("ck_interview_slots_end_after_start")),
        sa.CheckConstraint("(booked_id IS NULL) = (booked_at IS NULL)", name=op.f("ck_interview_slots_booked_when")),
        sa.CheckConstraint("(booked_id IS NULL) = (booked_type IS NULL)", name=op.f("ck_interview_slots_booked_what")),
        sa.CheckConstraint("(held_by_id IS NULL) = (held_until IS NULL)", name=op.f("ck_interview_slots_held_until")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "held_by_id"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_interview_slots_tenant_id_held_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "interviewer_id"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_interview_slots_tenant_id_interviewer_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_interview_slots_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_interview_slots")),
        sa.UniqueConstraint(
            "tenant_id", "booked_type", "booked_id", name=op.f("uq_interview_slots_tenant_id_booked_type_booked_id")
        ),
    )
    op.create_index(
        "ix_slots_interviewer", "interview_slots", ["tenant_id", "interviewer_id", "start", "id"], unique=False
    )
    op.create_index("ix_slots_series", "interview_slots", ["tenant_id", "series_id", "start"], unique=False)
    op.create_index("ix_slots_start", "interview_slots", ["tenant_id", "start", "id"], unique=False)
    op.create_table(
        "time_off",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("notes", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('vacation', 'sick', 'meeting', 'holiday', 'blocked')", name=op.f("ck_time_off_kind")
        ),
        sa.CheckConstraint('"end" > start', name=op.f("ck_time_off_end_after_start")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_time_off_tenant_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_time_off_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_time_off")),
    )
    op.create_index("ix_time_off_start", "time_off", ["tenant_id", "start", "id"], unique=False)
    op.create_index("ix_time_off_user", "time_off", ["tenant_id", "user_id", "start", "id"], unique=False)
    op.create_table(
        "working_hours",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("monday", sa.String(length=100), nullable=False),
        sa.Column("tuesday", sa.String(length=100), nullable=False),
        sa.Column("wednesday", sa.String(length=100), nullable=False),
        sa.Column("thursday", sa.String(length=100), nullable=False),
        sa.Column("friday", sa.String(length=100), nullable=False),
        sa.Column("saturday", sa.String(length=100), nullable=False),
        sa.Column("sunday", sa.String(length=100), nullable=False),
        sa.Column("max_per_day", sa.Integer(), nullable=True),
        sa.Column("max_per_week", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("max_per_day IS NULL OR max_per_day >= 1", name=op.f("ck_working_hours_max_per_day")),
        sa.CheckConstraint("max_per_week IS NULL OR max_per_week >= 1", name=op.f("ck_working_hours_max_per_week")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_working_hours_tenant_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_working_hours_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_working_hours")),
        sa.UniqueConstraint("tenant_id", "user_id", name=op.f("uq_working_hours_tenant_id_user_id")),
    )
    op.create_table(
        "engagements",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_type", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("candidate_id", sa.Uuid(), nullable=True),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("overrule_reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "subject_type IN ('interview', 'mock_interview', 'training_session')",
            name=op.f("ck_engagements_subject_type"),
        ),
        sa.CheckConstraint('"end" > start', name=op.f("ck_engagements_end_after_start")),
        sa.CheckConstraint("(user_id IS NULL) <> (candidate_id IS NULL)", name=op.f("ck_engagements_one_person")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "candidate_id"],
            ["candidates.tenant_id", "candidates.id"],
            name=op.f("fk_engagements_tenant_id_candidate_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"], ["users.tenant_id", "users.id"], name=op.f("fk_engagements_tenant_id_user_id")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_engagements_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_engagements")),
        sa.UniqueConstraint(
            "tenant_id",
            "subject_type",
            "subject_id",
            "person_id",
            name=op.f("uq_engagements_tenant_id_subject_type_subject_id_person_id"),
        ),
    )
    op.create_index("ix_engagements_person", "engagements", ["tenant_id", "person_id", "start", "id"], unique=False)
    op.create_index("ix_engagements_start", "engagements", ["tenant_id", "start", "id"], unique=False)
    op.create_table(
        "interview_feedback",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("interview_id", sa.Uuid(), nullable=False),
        sa.Column("interviewer_id", sa.Uuid(), nullable=False),
        sa.Column("overall_rating", sa.SmallInteger(), nullable=True),
        sa.Column("technical_skills", sa.SmallInteger(), nullable=True),
        sa.Column("communication", sa.SmallInteger(), nullable=True),
        sa.Column("cultural_fit", sa.SmallInteger(), nullable=True),
        sa.Column("problem_solving", sa.SmallInteger(), nullable=True),
        sa.Column("recommendation", sa.String(length=32), nullable=True),
        sa.Column("strengths", sa.Text(), nullable=False),
        sa.Column("weaknesses", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("private_notes", sa.Text(), nullable=False),
        sa.Column("custom_ratings", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "recommendation IN ('strong_yes', 'yes', 'maybe', 'no', 'strong_no')",
            name=op.f("ck_interview_feedback_recommendation"),
        ),
        sa.CheckConstraint("communication BETWEEN 1 AND 5", name=op.f("ck_interview_feedback_communication")),
        sa.CheckConstraint("cultural_fit BETWEEN 1 AND 5", name=op.f("ck_interview_feedback_cultural_fit")),
        sa.CheckConstraint("overall_rating BETWEEN 1 AND 5", name=op.f("ck_interview_feedback_overall_rating")),
        sa.CheckConstraint("problem_solving BETWEEN 1 AND 5", name=op.f("ck_interview_feedback_problem_solving")),
        sa.CheckConstraint(
            "submitted_at IS NULL OR (overall_rating IS NOT NULL AND recommendation IS NOT NULL)",
            name=op.f("ck_interview_feedback_submitted"),
        ),
        sa.CheckConstraint("technical_skills BETWEEN 1 AND 5", name=op.f("ck_interview_feedback_technical_skills")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "interview_id"],
            ["interviews.tenant_id", "interviews.id"],
            name=op.f("fk_interview_feedback_tenant_id_interview_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "interviewer_id"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_interview_feedback_tenant_id_interviewer_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_interview_feedback_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_interview_feedback")),
        sa.UniqueConstraint(
            "tenant_id",
            "interview_id",
            "interviewer_id",
            name=op.f("uq_interview_feedback_tenant_id_interview_id_interviewer_id"),
        ),
    )
    op.create_index(
        "ix_feedback_interviewer",
        "interview_feedback",
        ["tenant_id", "interviewer_id", "submitted_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_feedback_recommendation",
        "interview_feedback",
        ["tenant_id", "recommendation", "submitted_at", "id"],
        unique=False,
    )
    op.create_index("ix_feedback_submitted", "interview_feedback", ["tenant_id", "submitted_at", "id"], unique=False)
    _add_template()
    _engage_what_is_open()
    _refuse_overlaps()
    _grant()


def _add_template() -> None:
    """SQLite cannot add a foreign key of two columns to a table: it is made anew, its checks and all."""
    with op.batch_alter_table("interviews") as table:
        table.add_column(sa.Column("template_id", sa.Uuid(), nullable=True))
        table.create_foreign_key(
            op.f("fk_interviews_tenant_id_template_id"),
            "interview_templates",
            ["tenant_id", "template_id"],
            ["tenant_id", "id"],
        )
    of_template = sa.text("template_id IS NOT NULL")
    op.create_index(
        "ix_interviews_template",
        "interviews",
        ["tenant_id", "template_id", "scheduled_start", "id"],
        unique=False,
        postgresql_where=of_template,
        sqlite_where=of_template,
    )


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _engage_what_is_open() -> None:
    key = "lower(hex(randomblob(16)))" if _on_sqlite() else "gen_random_uuid()"
    now = "strftime('%Y-%m-%d %H:%M:%f000', 'now')" if _on_sqlite() else "now()"
    columns = (
        'tenant_id, id, subject_type, subject_id, person_id, user_id, candidate_id, start, "end", overrule_reason, '
        "created_at"
    )
    times = f"i.scheduled_start, i.scheduled_end, '', {now} FROM interviews i"
    op.execute(
        f"INSERT INTO engagements ({columns}) SELECT i.tenant_id, {key}, 'interview', i.id, p.user_id, p.user_id, NULL, "
        f"{times} JOIN panelists p ON p.tenant_id = i.tenant_id AND p.interview_id = i.id "
        f"WHERE i.status IN {OPEN} AND p.reply <> 'declined'"
    )
    op.execute(
        f"INSERT INTO engagements ({columns}) SELECT i.tenant_id, {key}, 'interview', i.id, a.candidate_id, NULL, "
        f"a.candidate_id, {times} JOIN applications a ON a.tenant_id = i.tenant_id AND a.id = i.application_id "
        f"WHERE i.status IN {OPEN}"
    )
    op.execute(
        f"UPDATE engagements SET overrule_reason = '{KEPT}' WHERE EXISTS (SELECT 1 FROM engagements o "
        "WHERE o.tenant_id = engagements.tenant_id AND o.person_id = engagements.person_id "
        'AND o.id <> engagements.id AND o.start < engagements."end" AND o."end" > engagements.start)'
    )


def _refuse_overlaps() -> None:
    if _on_sqlite():
        _refuse("engagements", "person_id", "NEW.overrule_reason = '' AND ")
        _refuse("interview_slots", "interviewer_id", "")
        return
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute("CREATE SEQUENCE engagement_positions OWNED BY engagements.position")
    op.execute("ALTER TABLE engagements ALTER COLUMN position SET DEFAULT nextval('engagement_positions')")
    op.execute("UPDATE engagements SET position = nextval('engagement_positions')")
    # Two that were not overruled exclude each other whatever their order (both ranges begin at minus infinity). One
    # that was overruled excludes what comes after it and nothing before. Two that were overruled exclude nothing.
    op.execute("""
        ALTER TABLE engagements ADD CONSTRAINT engagements_no_overlap EXCLUDE USING gist (
            person_id WITH =,
            tstzrange(start, "end") WITH &&,
            (CASE overrule_reason WHEN '' THEN int8range(NULL, position, '[]') ELSE int8range(position, NULL) END)
                WITH &&,
            (CASE overrule_reason WHEN '' THEN int8range(NULL, NULL) ELSE int8range(position, position, '[]') END)
                WITH &&
        )""")
    op.execute(
        "ALTER TABLE interview_slots ADD CONSTRAINT interview_slots_no_overlap "
        'EXCLUDE USING gist (interviewer_id WITH =, tstzrange(start, "end") WITH &&)'
    )


def _refuse(table: str, person: str, unless: str) -> None:
    """A trigger is enough on SQLite: it has one writer at a time, who sees all that was there before."""
    for verb, when in (("INSERT", ""), ("UPDATE", f' OF {person}, start, "end"')):
        op.execute(
            f"CREATE TRIGGER {table}_no_overlap_{verb.lower()} BEFORE {verb}{when} ON {table} WHEN {unless}EXISTS ("
            f"SELECT 1 FROM {table} o WHERE o.tenant_id = NEW.tenant_id AND o.{person} = NEW.{person} "
            'AND o.id <> NEW.id AND o.start < NEW."end" AND o."end" > NEW.start) '
            f"BEGIN SELECT RAISE(ABORT, '{table}_no_overlap'); END"
        )


def _grant() -> None:
    meta, uuid = sa.MetaData(), sa.Uuid()
    roles = sa.Table("roles", meta, sa.Column("tenant_id", uuid), sa.Column("id", uuid), sa.Column("name", sa.String))
    grants = sa.Table(
        "grants", meta, sa.Column("tenant_id", uuid), sa.Column("id", uuid), sa.Column("role_id", uuid),
        sa.Column("permission", sa.String), sa.Column("reach", sa.String),
        sa.Column("stages", sa.JSON().with_variant(postgresql.JSONB(), "postgresql")),
        sa.Column("created_at", sa.DateTime(timezone=True)), sa.Column("updated_at", sa.DateTime(timezone=True)),
        sa.Column("version", sa.Integer),
    )  # fmt: skip
    bind, at = op.get_bind(), datetime.now(UTC)  # noqa: TID251 - a migration has no clock of the portal's
    held = {tuple(row) for row in bind.execute(sa.select(grants.c.role_id, grants.c.permission, grants.c.reach))}
    new = [
        {"tenant_id": role.tenant_id, "id": uuid4(), "role_id": role.id, "permission": permission, "reach": reach,
         "stages": [], "created_at": at, "updated_at": at, "version": 1}
        for role in bind.execute(sa.select(roles)).all()
        for permission, reach in GRANTS.get(role.name, ())
        if (role.id, permission, reach) not in held
    ]  # fmt: skip
    if new:
        bind.execute(sa.insert(grants), new)


def downgrade() -> None:
    op.drop_index("ix_interviews_template", table_name="interviews")
    with op.batch_alter_table("interviews") as table:
        table.drop_constraint(op.f("fk_interviews_tenant_id_template_id"), type_="foreignkey")
        table.drop_column("template_id")
    op.drop_index("ix_feedback_submitted", table_name="interview_feedback")
    op.drop_index("ix_feedback_recommendation", table_name="interview_feedback")
    op.drop_index("ix_feedback_interviewer", table_name="interview_feedback")
    op.drop_table("interview_feedback")
    op.drop_index("ix_engagements_start", table_name="engagements")
    op.drop_index("ix_engagements_person", table_name="engagements")
    op.drop_table("engagements")
    op.drop_table("working_hours")
    op.drop_index("ix_time_off_user", table_name="time_off")
    op.drop_index("ix_time_off_start", table_name="time_off")
    op.drop_table("time_off")
    op.drop_index("ix_slots_start", table_name="interview_slots")
    op.drop_index("ix_slots_series", table_name="interview_slots")
    op.drop_index("ix_slots_interviewer", table_name="interview_slots")
    op.drop_table("interview_slots")
    op.drop_index("ix_interview_templates_type", table_name="interview_templates")
    op.drop_table("interview_templates")
