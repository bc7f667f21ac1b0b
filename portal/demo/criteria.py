"""The demo's checklists: those that every organisation starts with, and short ones for some further roles."""

from typing import Any

import sqlalchemy as sa

from portal.core.workflow import Change
from portal.hiring.models import JobRole
from portal.practice import checklists
from portal.practice.models import ChecklistCategory

_T, _C, _P, _R, _K = (
    ChecklistCategory.TECHNICAL_SKILLS, ChecklistCategory.COMMUNICATION, ChecklistCategory.PROFESSIONALISM,
    ChecklistCategory.ROLE_SPECIFIC, ChecklistCategory.KNOWLEDGE,
)  # fmt: skip
SHORT: dict[str, tuple[tuple[ChecklistCategory, str], ...]] = {
    "ICU Nurse": (
        (_K, "Names the alarms that need somebody at the bed at once"),
        (_T, "Describes the care of a patient on a ventilator"),
        (_T, "Titrates an infusion by a written order"),
        (_R, "Hands over a patient with several lines, in order"),
        (_C, "Calls for help early and says what is needed"),
        (_P, "Says how a mistake on a shift was reported"),
    ),
    "Care Assistant": (
        (_K, "Knows how to move somebody without hurting them or oneself"),
        (_R, "Notices and reports what has changed since yesterday"),
        (_C, "Speaks with the person, not over them"),
        (_P, "Keeps to what was agreed, and says when it cannot be kept"),
    ),
    "Software Engineer": (
        (_K, "Explains a trade-off of their last project"),
        (_T, "Finds the fault in a short piece of code, and tests the cure"),
        (_T, "Breaks a task down before beginning"),
        (_C, "Asks until the task is clear"),
        (_P, "Takes a review well"),
    ),
}  # fmt: skip
# Of any trade; ten, so that each role of the large demo has at least as many.
COMMON: tuple[tuple[ChecklistCategory, str], ...] = (
    (_K, "Knows what the job asks for"), (_K, "Names the rules that bind this work"),
    (_T, "Describes a usual day's work step by step"), (_T, "Says what was difficult, and how it was solved"),
    (_R, "Gives an example of work in a team"), (_R, "Puts urgent before important, with reasons"),
    (_C, "Answers the question that was asked"), (_C, "Explains a matter so that a layman follows"),
    (_P, "Is on time and prepared"), (_P, "Speaks well of former colleagues"),
)  # fmt: skip


def keep(session: Any, change: Change, *, everywhere: bool = False) -> None:
    """The checklists of the present tenant; ``everywhere`` gives each of its roles one."""
    checklists.add_starters(session, change)
    for role in session.scalars(sa.select(JobRole).order_by(JobRole.id)):
        if role.name in SHORT:
            checklists.add_all(session, role.id, SHORT[role.name], change)
        if everywhere:
            checklists.add_all(session, role.id, COMMON, change)
