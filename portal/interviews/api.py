"""Interviews and their templates in the API."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from portal.api.components import Components
from portal.api.endpoint import Answer, Call, Endpoint
from portal.api.fields import Flag, Key, Moment, OneOf, Text, Whole, listed, record, told
from portal.api.listing import page
from portal.api.reading import Derived, Joined, label
from portal.api.resource import Resource
from portal.core.db import json_rows
from portal.core.errors import Invalid
from portal.core.forms import known_of
from portal.core.types import zone, zone_names
from portal.core.workflow import Change
from portal.interviews import actions, panels, queries
from portal.interviews.admin import INTERVIEWS
from portal.interviews.models import AHEAD, Interview, InterviewTemplate, Outcome, Panelist, Part, Reply
from portal.interviews.templates import TEMPLATES
from portal.interviews.workflow import INTERVIEW, SCHEDULE
from portal.people.models import User

label(Interview, lambda row: row.c.title)
label(InterviewTemplate, lambda row: row.c.name)

# --- the panel ------------------------------------------------------------------------------------------


def _people_of(session: Any, seats: Sequence[Mapping[str, Any]]) -> tuple[list[User], list[User]]:
    """The interviewers, the lead first, and the shadows; raises Invalid for who cannot sit there."""
    keys = [seat["user_id"] for seat in seats]
    known = known_of("users", keys)
    errors = {f"interviewers.{n}.user_id": "This is not one of the choices."
              for n, key in enumerate(keys) if key not in known}  # fmt: skip
    if len([seat for seat in seats if seat.get("part") == Part.LEAD]) > 1:
        errors["interviewers"] = "One leads; the others are panelists."
    if len(set(keys)) < len(keys):
        errors["interviewers"] = "Each sits there once."
    if errors:
        raise Invalid(errors)
    users = {user.id: user for user in session.scalars(sa.select(User).where(User.id.in_(keys)))} if keys else {}
    ordered = sorted(seats, key=lambda seat: seat.get("part") != Part.LEAD)
    asked = [users[seat["user_id"]] for seat in ordered if seat.get("part") != Part.SHADOW]
    return asked, [users[seat["user_id"]] for seat in ordered if seat.get("part") == Part.SHADOW]


def _create(session: Any, values: dict[str, Any], change: Change) -> Interview:
    users, shadows = _people_of(session, values.pop("interviewers", None) or [])
    return actions.schedule_interview(session, values, users, change, shadows=shadows)


def _update(session: Any, row: Interview, values: dict[str, Any], version: int, change: Change) -> Interview:
    seats = values.pop("interviewers", None)
    if seats is None:
        return actions.change_interview(session, row, values, None, version, change)
    users, shadows = _people_of(session, seats)
    return actions.change_interview(session, row, values, users, version, change, shadows=shadows)


def _panel(interviews: Any) -> Any:
    """The seats as JSON: a statement of their own would cost more than all else in a list."""
    seat, person = Panelist.__table__, User.__table__.alias()
    return (
        sa.select(json_rows(seat.c.id, seat.c.user_id, person.c.full_name, seat.c.part, seat.c.reply))
        .select_from(seat.join(person, sa.and_(person.c.tenant_id == seat.c.tenant_id, person.c.id == seat.c.user_id)))
        .where(seat.c.tenant_id == interviews.c.tenant_id, seat.c.interview_id == interviews.c.id)
        .correlate(interviews)
        .scalar_subquery()
    )


def _seats(text: str | None) -> list[dict[str, Any]]:
    """In the order in which the pages have them: by part, and as they came."""
    found = sorted(orjson.loads(text or "[]"), key=lambda seat: (seat[3], seat[0]))
    return [_seat(UUID(user), name, part, reply) for _, user, name, part, reply in found]


def _seat(user: UUID, name: str, part: str, reply: str) -> dict[str, Any]:
    return {"user_id": user, "user": {"id": user, "label": name}, "part": part, "reply": reply}


_SEAT = record("PanelSeat", {
    "user_id": Key("Who.", required=True),
    "part": OneOf(Part, "lead, panelist or shadow; shadows watch, and owe no feedback. The first leads otherwise."),
})  # fmt: skip
_SEATED = told("Panelist", {
    "user_id": Key("Who."), "user": told("Person", {"id": Key("Their key."), "label": Text("Their name.")}, "By name."),
    "part": OneOf(Part, "lead, panelist or shadow."), "reply": OneOf(Reply, "What they answered to the invitation."),
})  # fmt: skip

# --- what follows from the row --------------------------------------------------------------------------


def _minutes(start: Any, end: Any) -> int | None:
    return int((end - start).total_seconds() // 60) if start and end else None


def _is_today(row: Mapping[str, Any], user: Any, at: Any) -> bool:
    here = zone(row["timezone"])
    return bool(row["scheduled_start"].astimezone(here).date() == at.astimezone(here).date())


def _candidates_time(row: Mapping[str, Any], user: Any, at: Any) -> Any:
    name = row["candidate_timezone"]
    return row["scheduled_start"].astimezone(zone(name)) if name in zone_names() else row["scheduled_start"]


_DERIVED = (
    Derived("duration_minutes", Whole("How long it is planned to take."),
            lambda row, user, at: _minutes(row["scheduled_start"], row["scheduled_end"]) or 0),
    Derived("actual_duration_minutes", Whole("How long it took; null until it is over.", allow_none=True),
            lambda row, user, at: _minutes(row["actual_start"], row["actual_end"])),
    Derived("is_upcoming", Flag("Whether it is still to come."),
            lambda row, user, at: row["status"] in AHEAD and row["scheduled_start"] > at),
    Derived("is_past", Flag("Whether its end has passed."), lambda row, user, at: row["scheduled_end"] < at),
    Derived("is_today", Flag("Whether it begins today, in its own zone."), _is_today),
    Derived("meeting_url_display", Text("Where people meet online: the link that was typed, else the provider's."),
            lambda row, user, at: row["meeting_link"] or row["meeting_url"] or ""),
    Derived("candidate_local_time", Moment("The start as the candidate's clock shows it."), _candidates_time),
)  # fmt: skip

_APPLICATION = "0192f3a4-5b6c-7d8e-9f01-23456789abcd"

INTERVIEWS_API = Resource(
    "interviews", "Interview", INTERVIEWS,
    {
        "application_id": "The application (candidate project): the candidate, and the job it is for.",
        "interview_type": "What kind of interview; as in the template, else video.",
        "audience": "A client's interview moves its application along; an internal one does not.",
        "title": "What it is called; left out, it names the template or type, and the candidate.",
        "description": "What this round is about.", "status": "Where it stands; only verbs change it.",
        "scheduled_start": "When it begins.", "scheduled_end": "When it ends; left out, the template says.",
        "candidate_timezone": "The candidate's zone; left out, as in the candidate's record.",
        "actual_start": "When it began.", "actual_end": "When it ended.",
        "organizer_id": "Who organizes it; you, unless you name somebody else.",
        "template_id": "Fills what is left out: title, type, end, guide and preparation notes.",
        "location": "Where people meet.", "meeting_provider": "Whose meeting it is.",
        "meeting_url": "The address that the provider gave.", "meeting_id": "The provider's number of the meeting.",
        "notes": "Notes for those who take part.", "preparation_notes": "How to prepare.",
        "interview_guide": "What to ask.", "calendar_provider": "In whose calendar it stands.",
        "calendar_event_id": "Its entry there.", "candidate_calendar_event_id": "The candidate's entry.",
        "confirmed_at": "When it was confirmed.", "confirmed_by_candidate": "Whether the candidate did.",
        "outcome": "What the client said; of a client's interview only.",
        "interviewers": "The panel.",
    },
    parts=(Joined("interviewers", listed(_SEATED, "The panel."), _panel, read=_seats), *_DERIVED),
    special={"interviewers": listed(_SEAT, "The panel; it replaces the one there was.", 50), "shadows": None},
    create=_create, update=_update, delete_is="cancel", hides_verbs=("pass", "fail"),
    example={"application_id": _APPLICATION, "interview_type": "technical",
             "scheduled_start": "2027-03-01T09:00:00+04:00", "scheduled_end": "2027-03-01T10:00:00+04:00",
             "timezone": "Asia/Dubai", "interviewers": [{"user_id": _APPLICATION, "part": "lead"}]},
    examples={"cancel": {"reason": "The ward is closed"}, "complete": {"outcome": "passed"},
              "confirm": {"version": 3},
              "reschedule": {"scheduled_start": "2027-03-02T09:00:00+04:00",
                             "scheduled_end": "2027-03-02T10:00:00+04:00", "version": 3}},
    bodies={"confirm": {"confirmed_by_candidate": Flag("Whether the candidate confirmed it.")}},
)  # fmt: skip

TEMPLATES_API = Resource(
    "interview-templates", "InterviewTemplate", TEMPLATES,
    {
        "name": "What it is called; once per organisation.", "interview_type": "For which interviews.",
        "default_duration": "How many minutes they take, from 5 to 1440.",
        "required_interviewers": "How many must sit on the panel, shadows aside.",
        "allow_multiple_interviewers": "Whether several may.",
        "requires_feedback_before_discussion": "Whether all feedback must be in before anybody reads the summary.",
        "questions": "What to ask, with what one hopes to hear.", "scorecard_criteria": "What interviewers rate.",
        "skills_assessed": "Which skills it is about.", "instructions": "For the interviewers.",
        "preparation_guide": "It becomes the interview's preparation notes.",
        "candidate_instructions": "They go into the candidate's mail.", "department": "Where it belongs.",
        "job_level": "For which level; null for all.",
    },
    example={"name": "Clinical screening", "interview_type": "technical", "default_duration": 45,
             "questions": [{"question": "How do you hand over a shift?", "weight": 2}]},
)  # fmt: skip

RESOURCES = (INTERVIEWS_API, TEMPLATES_API)
COMPONENTS: Components = {}

# --- lists and verbs of their own -----------------------------------------------------------------------


def _mine(call: Call) -> Answer:
    mine = (queries.on_panel_of(call.user.id),)
    return page(call, INTERVIEWS, INTERVIEWS_API.shape, conditions=mine, sort="scheduled_start")


def _upcoming(call: Call) -> Answer:
    ahead = (Interview.status.in_(AHEAD), Interview.scheduled_start > call.change.at)
    return page(call, INTERVIEWS, INTERVIEWS_API.shape, conditions=ahead, sort="scheduled_start")


def _outcome(call: Call) -> Answer:
    row = INTERVIEWS_API.fetch(call)
    verb = "pass" if call.body["outcome"] == Outcome.PASSED else "fail"
    INTERVIEW.move(call.session, row, verb, call.change, version=call.version)
    return Answer(INTERVIEWS_API.one(call, row.id))


def _reply(call: Call) -> Answer:
    row = INTERVIEWS_API.fetch(call)
    panels.reply(call.session, row, call.body["reply"], call.body.get("note") or "", call.change)
    return Answer(INTERVIEWS_API.one(call, row.id))


_REPLIES = [each for each in Reply if each is not Reply.NEEDS_ACTION]

ENDPOINTS = (
    INTERVIEWS_API.sublist("interviews/my-interviews", "list_my_interviews", _mine,
                           "List the interviews on whose panel you sit", description="The first one first."),
    INTERVIEWS_API.sublist("interviews/upcoming", "list_upcoming_interviews", _upcoming,
                           "List the interviews that are still to come", description="The next one first."),
    Endpoint("POST", "interviews/{id}/outcome", "record_interview_outcome", "interviews", _outcome,
             "Record what the client said", description="Of a client's interview that is completed, once.",
             body={"outcome": OneOf(Outcome, "What the client said.", required=True)}, body_name="InterviewOutcome",
             answer="Interview", permissions=SCHEDULE, model=Interview, takes_version=True,
             present=INTERVIEWS_API.present, example={"outcome": "passed"}),
    Endpoint("PATCH", "interviews/{id}/reply", "reply_to_interview", "interviews", _reply,
             "Reply to your invitation", description="For yourself alone, until the interview is over. The organizer "
             "is told of a declined one. Who declines gets their time back.",
             body={"reply": OneOf(_REPLIES, "Your answer.", required=True), "note": Text("A word to it.", limit=1000)},
             body_name="PanelReply", answer="Interview", permissions=("read:interviews",), model=Interview,
             scope="reply:interviews", present=INTERVIEWS_API.present, example={"reply": "accepted"}),
)  # fmt: skip
