"""The large demo's mock interviews, checklists, trainings and sessions as rows of text."""

from collections.abc import Callable, Sequence
from typing import Any

from portal.demo.drills import LENGTH, Course, Lesson, Rehearsal
from portal.demo.loading import NULL, Loader
from portal.demo.office import HOUR, Office, moment
from portal.demo.timelines import Timeline
from portal.practice.models import (
    MockInterview,
    MockInterviewChecklistItem,
    Priority,
    TrainingAssignment,
    TrainingSession,
    TrainingType,
)

ITEMS = 10  # of each mock interview
Criterion = tuple[str, str, str]  # key, category, text
_KINDS, _PRIORITIES = tuple(TrainingType), tuple(Priority)
_RATING = {"approved": ("4", "5"), "needs_training": ("2", "3"), "rejected": ("1", "2")}
_STRENGTHS = ("Calm and clear", "Answers with examples of their own", "Sees what comes first", "")
_WEAKNESSES = ("Short answers", "Handovers lack order", "", "")
_REASONS = ("The candidate is ill", "The coordinator is ill", "The candidate asked for another date")
_TOPICS = ("Handover in order", "Answering under pressure", "Doses and checks", "Mock questions")
_NOTES = ("", "", "", "Needed one hint", "With a good example", "Only in part")
Tell = Callable[..., None]


def dashed(key: str) -> str:
    return f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}"


class Drills:
    """Makes the rows and counts mock interviews; ``tell`` writes a line of the application's history."""

    def __init__(self, tenant: str, office: Office, loader: Loader, tell: Tell) -> None:
        self.tenant, self.office, self.random, self.tell, self.count = tenant, office, office.random, tell, 0
        declare: Callable[[Any, Any], list[tuple[str, ...]]] = lambda model, names: loader.declare(  # noqa: E731
            model.__table__, "tenant_id", "id", *names.split()
        )
        self._mocks = declare(
            MockInterview,
            "application_id coordinator_id status scheduled_start duration timezone mode attempt overall_rating"
            " decision ready_for_client_interview strengths weaknesses started_at completed_at cancelled_at"
            " cancellation_reason reschedule_count created_at updated_at version",
        )
        self._items = declare(
            MockInterviewChecklistItem,
            "mock_interview_id template_id category criterion position passed rating notes created_at updated_at"
            " version",
        )
        self._trainings = declare(
            TrainingAssignment,
            "application_id mock_interview_id assigned_by_id training_type priority status focus_areas"
            " skills_to_improve start_date end_date started_at completed_at cancelled_at cancellation_reason outcome"
            " ready_for_reassessment created_at updated_at version",
        )
        self._sessions = declare(
            TrainingSession,
            "assignment_id session_start duration timezone topic conducted_by_id status completed_at"
            " cancellation_reason rating created_at updated_at version",
        )

    def add(self, application: str, recruiter: str, found: Timeline, criteria: Sequence[Criterion]) -> None:
        """All practice of one application."""
        keys = {id(mock): self._mock(application, recruiter, mock, criteria) for mock in found.rehearsals}
        for course in found.courses:
            self._course(application, keys[id(course.rehearsal)], course)

    # --- mock interviews --------------------------------------------------------------------------------

    def _mock(self, application: str, recruiter: str, mock: Rehearsal, criteria: Sequence[Criterion]) -> str:
        random, status = self.random, mock.status
        self.count += 1
        key, made = self.office.key(mock.sent_at), moment(mock.sent_at)
        done, began = status == "completed", status in ("completed", "in_progress")
        start = moment(mock.start) if mock.start else NULL
        over = moment(mock.over_at) if mock.over_at else made
        off = status == "cancelled"
        version = 1 + bool(mock.start and mock.scheduled_at > mock.sent_at) + mock.moves + began + bool(mock.over_at)
        self._mocks.append((
            self.tenant, key, application, mock.coordinator, status, start, str(LENGTH), "Europe/London",
            ("video", "phone", "in_person")[mock.sent_at % 3], str(mock.attempt),
            random.choice(_RATING[mock.decision]) if done else NULL, mock.decision or NULL,
            str(int(mock.decision == "approved")), random.choice(_STRENGTHS) if done else "",
            random.choice(_WEAKNESSES) if done else "", start if began else NULL, over if done else NULL,
            over if off else NULL, random.choice(_REASONS) if off else "", str(mock.moves), made, over, str(version),
        ))  # fmt: skip
        self._checklist(key, mock, made, over, criteria)
        self._history(application, recruiter, key, mock)
        return key

    def _checklist(self, key: str, mock: Rehearsal, made: str, over: str, criteria: Sequence[Criterion]) -> None:
        random, done = self.random, mock.status == "completed"
        chance = {"approved": 0.9, "needs_training": 0.6}.get(mock.decision, 0.35)
        for position, (template, category, text) in enumerate(criteria):
            passed = random.random() < chance
            judged = (str(int(passed)), "4" if passed else "2", random.choice(_NOTES)) if done else (NULL, NULL, "")
            self._items.append((
                self.tenant, self.office.key(mock.sent_at), key, template, category, text, str(position), *judged,
                made, over, str(1 + done),
            ))  # fmt: skip

    def _history(self, application: str, recruiter: str, key: str, mock: Rehearsal) -> None:
        note = f'{{"mock_interview_id": "{dashed(key)}", "attempt": {mock.attempt}}}'
        at_once = bool(mock.start) and mock.scheduled_at == mock.sent_at
        kind, start = "scheduled" if at_once else "requested", moment(mock.start) if mock.start else ""

        def tell(what: str, who: str, minute: int, old: str, new: str) -> None:
            self.tell(application, f"mock_interview_{what}", who, minute, old, new, note)

        tell(kind, recruiter, mock.sent_at, "", start if at_once else "")
        if mock.start and not at_once:
            tell("scheduled", mock.coordinator, mock.scheduled_at, "", start)
        if mock.moves:
            tell("rescheduled", mock.coordinator, mock.scheduled_at + 1, start, start)
        if mock.status in ("in_progress", "completed"):
            tell("started", mock.coordinator, mock.start, "scheduled", "in_progress")
        if mock.status in ("completed", "cancelled", "no_show"):
            tell(mock.status, mock.coordinator, mock.over_at, "scheduled", mock.decision or mock.status)

    # --- trainings --------------------------------------------------------------------------------------

    def _course(self, application: str, mock: str, course: Course) -> None:
        random, office, status = self.random, self.office, course.status
        key, made, who = office.key(course.made_at), moment(course.made_at), course.rehearsal.coordinator
        began = moment(course.started_at) if course.started_at else NULL
        over = moment(course.over_at) if course.over_at else NULL
        done, off, kind = status == "completed", status == "cancelled", random.choice(_KINDS)
        first, last = (moment(course.made_at + days * 24 * HOUR)[:10] for days in (1, random.choice((7, 14, 21))))
        version = 1 + bool(course.started_at) + bool(course.over_at) + bool(course.ready_at)
        self._trainings.append((
            self.tenant, key, application, mock, who, kind, random.choice(_PRIORITIES), status,
            f'["{random.choice(_TOPICS)}"]', "[]", first, last, began, over if done else NULL, over if off else NULL,
            "The candidate has no time for it" if off else "", course.outcome or NULL, str(int(bool(course.ready_at))),
            made, over if over != NULL else made, str(version),
        ))  # fmt: skip
        note = f'{{"training_id": "{dashed(key)}"}}'
        self.tell(application, "training_assigned", who, course.made_at, "", kind, note)
        if course.started_at:
            self.tell(application, "training_started", who, course.started_at, "assigned", "in_progress", note)
        if done or off:
            new = course.outcome or status
            self.tell(application, f"training_{status}", who, course.over_at, "in_progress", new, note)
        for lesson in course.lessons:
            self._lesson(key, lesson)

    def _lesson(self, training: str, lesson: Lesson) -> None:
        done, made, over = lesson.status == "completed", moment(lesson.made_at), moment(lesson.start + LENGTH)
        self._sessions.append((
            self.tenant, self.office.key(lesson.made_at), training, moment(lesson.start), str(LENGTH),
            "Europe/London", self.random.choice(_TOPICS), lesson.trainer, lesson.status, over if done else NULL,
            self.random.choice(_REASONS) if lesson.status == "cancelled" else "", "4" if done else NULL, made,
            over if done else made, str(1 + (lesson.status != "scheduled")),
        ))  # fmt: skip
