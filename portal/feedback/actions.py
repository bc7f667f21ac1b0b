"""Give feedback on an interview: as a draft, for good, and, where HR reopens it, once more."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portal.core import audit, events, records
from portal.core.access import Holder, Reach
from portal.core.audit import jsonable
from portal.core.errors import Conflict, Invalid, NotAllowed, WrongState
from portal.core.types import words
from portal.core.workflow import Change
from portal.feedback import workflow
from portal.feedback.models import InterviewFeedback
from portal.feedback.queries import RATINGS, criteria, last_submitted
from portal.hiring.models import ActivityType
from portal.hiring.workflow import write_activities
from portal.interviews.models import AHEAD, Interview, InterviewStatus, Panelist, Part

TEXTS = ("strengths", "weaknesses", "notes", "private_notes")
FIELDS = (*RATINGS, "recommendation", *TEXTS, "custom_ratings")
REOPEN = "write:feedback"
NO_DRAFT = 0
"""The version of a draft that is not there yet: who starts from it has not seen one."""


def save_feedback(
    session: Any,
    interview: Interview,
    values: Mapping[str, Any],
    change: Change,
    *,
    submit: bool = False,
    version: int | None = None,
) -> InterviewFeedback:
    """Keep ``values`` as the actor's draft, or ``submit`` them with it; what is not among ``values`` stays.

    A draft may lack anything. ``version`` is that of the draft the values were made from (NO_DRAFT: none was there).
    Raises NotAllowed without a seat, WrongState before the start or where nothing took place, Conflict once it is
    submitted, records.Stale for an older version, Invalid for a value that breaks a rule, beside its field.
    """
    require_seat(session, interview, change.by)
    # Shared with others who write theirs; a cancellation waits for us, or we see it.
    session.refresh(interview, with_for_update={"read": True})
    require_begun(interview, change)
    row, fresh = _own_row(session, interview, change)
    if row.submitted_at is not None:
        raise Conflict("You have submitted your feedback on this interview already. HR can reopen it for you.")
    if not fresh and version is not None and version != row.version:
        raise records.Stale(row)
    _keep(session, row, interview, values)
    if submit:
        _submit(session, row, interview, change)
    elif fresh:
        _write_audit(session, row, "draft", {}, change)
    return row


# --- who, and when ----------------------------------------------------------------------------------


def require_seat(session: Any, interview: Interview, by: Holder | None) -> None:
    """Only who sits on the panel, and is more than a shadow there, gives feedback; raises NotAllowed in words.

    The seat is what permits it, whatever the role: everybody who is asked for feedback can give it.
    """
    seat = sa.select(Panelist.part).where(Panelist.interview_id == interview.id)
    part = session.scalar(seat.where(Panelist.user_id == by.id)) if by else None
    if part is None:
        raise NotAllowed("Only those who sit on the panel of this interview give feedback on it.")
    if part == Part.SHADOW:
        raise NotAllowed("You sit in as a shadow: shadows watch, and give no feedback.")


def require_begun(interview: Interview, change: Change) -> None:
    """Feedback is about what took place, or is taking place; raises WrongState in words."""
    state = interview.status
    if state in (InterviewStatus.CANCELLED, InterviewStatus.NO_SHOW):
        why = "was cancelled" if state == InterviewStatus.CANCELLED else "did not take place"
        raise WrongState(f"This interview {why}: there is nothing to give feedback on.", state=state)
    if state in AHEAD and interview.scheduled_start > change.at:
        raise WrongState("This interview has not begun yet. Feedback opens at its start.", state=state)


def may_reopen(user: Holder) -> bool:
    """Who may write everybody's feedback may give one back to its author."""
    return Reach.TENANT in user.grants.reaches(REOPEN)


# --- the row ----------------------------------------------------------------------------------------


def _own_row(session: Any, interview: Interview, change: Change) -> tuple[InterviewFeedback, bool]:
    """The actor's row, locked, and whether it was made just now.

    Two windows that save for the first time at once: the unique key lets one make the row. The other waits for it
    there, and then finds it, as if it had come later.
    """
    assert change.by is not None
    key = {"interview_id": interview.id, "interviewer_id": change.by.id}
    mine = sa.select(InterviewFeedback).filter_by(**key).with_for_update(of=InterviewFeedback)
    mine = mine.execution_options(populate_existing=True)
    if (row := session.scalar(mine)) is not None:
        return row, False
    row = InterviewFeedback(**key)
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        return session.scalars(mine).one(), False
    return row, True


def _keep(session: Any, row: InterviewFeedback, interview: Interview, values: Mapping[str, Any]) -> None:
    given = {name: values[name] for name in FIELDS if name in values}
    errors: dict[str, Any] = {}
    if "custom_ratings" in given:
        given["custom_ratings"], errors = _check_criteria(interview, given["custom_ratings"] or {})
    try:
        given = records.clean(InterviewFeedback, given)
    except Invalid as error:
        errors = {**error.errors, **errors}
    if errors:
        raise Invalid(errors)
    records.update(session, row, given, None)


def _check_criteria(interview: Interview, ratings: Any) -> tuple[dict[str, int], dict[str, str]]:
    """The ratings that were given, and what is wrong with others, by ``custom_ratings.<criterion>``."""
    if not isinstance(ratings, Mapping):
        return {}, {"custom_ratings": "Please give ratings by the names of the criteria."}
    known = {each.name: each for each in criteria(interview)}
    if ratings and interview.template is None:
        return {}, {"custom_ratings": "This interview has no template, and so no criteria of its own to rate."}
    errors = {}
    for name, value in ratings.items():
        if name not in known:
            errors[f"custom_ratings.{name}"] = f"“{name}” is not one of the criteria of this interview's template."
        elif value not in (None, "") and not _fits(value, known[name].max_score):
            top = known[name].max_score
            errors[f"custom_ratings.{name}"] = f"“{name}” is rated with a whole number from 1 to {top}."
    return {name: value for name, value in ratings.items() if value not in (None, "")}, errors


def _fits(value: Any, top: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= top


# --- for good ---------------------------------------------------------------------------------------


def _submit(session: Any, row: InterviewFeedback, interview: Interview, change: Change) -> None:
    missing = [name for name in ("overall_rating", "recommendation") if getattr(row, name) is None]
    if missing:
        raise Invalid(dict.fromkeys(missing, "Please choose one: submitted feedback needs it."))
    before = last_submitted(session, row)
    row.submitted_at = change.at
    session.flush()
    _write_audit(session, row, "submit", _changes(row, before), change)
    rerated = bool(before) and before.get("overall_rating") != row.overall_rating
    # Without figures: who reads the application's activities may have to wait for them.
    kind = ActivityType.RATING_UPDATED if rerated else ActivityType.FEEDBACK_SUBMITTED
    note = {"interview_id": str(interview.id), "feedback_id": str(row.id)}
    write_activities(session, [(interview.application_id, kind, "", "", interview.title, note)], change)
    events.record(
        session, "FeedbackSubmitted", interview.id, change.at,
        user=str(row.interviewer_id), feedback=str(row.id), again=bool(before),
    )  # fmt: skip


def _changes(row: InterviewFeedback, before: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What this submission says anew, by field; private notes are kept secret in the audit too."""
    changes: dict[str, list[Any]] = {}
    for name in FIELDS:
        old, new = before.get(name), jsonable(getattr(row, name))
        if name == "private_notes":
            changes |= {name: ["•••", "•••"]} if new else {}
        elif (old or None) != (new or None):
            changes[name] = [old, new]
    return {**changes, "submitted_at": [None, jsonable(row.submitted_at)]}


def _write_audit(session: Any, row: InterviewFeedback, action: str, changes: dict[str, Any], change: Change) -> None:
    audit.write(
        session, row.tenant_id, row.__tablename__, action, [(row.id, changes)], at=change.at, reason=change.reason
    )  # fmt: skip


# --- once more --------------------------------------------------------------------------------------


def reopen_feedback(session: Any, row: InterviewFeedback, change: Change, *, version: int | None = None) -> None:
    """Make submitted feedback its author's draft again, for a reason, and ask them for it anew.

    Raises NotAllowed, Invalid without a reason, WrongState where it is a draft or its author could not submit it
    again (what they said would be lost), records.Stale.
    """
    if change.by is None or not may_reopen(change.by):
        raise NotAllowed("Only those who keep everybody's feedback may reopen it.")
    if not change.reason.strip():
        raise Invalid({"reason": "Please give a reason."})
    session.refresh(row, with_for_update={"of": InterviewFeedback})
    if row.submitted_at is None:
        raise WrongState("This feedback is open already.", state="draft")
    if version is not None and version != row.version:
        raise records.Stale(row)
    _require_author_can_give(session, row, change)
    was, row.submitted_at = row.submitted_at, None
    session.flush()
    _write_audit(session, row, "reopen_feedback", {"submitted_at": [jsonable(was), None]}, change)
    _tell_of_reopening(session, row, change)


def _require_author_can_give(session: Any, row: InterviewFeedback, change: Change) -> None:
    seat = sa.select(Panelist.part).where(Panelist.interview_id == row.interview_id)
    part = session.scalar(seat.where(Panelist.user_id == row.interviewer_id))
    if part in (None, Part.SHADOW):
        why = "is a shadow now" if part else "no longer sits on the panel"
        raise WrongState(f"{row.interviewer} {why} and could not submit it again.", state="submitted")
    require_begun(row.interview, change)


def _tell_of_reopening(session: Any, row: InterviewFeedback, change: Change) -> None:
    interview = row.interview
    note = {"interview_id": str(interview.id), "feedback_id": str(row.id)}
    text = f"The feedback of {row.interviewer} on “{interview.title}” was reopened: {change.reason}"
    line = (interview.application_id, ActivityType.NOTE_ADDED, words("submitted"), words("draft"), text, note)
    write_activities(session, [line], change)
    if interview.status == InterviewStatus.COMPLETED:
        asked = workflow.request(interview.id, row.interviewer_id, interview.reschedule_count)
        events.record_many(session, [asked], change.at)
