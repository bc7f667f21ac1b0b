"""What practice lets somebody do with an application now, beside its own moves (SPEC §2 ``workflow_options``)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal.core import access
from portal.core.access import Holder
from portal.core.workflow import Move, Workflow
from portal.hiring.models import Application
from portal.hiring.workflow import Option, offer_options
from portal.practice.carrying import ASSIGNED
from portal.practice.models import GOING_ON, OPEN, MockInterview, TrainingAssignment, TrainingStatus
from portal.practice.training import ASSIGNED_FROM
from portal.practice.workflow import ASSIGN, MOCK_INTERVIEW, SCHEDULE, SENT, SENT_FROM, TRAINING


@offer_options
def _to_send(session: Any, row: Application, user: Holder, at: datetime) -> Sequence[Option]:
    """Option A, beside the approval, which is option B."""
    if row.status not in SENT_FROM or not _permitted(session, user, row, SCHEDULE):
        return ()
    again = row.status == "ready_for_reassessment"
    told = "A coordinator assesses the candidate anew" if again else "A coordinator rehearses the interview first"
    url = f"/mock-interviews/new?application_id={row.id}"
    return (Option("send_to_mock_interview", "Send to mock interview", told, "clipboard-check", "blue", url=url),)


@offer_options
def _to_train(session: Any, row: Application, user: Holder, at: datetime) -> Sequence[Option]:
    if row.status not in ASSIGNED_FROM or not _permitted(session, user, row, ASSIGN):
        return ()
    told, url = "What the candidate is to work on before a new attempt", f"/training/new?application_id={row.id}"
    return (Option("assign_training", "Assign training", told, "mortarboard", "indigo", url=url),)


def _permitted(session: Any, user: Holder, row: Application, permissions: tuple[str, ...]) -> bool:
    return access.may(user, *permissions) and access.allows(session, user, row, *permissions)


# --- what waits for a record's own move ---------------------------------------------------------------


@offer_options
def _with_mock(session: Any, row: Application, user: Holder, at: datetime) -> Sequence[Option]:
    """An application that waits for its mock interview goes on by that one's moves."""
    if row.status != SENT or not access.may(user, "read:mock_interviews"):
        return ()
    query = access.scope(sa.select(MockInterview), MockInterview, user, rowwise=True)
    mock = session.scalar(query.where(MockInterview.application_id == row.id, MockInterview.status.in_(OPEN)))
    return _moves_of(session, MOCK_INTERVIEW, mock, user, at, "mock_interview", "/mock-interviews") if mock else ()


@offer_options
def _with_training(session: Any, row: Application, user: Holder, at: datetime) -> Sequence[Option]:
    """Likewise in training, until the candidate is ready for reassessment."""
    if row.status not in (ASSIGNED, "training_in_progress", "training_completed"):
        return ()
    if not access.may(user, "read:training"):
        return ()
    states = (TrainingStatus.COMPLETED,) if row.status == "training_completed" else GOING_ON
    query = access.scope(sa.select(TrainingAssignment), TrainingAssignment, user, rowwise=True)
    mine = query.where(TrainingAssignment.application_id == row.id, TrainingAssignment.status.in_(states))
    training = session.scalar(mine.order_by(TrainingAssignment.id.desc()).limit(1))
    return _moves_of(session, TRAINING, training, user, at, "training", "/training") if training else ()


def _moves_of(
    session: Any, flow: Workflow, record: Any, user: Holder, at: datetime, noun: str, path: str
) -> Sequence[Option]:
    moves = [move for move in flow.options(session, record, user, at) if not move.danger]
    return [_option(move, record, noun, path) for move in moves]


def _option(move: Move, record: Any, noun: str, path: str) -> Option:
    """A move that asks for something has its own page; the others are pressed on the record's."""
    label = f"{noun.replace('_', ' ').capitalize()}: {move.title.lower()}"
    url = f"{path}/{record.id}" + (f"/move/{move.verb}" if move.form else "")
    return Option(f"{move.verb}_{noun}", label, move.description, move.icon, move.tone, url=url)
