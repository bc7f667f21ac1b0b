"""What the conduct page shows: whom and what it is about, the checklist, what came before, what will follow."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.admin import history
from portal.admin.cells import when, zone_note
from portal.core import access, clock
from portal.core.db import db
from portal.core.errors import Invalid
from portal.core.forms import span_label
from portal.core.types import words
from portal.hiring.workflow import BY_NAME
from portal.people.models import User
from portal.practice import assessing, checklists
from portal.practice.admin import CATEGORY_TONES, DECISION_TONES, MOCK_INTERVIEWS, TONES
from portal.practice.conduct_forms import ConductForm, area, said
from portal.practice.forms import CompleteMockForm
from portal.practice.models import (
    ChecklistCategory,
    Decision,
    MockInterview,
    MockInterviewChecklistItem,
    MockStatus,
)

Item = MockInterviewChecklistItem


def url_of(key: UUID) -> str:
    return f"{MOCK_INTERVIEWS.row_url(key)}/conduct"


def show(
    mock: MockInterview, form: ConductForm, *, wrong: Mapping[str, list[str]] | None = None, conflict: Any = None,
    told: str = "", typed: bool = False,
) -> ResponseReturnValue:  # fmt: skip
    """The page. ``wrong`` are errors by item, ``conflict`` two versions of some, ``told`` what happened meanwhile;
    ``typed``: it is over, and what stands in the form is there to be copied."""
    going_on = mock.status == MockStatus.IN_PROGRESS
    wrong = wrong or {}
    body = render_template(
        "practice/conduct.html", title=str(mock), mock=mock, form=form, typed=typed, going_on=going_on,
        crumbs=[{"label": MOCK_INTERVIEWS.title, "url": MOCK_INTERVIEWS.url},
                {"label": mock.application.candidate.full_name, "url": MOCK_INTERVIEWS.row_url(mock.id)}],
        status={"label": words(mock.status), "colour": TONES[mock.status], "hint": ""},
        groups=_groups(mock.items, wrong, conflict), conflict=conflict, told=told,
        over=_over(mock), facts=_facts(mock), former=_former(mock), consequences=_consequences(mock, form),
        began=when(mock.started_at, current_user.timezone), now=clock.now(), url=url_of(mock.id),
        categories=[(each.value, words(each.value)) for each in ChecklistCategory],
        zone_note=zone_note(current_user, clock.now()),
    )  # fmt: skip
    late = bool(conflict or told) or (typed and not going_on)
    return body, 409 if late else 422 if form.errors or wrong else 200


# --- the checklist ------------------------------------------------------------------------------------


def _groups(items: Iterable[Item], wrong: Mapping[str, list[str]], conflict: Any) -> list[dict[str, Any]]:
    fresh = {row["id"] for row in conflict["items"]} if conflict else set()
    return [
        {"label": words(name), "tone": CATEGORY_TONES[name], "items": [_item(each, wrong, fresh) for each in found]}
        for name, found in checklists.by_category(items)
    ]


def _item(row: Item, wrong: Mapping[str, list[str]], fresh: set[str]) -> dict[str, Any]:
    """One criterion as it stands, or as it was typed."""
    key = str(row.id)
    stored = {"passed": said(row.passed), "rating": str(row.rating or ""), "notes": row.notes,
              "version": str(row.version)}  # fmt: skip
    sent = {name: request.form.get(f"item-{key}-{name}", value) for name, value in stored.items()}
    if key in fresh:  # both versions have been shown: who sends it once more means it
        sent["version"] = stored["version"]
    return {"id": key, "criterion": row.criterion, "area": area(row.criterion), "errors": wrong.get(key, []), **sent}


@dataclass(frozen=True)
class Wrong:
    """Errors by the item's key, and those of the other fields."""

    items: dict[str, list[str]]
    rest: dict[str, list[str]]


def split_errors(error: Invalid, checklist: Sequence[Mapping[str, Any]]) -> Wrong:
    found = Wrong({}, {})
    for name, texts in error.errors.items():
        parts = name.split(".")
        if parts[0] == "checklist" and len(parts) == 3:
            found.items.setdefault(str(checklist[int(parts[1])]["id"]), []).extend(texts)
        else:
            found.rest[name] = texts
    return found


def conflict_of(rows: Sequence[Item], checklist: Sequence[Mapping[str, Any]], user: Any) -> dict[str, Any]:
    """Two versions of the items that somebody else has judged meanwhile."""
    mine = {str(each["id"]): each for each in checklist}
    told, _ = history.entries(db.session, rows[0], user, limit=1)
    found = [
        {"id": str(row.id), "label": row.criterion, "field": "", "mine": _reads(mine[str(row.id)]),
         "theirs": _reads({"passed": row.passed, "rating": row.rating, "notes": row.notes})}
        for row in rows
    ]  # fmt: skip
    return {"who": told[0]["who"] if told else "somebody", "when": told[0]["when"] if told else "", "rows": found,
            "items": found}  # fmt: skip


_PASSED = {True: "Passed", False: "Not passed", None: "Not yet judged"}


def _reads(judgement: Mapping[str, Any]) -> str:
    rated = f", rated {judgement['rating']} of 5" if judgement["rating"] else ""
    noted = f": {judgement['notes']}" if judgement["notes"] else ""
    return f"{_PASSED[judgement['passed']]}{rated}{noted}"


# --- whom and what it is about ------------------------------------------------------------------------


def _facts(mock: MockInterview) -> list[dict[str, Any]]:
    application = mock.application
    candidate, job = application.candidate, application.job
    link = f"/candidates/{candidate.id}" if access.may(current_user, "read:candidates") else ""
    facts = [
        {"label": "Candidate", "lines": [candidate.full_name], "url": link},
        {"label": "Job", "lines": [job.title]}, {"label": "Role", "lines": [job.job_role.name]},
        {"label": "Time", "lines": _times(mock, candidate.timezone)},
        {"label": "How", "lines": [words(mock.mode)], "link": mock.meeting_link},
        {"label": "Attempt", "lines": [str(mock.attempt)]},
        {"label": "Coordinator", "lines": [mock.coordinator.full_name]},
    ]  # fmt: skip
    recruiter = db.session.get(User, (mock.tenant_id, application.recruiter_id)) if application.recruiter_id else None
    return facts + ([{"label": "Recruiter", "lines": [recruiter.full_name]}] if recruiter else [])


def _times(mock: MockInterview, candidate_zone: str) -> list[str]:
    if mock.scheduled_start is None or mock.scheduled_end is None:
        return ["Not yet arranged"]
    zones = dict.fromkeys((current_user.timezone, mock.timezone, candidate_zone or mock.timezone))
    return [span_label(mock.scheduled_start, mock.scheduled_end, name) for name in zones]


def _former(mock: MockInterview) -> list[dict[str, Any]]:
    """The earlier attempts, as far as the reader may see what came of them."""
    if mock.attempt < 2:
        return []
    return [
        {"attempt": each.mock.attempt, "url": MOCK_INTERVIEWS.row_url(each.mock.id), "failed": each.failed,
         "badge": {"label": words(str(each.mock.decision)), "colour": DECISION_TONES[str(each.mock.decision)]},
         "rating": each.mock.overall_rating, "when": when(each.mock.completed_at, current_user.timezone),
         "weaknesses": each.mock.weaknesses, "recommendations": each.mock.recommendations,
         "training": _training(each.training) if each.training else None}
        for each in assessing.former_attempts(db.session, mock, current_user)
    ]  # fmt: skip


def _training(row: Any) -> dict[str, Any]:
    ended = words(row.outcome) if row.outcome else words(row.status)
    return {"what": words(row.training_type), "became": ended, "areas": row.focus_areas, "notes": row.completion_notes}


def _over(mock: MockInterview) -> str:
    """Why nothing can be assessed now, and whose doing it is; '' while it goes on."""
    if mock.status == MockStatus.IN_PROGRESS:
        return ""
    if mock.status == MockStatus.REQUESTED:
        return "It has no time yet. Give it one first; then it can be started."
    if mock.status == MockStatus.SCHEDULED:
        return "It has not been started. Press Start when you begin: the clock runs from then."
    return (
        f"This mock interview is {words(mock.status).lower()}: {history.last_change(db.session, mock.id, current_user)}"
    )


# --- what will follow ---------------------------------------------------------------------------------

_LEADS_TO = {
    Decision.APPROVED: "mock_interview_passed", Decision.NEEDS_TRAINING: "training_assigned",
    Decision.REJECTED: "rejected_interview",
}  # fmt: skip
_BESIDES = {
    Decision.APPROVED: "The candidate is ready for the client's interview.",
    Decision.NEEDS_TRAINING: "The training above is assigned, and a new attempt may follow it.",
    Decision.REJECTED: "The application ends there.",
}


def _consequences(mock: MockInterview, form: CompleteMockForm) -> list[tuple[str, str, str]]:
    """By decision: its name, and what completing will do to the application."""
    offered = {choice.value for choice in form.decision.choices}
    return [
        (str(decision), words(decision), f"The application moves to “{BY_NAME[status].label}”. {_BESIDES[decision]}")
        for decision, status in _LEADS_TO.items()
        if decision in offered
    ]


def became(mock: MockInterview) -> str:
    """Where a completed one has left its application."""
    status = BY_NAME.get(mock.application.status)
    return f"The application is “{status.label}” now." if status else ""
