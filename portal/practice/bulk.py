"""What practice adds to bulk bars of other grids, and says before many rows are acted on."""

from typing import Any

import sqlalchemy as sa

from portal.admin.additions import add_action
from portal.admin.grid import Action
from portal.practice import bulk_forms, forms, spreading, training  # noqa: F401 - forms are found by name
from portal.practice.models import MockInterview, MockStatus
from portal.practice.workflow import ASSIGN, MOCK_INTERVIEW, SCHEDULE, SENT_FROM

add_action(
    "applications",
    Action("assign_training", "Assign training", training.assign_training, ASSIGN, "assign_training", "mortarboard",
           "indigo", sources=training.ASSIGNED_FROM,
           description="What the candidates are to work on before they are assessed again"),
    after="approved",
)  # fmt: skip
add_action(
    "applications",
    Action(spreading.VERB, "Send to mock interview", spreading.send_spread, SCHEDULE, "send_to_mock",
           "clipboard-check", sources=SENT_FROM, description="Coordinators rehearse the interview before the client's"),
    after="approved",
)  # fmt: skip


def _warn_of_sameness(session: Any, mocks: sa.Select[Any]) -> str:
    """Many are assessed as one."""
    going_on = sa.select(MockInterview.id).where(
        MockInterview.id.in_(mocks), MockInterview.status == MockStatus.IN_PROGRESS
    )
    count = session.scalar(sa.select(sa.func.count()).select_from(going_on.subquery()))
    if count < 2:
        return ""
    return (
        f"The same rating, decision and notes for all {count:,}. Their checklists stay as they are: to judge each "
        "candidate, complete them one by one."
    )


MOCK_INTERVIEW.foretell("complete", _warn_of_sameness)
