"""Feedback in the API, below its interview."""

from typing import Any

import sqlalchemy as sa
from marshmallow import fields, validate

from portal.api.components import Component, several
from portal.api.endpoint import Answer, Call, Endpoint
from portal.api.fields import Fields, Flag, Key, Moment, OneOf, Text, Whole, told
from portal.api.reading import Joined, add_part
from portal.api.resource import Resource
from portal.core import access
from portal.feedback import actions, queries
from portal.feedback.models import InterviewFeedback, Recommendation
from portal.interviews.models import Interview, Panelist, Part

SEE_PRIVATE = "see:private_notes"
_RATINGS = {
    "overall_rating": "The whole, from 1 to 5; submitted feedback needs it.", "technical_skills": "From 1 to 5.",
    "communication": "From 1 to 5.", "cultural_fit": "From 1 to 5.", "problem_solving": "From 1 to 5.",
}  # fmt: skip
_TEXTS = {
    "strengths": "What was good.", "weaknesses": "What was not.", "notes": "What else there is to say.",
    "private_notes": "For you, HR and administrators; nobody else reads them.",
}  # fmt: skip
_OWN = "Ratings of the template's criteria, by their names."


def _said(**more: Any) -> Fields:
    """What feedback says; a draft may lack anything."""
    return {
        **{name: Whole(told, 1, 5, allow_none=True) for name, told in _RATINGS.items()},
        "recommendation": OneOf(Recommendation, "Submitted feedback needs it.", allow_none=True),
        **{name: Text(told, **more) for name, told in _TEXTS.items()},
    }  # fmt: skip


def _criteria() -> fields.Field[Any]:
    return fields.Dict(
        keys=fields.String(validate=validate.Length(max=100)), values=Whole("A whole number from 1.", 1, 100),
        metadata={"description": _OWN}, validate=validate.Length(max=100),
    )  # fmt: skip


def _interview(call: Call) -> Interview:
    return access.fetch(call.session, Interview, call.keys[0], call.user)


def _list(call: Call) -> Answer:
    """Only what the user may read; those who still owe theirs see no one else's."""
    found = call.session.execute(queries.readable(_interview(call).id, call.user)).all()
    return Answer({"items": [_told(row, name, part, call.user) for row, name, part in found]})


def _told(row: InterviewFeedback, name: str, part: str | None, user: Any) -> dict[str, Any]:
    told = {
        "id": row.id, "version": row.version, "interview_id": row.interview_id, "interviewer_id": row.interviewer_id,
        "interviewer": {"id": row.interviewer_id, "label": name}, "part": part, "submitted_at": row.submitted_at,
        "custom_ratings": row.custom_ratings, "recommendation": row.recommendation,
        **{field: getattr(row, field) for field in (*_RATINGS, *_TEXTS)},
    }  # fmt: skip
    if row.interviewer_id != user.id and not access.may(user, SEE_PRIVATE):
        del told["private_notes"]
    return told


def _give(call: Call) -> Answer:
    """The first time it is made, later it is changed."""
    values = dict(call.body)
    submit = bool(values.pop("submit", False))
    values = {n: "" if v is None and n in _TEXTS else v for n, v in values.items()}
    row = actions.save_feedback(
        call.session, _interview(call), values, call.change, submit=submit, version=call.version
    )  # fmt: skip
    call.session.flush()
    part = call.session.scalar(
        sa.select(Panelist.part).where(Panelist.interview_id == row.interview_id, Panelist.user_id == call.user.id)
    )
    return Answer(_told(row, call.user.full_name, part, call.user))


def _present(call: Call) -> Any:
    row = queries.feedback_of(call.session, call.keys[0], call.user.id)
    return _told(row, call.user.full_name, None, call.user) if row else None


def _all_submitted(interviews: Any) -> Any:
    """Whether there is an interviewer at all, and each who is no shadow has submitted."""
    seat, given = Panelist.__table__, InterviewFeedback.__table__
    submitted = sa.exists().where(
        given.c.tenant_id == seat.c.tenant_id, given.c.interview_id == seat.c.interview_id,
        given.c.interviewer_id == seat.c.user_id, given.c.submitted_at.is_not(None),
    )  # fmt: skip
    return (
        sa.select(sa.func.min(sa.case((submitted, 1), else_=0)))
        .where(seat.c.tenant_id == interviews.c.tenant_id, seat.c.interview_id == interviews.c.id)
        .where(seat.c.part != Part.SHADOW.value)
        .correlate(interviews)
        .scalar_subquery()
    )


add_part(Interview, Joined(
    "all_feedback_submitted", Flag("Whether everybody who owes feedback has submitted it."), _all_submitted, read=bool
))  # fmt: skip

FEEDBACK: Fields = {
    "id": Key("Its key."), "version": Whole("Grows with each change."), "interview_id": Key("Of which interview."),
    "interviewer_id": Key("By whom."),
    "interviewer": told("Interviewer", {"id": Key("Their key."), "label": Text("Their name.")}, "By whom, by name."),
    "part": OneOf(Part, "Their part of the panel; null for who has left it.", allow_none=True), **_said(),
    "custom_ratings": _criteria(), "submitted_at": Moment("When it was submitted; null for a draft.", allow_none=True),
}  # fmt: skip
COMPONENTS = {
    "Feedback": Component(FEEDBACK, optional=("private_notes",)),
    "FeedbackList": several("Feedback", "What you may read, the first one first."),
}  # fmt: skip
RESOURCES: tuple[Resource, ...] = ()
ENDPOINTS = (
    Endpoint("GET", "interviews/{id}/feedback", "list_interview_feedback", "interviews", _list,
             "Read the feedback on an interview", description="As far as you may know it now: an interviewer sees "
             "nobody else's before their own is submitted.", answer="FeedbackList", model=Interview,
             permissions=("read:interviews",)),
    Endpoint("POST", "interviews/{id}/feedback", "give_interview_feedback", "interviews", _give,
             "Give your feedback", description="Your own: as a draft, or with `submit` for good. What is left out "
             "stays as it was. Your seat on the panel permits it, whatever your role.", answer="Feedback",
             model=Interview, body={**_said(), "custom_ratings": _criteria(),
                   "submit": Flag("Submit it; without it, it is a draft that nobody else sees.")},
             body_name="FeedbackGiven", permissions=("read:interviews",), scope="write:feedback", takes_version=True,
             present=_present,
             example={"overall_rating": 4, "recommendation": "yes", "strengths": "Calm and precise", "submit": True}),
)  # fmt: skip
