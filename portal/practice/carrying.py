"""What moves of mock interviews and trainings do to their applications, and what an application's hold or
withdrawal does to them (SPEC §2): all in the transaction of the move."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import access, audit, events
from portal.core.audit import jsonable
from portal.core.db import among, insert_many, new_id
from portal.core.errors import PortalError, WrongState
from portal.core.events import Event
from portal.core.tenancy import tenant_id
from portal.core.types import number, words
from portal.core.workflow import Change, Moved
from portal.hiring.models import ActivityType, Application, Job
from portal.hiring.workflow import APPLICATION, BY_NAME, write_activities
from portal.practice.models import (
    GOING_ON,
    OPEN,
    Decision,
    MockInterview,
    Priority,
    SessionStatus,
    TrainingAssignment,
    TrainingSession,
    TrainingStatus,
)
from portal.practice.workflow import MOCK_INTERVIEW, SENT, SENT_FROM, SESSION, TRAINING, back_to, training_wanted

ASSIGNED = "training_assigned"


def carry(session: Any, applications: Sequence[UUID], target: str, change: Change, **data: Any) -> None:
    """Take the applications to ``target``; those that the pipeline does not lead there stay where they are."""
    if applications:
        APPLICATION.apply(session, list(applications), target, change.carried(**data))


def locked(session: Any, ids: Sequence[UUID], change: Change, *permissions: str) -> dict[UUID, Any]:
    """Those of the applications ``ids`` that the reader may see, locked: id, status, candidate, job role, and whether
    they are ``allowed`` to do what ``permissions`` permit."""
    allowed = access.visible(Application, change.by, *permissions, rowwise=True) if change.by else sa.true()
    columns = (Application.id, Application.status, Application.candidate_id, Job.job_role_id, allowed.label("allowed"))
    query = sa.select(*columns).join(Job, Job.id == Application.job_id)
    query = query.where(among(session, Application.id, ids)).order_by(Application.id)
    if change.by is not None:
        query = access.scope(query, Application, change.by, "read:applications", *permissions, rowwise=True)
    rows = session.execute(query.with_for_update(of=Application, key_share=True))
    return {row.id: row for row in rows}


# --- mock interviews ----------------------------------------------------------------------------------


def _refuse_strayed(session: Any, moved: Sequence[Moved], change: Change) -> Mapping[UUID, PortalError]:
    """What is assessed is an application that waits for it."""
    return {m.id: _strayed(m.before.application_status) for m in moved if m.before.application_status != SENT}


def _strayed(status: str) -> WrongState:
    return WrongState(f"The application is {words(status).lower()} and does not wait for this.", state=status)


def _decide(session: Any, moved: Sequence[Moved], change: Change) -> None:
    """The assessment takes its application on: completed, then passed or failed, then to training or rejected."""
    by_decision: dict[str, list[Moved]] = defaultdict(list)
    for m in moved:
        by_decision[m["decision"]].append(m)
    for decision, group in by_decision.items():
        ids, why = [m["application_id"] for m in group], f"Mock interview: {words(decision).lower()}"
        carry(session, ids, "mock_interview_completed", change, reason=why)
        if decision == Decision.APPROVED:
            carry(session, ids, "mock_interview_passed", change, reason=why)
        else:
            carry(session, ids, "mock_interview_failed", change, reason=why)
        if decision == Decision.NEEDS_TRAINING:
            wanted = training_wanted(change)
            give_training(session, {m["application_id"]: m.id for m in group}, wanted, change)
        elif decision == Decision.REJECTED:
            carry(session, ids, "rejected_interview", change, reason=why)
    _forget_drafts(session, [m.id for m in moved])
    _tell_results(session, moved, change)


def _forget_drafts(session: Any, ids: Sequence[UUID]) -> None:
    table: Any = MockInterview.__table__
    mine = (table.c.tenant_id == tenant_id(), table.c.id.in_(ids))
    session.execute(sa.update(table).where(*mine).values(draft={}))


def _tell_results(session: Any, moved: Sequence[Moved], change: Change) -> None:
    events.record_many(session, [
        Event("CandidateApprovedForClientInterview" if m["decision"] == Decision.APPROVED
              else "CandidateFailedMockInterview", m.id, told(m["application_id"], change, decision=m["decision"]))
        for m in moved
    ], change.at)  # fmt: skip


def told(application: UUID, change: Change, **more: Any) -> dict[str, Any]:
    """The payload of the events that notify."""
    return {"application": str(application), "actor": change.actor_text, **more}


def _return(session: Any, moved: Sequence[Moved], change: Change) -> None:
    """It does not take place: the application goes back to where it was sent from."""
    if change.data.get("leave_application"):
        return
    reason = change.reason or ("The candidate did not come" if moved[0].verb == "no_show" else "")
    for attempt in (1, 2):
        group = [m["application_id"] for m in moved if (m.before.attempt > 1) == (attempt > 1)]
        carry(session, group, back_to(attempt), change, reason=reason)


def _send_again(session: Any, moved: Sequence[Moved], change: Change) -> None:
    """A no-show that gets a new time is a sending again, to its coordinator."""
    again = {m["application_id"]: m["coordinator_id"] for m in moved if m.source == "no_show"}
    carry(session, list(again), SENT, change, reason="The mock interview was rescheduled", coordinators=again)


def _refuse_second(session: Any, moved: Sequence[Moved], change: Change) -> Mapping[UUID, PortalError]:
    """A no-show whose attempt another one assessed since stays one; and of several of one application that are
    rescheduled together, only the first comes back."""
    seen: set[UUID] = set()
    refused: dict[UUID, PortalError] = {}
    for m in moved:
        if m.source == "no_show" and m.before.attempt <= m.before.assessed:
            told = "Another mock interview assessed this attempt since; send the application to a new one."
            refused[m.id] = WrongState(told, state=m.source)
            continue
        if m.source == "no_show" and m["application_id"] in seen:
            refused[m.id] = WrongState("Another mock interview of this application is open.", state=m.source)
        seen.add(m["application_id"])
    return refused


def _tell_of_approval(session: Any, moved: Sequence[Moved], change: Change) -> None:
    """Who is approved without a mock interview, or without a second one, is approved for the client all the same."""
    past = [m for m in moved if m.source in SENT_FROM]
    events.record_many(session, [
        Event("CandidateApprovedForClientInterview", m.id, told(m.id, change)) for m in past
    ], change.at)  # fmt: skip


# --- training -----------------------------------------------------------------------------------------


def give_training(
    session: Any, applications: Mapping[UUID, UUID | None], values: Mapping[str, Any], change: Change
) -> list[UUID]:
    """Assign training, as ``values`` of clean columns say, to each of ``applications`` (-> the mock interview it
    follows from), which stand at mock_interview_failed and are locked; answers the new keys."""
    owner, keys = tenant_id(), {application: new_id() for application in applications}
    same = {
        "assigned_by_id": change.actor, "status": TrainingStatus.ASSIGNED.value, "priority": Priority.MEDIUM.value,
        "focus_areas": [], "skills_to_improve": [], "start_date": None, "end_date": None, "progress_notes": "",
        "completion_notes": "", "started_at": None, "completed_at": None, "cancelled_at": None,
        "cancellation_reason": "", "outcome": None, "ready_for_reassessment": False,
        "created_at": change.at, "updated_at": change.at, "version": 1, **values,
    }  # fmt: skip
    rows = [
        {"tenant_id": owner, "id": keys[application], "application_id": application, "mock_interview_id": mock, **same}
        for application, mock in applications.items()
    ]
    insert_many(session, TrainingAssignment.__table__, rows)  # type: ignore[arg-type]
    write_created(session, "training_assignments", rows, change)
    kind = words(str(values["training_type"]))
    write_activities(session, [
        (application, ActivityType.TRAINING_ASSIGNED, "", str(values["training_type"]), "",
         {"training_id": str(keys[application])})
        for application in applications
    ], change)  # fmt: skip
    carry(session, list(applications), ASSIGNED, change, reason=f"{kind} was assigned")
    events.record_many(session, [Event("TrainingAssigned", keys[a], told(a, change)) for a in applications], change.at)
    return list(keys.values())


_SILENT = ("tenant_id", "id", "created_at", "updated_at", "version", "search_text", "draft")


def write_created(session: Any, entity: str, rows: Sequence[Mapping[str, Any]], change: Change) -> None:
    """The audit of rows that were inserted beside the session."""
    made = [
        (row["id"], {name: [None, jsonable(value)] for name, value in row.items() if name not in _SILENT})
        for row in rows
    ]  # fmt: skip
    audit.write(session, tenant_id(), entity, "created", made, at=change.at)


_FOLLOWS_TRAINING = {
    "start": "training_in_progress", "complete": "training_completed", "cancel": "mock_interview_failed",
    "ready_for_reassessment": "ready_for_reassessment",
}  # fmt: skip


def _carry_training(session: Any, moved: Sequence[Moved], change: Change) -> None:
    if not change.data.get("leave_application"):
        applications = [m["application_id"] for m in moved]
        carry(session, applications, _FOLLOWS_TRAINING[moved[0].verb], change, reason=change.reason)


def _refuse_strayed_training(session: Any, moved: Sequence[Moved], change: Change) -> Mapping[UUID, PortalError]:
    wanted = {"start": ASSIGNED, "complete": "training_in_progress"}[moved[0].verb]
    return {m.id: _strayed(m.before.application_status) for m in moved if m.before.application_status != wanted}


_ENDED = {"complete": "The training was completed", "cancel": "The training was cancelled"}


def _end_sessions(session: Any, moved: Sequence[Moved], change: Change) -> None:
    """What was still to come of a training that ends does not take place."""
    ahead = sa.select(TrainingSession.id).where(
        TrainingSession.assignment_id.in_([m.id for m in moved]), TrainingSession.status == SessionStatus.SCHEDULED
    )
    if ids := list(session.scalars(ahead)):
        SESSION.apply(session, ids, "cancel", change.carried(reason=_ENDED[moved[0].verb]))


def _warn_of_sessions(session: Any, trainings: sa.Select[Any]) -> str:
    query = sa.select(sa.func.count()).select_from(TrainingSession)
    count = session.scalar(query.where(
        TrainingSession.assignment_id.in_(trainings), TrainingSession.status == SessionStatus.SCHEDULED
    ))  # fmt: skip
    return (
        f"{number(count, 'session')} that {'is' if count == 1 else 'are'} still to come will be cancelled."
        if count
        else ""
    )


# --- an application's hold or withdrawal --------------------------------------------------------------


def _cancel_with_application(session: Any, moved: Sequence[Moved], change: Change) -> None:
    """An application on hold or withdrawn cancels its open practice, which leaves it where it now is."""
    why = f"The application was {'put on hold' if moved[0].verb == 'on_hold' else 'withdrawn'}"
    reason = f"{why}: {change.reason}" if change.reason else why
    carried = change.carried(reason=reason, leave_application=True)
    applications = [m.id for m in moved]
    for flow, open_ones in ((MOCK_INTERVIEW, _open_mocks(applications)), (TRAINING, _open_trainings(applications))):
        if ids := list(session.scalars(open_ones)):
            flow.apply(session, ids, "cancel", carried)


def _open_mocks(applications: Collection[UUID] | sa.Select[Any]) -> sa.Select[Any]:
    keys = applications if isinstance(applications, sa.Select) else list(applications)
    return sa.select(MockInterview.id).where(MockInterview.application_id.in_(keys), MockInterview.status.in_(OPEN))


def _open_trainings(applications: Collection[UUID] | sa.Select[Any]) -> sa.Select[Any]:
    keys = applications if isinstance(applications, sa.Select) else list(applications)
    return sa.select(TrainingAssignment.id).where(
        TrainingAssignment.application_id.in_(keys), TrainingAssignment.status.in_(GOING_ON)
    )


def _warn_of_cancellations(session: Any, applications: sa.Select[Any]) -> str:
    found = []
    for noun, rows in (
        ("open mock interview", _open_mocks(applications)), ("training", _open_trainings(applications))
    ):  # fmt: skip
        if count := session.scalar(sa.select(sa.func.count()).select_from(rows.subquery())):
            found.append(number(count, noun))
    return f"{' and '.join(found)} will be cancelled." if found else ""


def _warn_of_return(session: Any, mocks: sa.Select[Any]) -> str:
    """Cancelling says where the application goes."""
    # Written out: PostgreSQL takes two parameters of the same value for two expressions, and refuses to group.
    again = MockInterview.attempt > sa.literal_column("1")
    query = sa.select(again, sa.func.count()).where(MockInterview.id.in_(mocks))
    counts = session.execute(query.group_by(again)).all()
    said = [
        f"{number(count, 'application')} {'goes' if count == 1 else 'go'} back to "
        f"“{BY_NAME[back_to(2 if later else 1)].label}”."
        for later, count in counts
    ]
    return " ".join(said)


MOCK_INTERVIEW.judged("complete", _refuse_strayed)
MOCK_INTERVIEW.judged("reschedule", _refuse_second)
MOCK_INTERVIEW.on("complete", _decide)
MOCK_INTERVIEW.on("reschedule", _send_again)
for _verb in ("cancel", "no_show"):
    MOCK_INTERVIEW.on(_verb, _return)
    MOCK_INTERVIEW.foretell(_verb, _warn_of_return)
APPLICATION.on("approved", _tell_of_approval)
TRAINING.on("*", _carry_training)
for _verb in ("start", "complete"):
    TRAINING.judged(_verb, _refuse_strayed_training)
for _verb in _ENDED:
    TRAINING.on(_verb, _end_sessions)
    TRAINING.foretell(_verb, _warn_of_sessions)
for _verb in ("on_hold", "withdrawn"):
    APPLICATION.on(_verb, _cancel_with_application)
    APPLICATION.foretell(_verb, _warn_of_cancellations)
