"""What the grids themselves keep: saved views, and the runs of bulk actions and exports with their reports."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import access
from portal.core.audit import Audited
from portal.core.db import Editable, Model, OfTenant, Owned, Timestamped, ref, text
from portal.core.types import Choice
from portal.people.models import User


class RunState(StrEnum):
    DRAFT = "draft"
    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


class RowOutcome(StrEnum):
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


class SavedView(Audited, Editable, Owned, Model):
    """A grid's filters, sort and columns under a name; a shared one is offered to the whole tenant."""

    __tablename__ = "saved_views"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "user_id", "grid", "name"),)
    user_id: Mapped[UUID] = ref("users", cascade=True)
    grid: Mapped[str] = mapped_column(sa.String(64))
    name: Mapped[str] = text(80)
    query: Mapped[str] = mapped_column(sa.Text)
    shared: Mapped[bool] = mapped_column(default=False)


class BulkRun(Timestamped, Owned, Model):
    """One bulk action or export: what was asked, by whom, and how far it is. Its rows are ``BulkRow``."""

    __tablename__ = "bulk_runs"
    __table_args__ = (
        sa.Index("ix_bulk_runs_user", "tenant_id", "user_id", "id"),
        sa.Index("ix_bulk_runs_open", "state", postgresql_where=sa.text("state IN ('waiting', 'running')")),
    )
    user_id: Mapped[UUID] = ref("users")
    grid: Mapped[str] = mapped_column(sa.String(64))
    verb: Mapped[str] = mapped_column(sa.String(40))
    label: Mapped[str] = mapped_column(sa.String(120))
    # What the form said, as JSON; and the grid's query string where "all that match" were chosen.
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    query: Mapped[str] = mapped_column(sa.Text, default="")
    state: Mapped[str] = mapped_column(Choice(RunState), default=RunState.DRAFT)
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    # The position of the first row that has not been dealt with: what is before it stands as its outcome says.
    reached: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    # A worker that is alive moves this on with each portion; one that stands still may be taken over.
    beat_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(sa.Text, default="")
    file: Mapped[str] = mapped_column(sa.String(200), default="")

    user: Mapped[User] = relationship(viewonly=True)

    @property
    def percent(self) -> int:
        return 100 * (self.done + self.skipped + self.failed) // self.total if self.total else 0

    def __str__(self) -> str:
        return self.label


class BulkRow(OfTenant, Model):
    """One row of a run: what became of it and, in ``reason``, why it was not done, or what it was given.

    A row is listed as done, which most will be, and counts as that once the run has ``reached`` beyond it; only what
    became something else is written again.
    """

    __tablename__ = "bulk_rows"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"], ["bulk_runs.tenant_id", "bulk_runs.id"], ondelete="CASCADE"
        ),
        sa.CheckConstraint("outcome IN ('done', 'skipped', 'failed')", name="outcome"),
    )  # fmt: skip
    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-3)  # the run's, so it needs no key of its own
    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    row_id: Mapped[UUID]
    outcome: Mapped[str] = mapped_column(sa.String(10), default=RowOutcome.DONE)
    reason: Mapped[str] = mapped_column(sa.Text, default="")


access.declare(SavedView, "views", own=lambda me: SavedView.user_id == me)
access.declare(BulkRun, "bulk", own=lambda me: BulkRun.user_id == me)
