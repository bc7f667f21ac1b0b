"""What the small demo's interviews stand on: templates, working hours, time off, slots, and feedback afterwards."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

from portal.core import records
from portal.core.types import zone
from portal.core.workflow import Change
from portal.demo.cast import Cast
from portal.feedback import actions as feedback
from portal.interviews import filling
from portal.interviews.models import Interview, InterviewTemplate
from portal.people.models import User
from portal.scheduling import slots_actions as slots
from portal.scheduling.hours import written
from portal.scheduling.models import TimeOff, WorkingHours

# name, type, minutes, more
_TEMPLATES: tuple[tuple[str, str, int, dict[str, Any]], ...] = (
    ("Clinical video interview", "video", 45, {
        "questions": [
            {"question": "How do you hand over a patient at the end of a shift?", "category": "Safety",
             "expected_answer": "Names a structure such as SBAR; asks for questions back.", "weight": 3},
            {"question": "Tell us of a day when too much came at once. What did you do first?",
             "category": "Judgement", "expected_answer": "Sorts by risk, asks for help in time.", "weight": 2},
        ],
        "scorecard_criteria": [
            {"name": "Patient safety", "description": "Sees risks, speaks up", "weight": 3, "max_score": 10},
            {"name": "Handover", "description": "Clear, complete, in order", "weight": 2, "max_score": 5},
        ],
        "skills_assessed": ["Handover", "Prioritising"],
        "preparation_guide": "Read the candidate's experience on wards like the client's.",
        "candidate_instructions": "Have your licence at hand, and a quiet room.",
        "department": "Nursing",
    }),
    ("Client's panel", "panel", 60, {
        "requires_feedback_before_discussion": True,
        "questions": [{"question": "Why this client?", "category": "Motivation", "expected_answer": "", "weight": 1}],
        "scorecard_criteria": [
            {"name": "Fit with the team", "description": "", "weight": 1, "max_score": 5},
        ],
        "preparation_guide": "The lead opens; everybody asks one question of their own.",
    }),
    ("Technical interview", "technical", 60, {
        "scorecard_criteria": [
            {"name": "Procedures", "description": "Knows them, and why they are so", "weight": 2, "max_score": 10},
        ],
        "department": "Theatre", "job_level": "senior",
    }),
    ("First call", "phone", 30, {"allow_multiple_interviewers": False}),
    ("Assessment day, as it was", "assessment", 240, {"active": False}),
)  # fmt: skip

_STRENGTHS = ("Calm and clear", "Knows her procedures", "Listens before he answers", "Warm with patients")
_WEAKNESSES = ("Short answers", "Little experience of night shifts", "Handovers lack order", "")
_RECOMMENDATIONS = ("strong_yes", "yes", "yes", "maybe", "no", "strong_no")
_NEXT_YEAR = timedelta(days=60)


def keep_templates(session: Any, cast: Cast, change: Change) -> dict[str, InterviewTemplate]:
    """The tenant's templates; those in use, by the type of their interviews."""
    made = [
        filling.create_template(
            session, {"name": name, "interview_type": kind, "default_duration": minutes, **more}, change
        )
        for name, kind, minutes, more in _TEMPLATES
    ]
    return {template.interview_type: template for template in made if template.active}


def set_hours(session: Any, people: Sequence[User], opens: int, closes: int, at: datetime) -> None:
    """Two of three say when they work: the office's hours (UTC), as the clock shows them where they live."""
    for number, user in enumerate(people):
        if number % 3 == 2:
            continue
        hours = _local(user, opens, closes, at)
        days = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), hours)
        limits = {"max_per_day": 4, "max_per_week": 15} if number % 2 else {}
        records.create(session, WorkingHours, {"user_id": user.id, **days, **limits})


def _local(user: User, opens: int, closes: int, at: datetime) -> str:
    begin, end = (
        at.replace(hour=hour, minute=0, second=0, microsecond=0).astimezone(zone(user.timezone)).time()
        for hour in (opens - 1, closes + 1)
    )
    if begin < end:
        return written([(begin, end)])
    return written([(time(0), end), (begin, time.max)]) if end > time(0) else written([(begin, time.max)])


def take_time_off(session: Any, people: Sequence[User], at: datetime) -> None:
    """Somebody is ill, somebody will be on leave, everybody has a holiday, one has a meeting."""
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    off = (
        (people[-1], "sick", day - timedelta(days=1), day + timedelta(days=2), ""),
        (people[2], "vacation", day + timedelta(days=10), day + timedelta(days=20), "Two weeks by the sea"),
        (people[0], "meeting", day + timedelta(days=2, hours=9), day + timedelta(days=2, hours=10), "Ward round"),
        (people[1], "holiday", day + timedelta(days=30), day + timedelta(days=31), ""),
        (people[0], "blocked", day + timedelta(days=7, hours=12), day + timedelta(days=7, hours=18), "On call"),
    )
    for user, kind, start, end, notes in off:
        values = {"user_id": user.id, "kind": kind, "start": start, "end": end, "timezone": "UTC", "notes": notes}
        records.create(session, TimeOff, values)


def offer_slots(session: Any, people: Sequence[User], at: datetime) -> None:
    """Two mornings a week of some interviewers, from next week on; a few of them are held."""
    monday = (at + timedelta(days=7 - at.weekday())).replace(hour=9, minute=0, second=0, microsecond=0)
    for number, user in enumerate(people):
        start = monday.replace(tzinfo=zone(user.timezone)).astimezone(UTC) + timedelta(days=number % 3)
        rule = {"repeat": "weeks", "every": 1, "weekdays": [], "until": (at + _NEXT_YEAR).date()}
        values = {
            "interviewer_id": user.id, "start": start, "end": start + timedelta(minutes=45),
            "timezone": user.timezone, "slot_type": ("any", "interview", "mock_interview")[number % 3],
        }  # fmt: skip
        row = slots.offer(session, {**values, **rule}, Change(at, None, {"actor": user.id})).row
        if number == 0:
            row.held_until, row.held_by_id = at + timedelta(hours=2), user.id
            session.flush()


def opinion(
    session: Any, random: Random, row: Callable[[], Interview], user: User, template: InterviewTemplate | None,
    *, submit: bool,
) -> Callable[[Change], None]:  # fmt: skip
    """Somebody's feedback, as it will be given when its time comes."""
    stars = random.choice((2, 3, 4, 4, 5))
    values: dict[str, Any] = {
        "overall_rating": stars, "communication": min(5, stars + random.randint(0, 1)),
        "technical_skills": random.choice((None, stars)), "problem_solving": random.choice((None, 3, 4)),
        "recommendation": _RECOMMENDATIONS[5 - stars], "strengths": random.choice(_STRENGTHS),
        "weaknesses": random.choice(_WEAKNESSES),
        "private_notes": "Asked about pay twice." if random.random() < 0.1 else "",
        "custom_ratings": {c["name"]: random.randint(2, c["max_score"]) for c in _criteria(template)},
    }  # fmt: skip

    def give(change: Change) -> None:
        feedback.save_feedback(session, row(), values, Change(change.at, user), submit=submit)

    return give


def _criteria(template: InterviewTemplate | None) -> list[dict[str, Any]]:
    return list(template.scorecard_criteria) if template else []
