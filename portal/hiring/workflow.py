"""The moves of an application, built from the pipeline's table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core.access import Holder
from portal.core.db import insert_many
from portal.core.errors import Invalid
from portal.core.tenancy import tenant_id
from portal.core.workflow import Change, Move, Moved, Workflow, register
from portal.hiring.models import ActivityType, Application, ApplicationActivity, StatusChange
from portal.hiring.pipeline import BY_NAME as BY_NAME  # higher features see the pipeline through here
from portal.hiring.pipeline import BY_RECORD, STAGE_OF, STATUSES, WITHOUT_RECORD
from portal.hiring.pipeline import CLOSED as CLOSED

CHANGE_STATUS = ("update:candidate_status", "write:applications")
APPROVE = ("approve:candidates", "write:applications")

_LABELS = {
    "approved": "Approve for interview",
    "withdrawn": "Withdraw",
    "on_hold": "Put on hold",
    "hired": "Mark hired",
    "selected": "Select",
    "rejected_documents": "Reject over documents",
    "rejected_interview": "Reject after interview",
    "rejected_selection": "Reject at selection",
}
_ENDS = ("withdrawn", "on_hold", "rejected_documents", "rejected_interview", "rejected_selection")

# While a mock interview, an interview or training is open, only that record moves its application on.
_HELD_BY_RECORD = frozenset({
    "mock_interview_scheduled", "mock_interview_completed", "training_assigned", "training_in_progress",
    "interview_scheduled", "interview_rescheduled",
})  # fmt: skip


def _stages(target: str) -> frozenset[str]:
    """The stage that a move belongs to; a rejection belongs to the stage in which it happens."""
    stage = STAGE_OF[target]
    return frozenset({target.removeprefix("rejected_") if stage == "rejected" else stage})


def _reason_given(row: Any, change: Change) -> None:
    if not change.reason.strip():
        raise Invalid({"reason": "Please give a reason."})


def _move_to(target: str) -> Move:
    leading = tuple(status.name for status in STATUSES if target in status.leads_to)
    by_hand = tuple(s for s in leading if target not in BY_RECORD and (target in _ENDS or s not in _HELD_BY_RECORD))
    status = BY_NAME[target]
    return Move(
        target,
        by_hand,
        target,
        label=_LABELS.get(target, status.label),
        permissions=APPROVE if target == "approved" else CHANGE_STATUS,
        event="ApplicationStatusChanged",
        form="status_note",
        icon=status.icon,
        tone=status.colour,
        danger=target.startswith("rejected") or target == "withdrawn",
        follows=tuple(s for s in leading if s not in by_hand),
        description=status.description,
        stages=_stages,
        sets=_coordinator,
    )


def _coordinator(row: Any, change: Change) -> dict[str, Any]:
    """The coordinator to whom a move gives the application: ``coordinators`` in its data, by application."""
    given = change.data.get("coordinators", {}).get(row.id)
    return {"coordinator_id": given} if given and given != row.coordinator_id else {}


def _last_change(session: Any, application: UUID, target: str) -> str:
    """The status from which the application last came to ``target``; where it began if it never did."""
    found = session.scalar(
        sa.select(StatusChange.source)
        .where(StatusChange.application_id == application, StatusChange.target == target)
        .order_by(StatusChange.id.desc())
        .limit(1)
    )
    return found or "nominated"


def _came_from(session: Any, rows: Sequence[Any]) -> dict[UUID, str]:
    """For each row the status it came to its present one from, or the last that needs no cancelled record."""
    latest = sa.func.row_number().over(
        partition_by=StatusChange.application_id, order_by=StatusChange.id.desc()
    )  # fmt: skip
    ranked = (
        sa.select(StatusChange.application_id, StatusChange.source, latest.label("rank"))
        .join(Application, Application.id == StatusChange.application_id)
        .where(StatusChange.application_id.in_([row.id for row in rows]), StatusChange.target == Application.status)
        .where(StatusChange.source.not_in(CLOSED))  # a hold that was reopened began before the end
        .subquery()
    )
    newest = sa.select(ranked.c.application_id, ranked.c.source).where(ranked.c.rank == 1)
    before = dict(session.execute(newest).all())
    return {row.id: _without_record(session, row.id, before.get(row.id) or "nominated") for row in rows}


def _without_record(session: Any, application: UUID, status: str) -> str:
    if status == "mock_interview_scheduled":
        # A first attempt came from documents_verified, a later one from ready_for_reassessment.
        return _last_change(session, application, status)
    return WITHOUT_RECORD.get(status, status)


def _write_history(session: Any, moved: Sequence[Moved], change: Change) -> None:
    alike = {
        "tenant_id": tenant_id(), "actor_id": change.actor, "at": change.at, "reason": change.reason,
        "notes": str(change.data.get("notes") or ""),
    }  # fmt: skip
    steps = [{"application_id": m.id, "from_status": m.source, "to_status": m.target} for m in moved]
    insert_many(session, StatusChange.__table__, steps, alike)  # type: ignore[arg-type]
    write_activities(session, [
        (m.id, _type_of(m), m.source, m.target, change.reason, {}) for m in moved
    ], change)  # fmt: skip


def _type_of(moved: Moved) -> ActivityType:
    same_stage = STAGE_OF[moved.source] == STAGE_OF[moved.target]
    return ActivityType.STATUS_CHANGE if same_stage else ActivityType.STAGE_CHANGE


Line = tuple[UUID, ActivityType, str, str, str, dict[str, Any]]


def write_activities(session: Any, lines: Sequence[Line], change: Change) -> None:
    """Write activity lines: (application, type, old value, new value, notes, details) each."""
    alike = {"tenant_id": tenant_id(), "performed_by_id": change.actor, "at": change.at}
    rows = [
        {"application_id": application, "type": kind.value, "old_value": old, "new_value": new, "notes": notes,
         "metadata": details}
        for application, kind, old, new, notes, details in lines
    ]  # fmt: skip
    insert_many(session, ApplicationActivity.__table__, rows, alike)  # type: ignore[arg-type]


APPLICATION = register(Workflow(
    "application",
    Application,
    (
        *(_move_to(status.name) for status in STATUSES if status.name != "nominated"),
        Move("resume", ("on_hold",), None, "Resume", CHANGE_STATUS, "ApplicationStatusChanged", form="status_note",
             icon="play-circle", tone="green", find_targets=_came_from, stages=_stages,
             description="Go back to where it was put on hold"),
        Move("reopen", CLOSED, None, "Reopen", ("manage:applications",), "ApplicationStatusChanged",
             guard=_reason_given, form="reason",
             icon="arrow-counterclockwise", tone="yellow", find_targets=_came_from,
             description="Go back to the status before the end"),
    ),
    reads=("candidate_id", "job_id", "coordinator_id"),
    history=_write_history,
    payload=lambda moved, change: {"actor": change.actor_text},
))  # fmt: skip


# --- what somebody may do now -------------------------------------------------------------------------


@dataclass(frozen=True)
class Option:
    """One thing that a user may do with an application now. ``action`` names it everywhere; ``url`` is its page,
    '' for a move of the application itself."""

    action: str
    label: str
    description: str
    icon: str
    colour: str
    danger: bool = False
    url: str = ""


OffersOption = Callable[[Any, Application, Holder, datetime], Sequence[Option]]
_offers: list[OffersOption] = []


def offer_options(maker: OffersOption) -> OffersOption:
    """Let a higher feature add to what may be done: (session, application, user, at) -> options."""
    if maker not in _offers:
        _offers.append(maker)
    return maker


def workflow_options(session: Any, application: Application, user: Holder, at: datetime) -> list[Option]:
    """Just what ``user`` may do with ``application`` now (SPEC §2): what leads on first, what ends it last."""
    added = [option for maker in _offers for option in maker(session, application, user, at)]
    moves = [
        Option(move.verb, move.title, move.description, move.icon, move.tone, move.danger)
        for move in APPLICATION.options(session, application, user, at)
    ]
    return sorted([*added, *moves], key=lambda option: (option.danger, option.action in _ENDS))
