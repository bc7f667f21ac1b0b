"""One mock interview of the small demo, from its request to the end of the training that it assigned."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from portal.core.workflow import Change
from portal.demo.drills import Course, Lesson, Rehearsal
from portal.demo.office import DAY
from portal.people.models import User
from portal.practice import actions, assessing, training
from portal.practice.models import MockInterview, MockMode, Priority, TrainingAssignment, TrainingSession, TrainingType
from portal.practice.workflow import MOCK_INTERVIEW, SESSION, TRAINING

if TYPE_CHECKING:
    from portal.demo.season import Season, Thread

_REQUESTS = ("", "", "Short of breath when nervous: take it slowly.", "The client asks for night shifts.")
_REASONS = (
    "The candidate is ill",
    "The coordinator is ill",
    "The line went down",
    "The candidate asked for a new date",
)
_GOOD = ("Calm and clear", "Answers with examples of their own", "Sees what comes first")
_POOR = ("Handovers lack order", "Short answers", "Unsure with doses", "")
_NOTES = ("", "", "Needed one hint", "With a good example", "Only in part", "Left out the last step")
_TOPICS = ("Handover in order", "Answering under pressure", "Doses and checks", "Speaking up", "Mock questions")
_PROGRESS = ("Better at each session.", "Came prepared; hands over in order now.", "Missed one session, caught up.")
_RATING = {"approved": (4, 5), "needs_training": (2, 3), "rejected": (1, 2)}


def _moment(minute: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)


class Drill:
    """``arrange`` puts into the season what happens; ``row`` and ``training`` are there once they came into being."""

    row: MockInterview
    training: TrainingAssignment

    def __init__(self, season: "Season", thread: "Thread", mock: Rehearsal) -> None:
        self.season, self.thread, self.mock, self.random = season, thread, mock, season.random
        self.session = season.session
        self.course: Course | None = None
        self._rows: dict[int, TrainingSession] = {}  # by the id of the lesson
        self.first_start = mock.start
        if mock.moves:
            self.first_start = season.desk.another(mock.start, [mock.coordinator.id, thread.who])

    @property
    def coordinator(self) -> User:
        return self.mock.coordinator  # type: ignore[no-any-return]

    def arrange(self) -> None:
        mock = self.mock
        self._do(mock.sent_at, self.thread.recruiter, self._send)
        if mock.start and mock.scheduled_at > mock.sent_at:
            self._move(mock.scheduled_at, "schedule", scheduled_start=_moment(self.first_start))
        if mock.moves:
            self._move(mock.scheduled_at + 5, "reschedule", scheduled_start=_moment(mock.start))
        if mock.status in ("in_progress", "completed"):
            self._move(mock.start, "start")
            self._do(mock.start, self.coordinator, self._judge)
        if mock.status == "completed":
            self._do(mock.over_at, self.coordinator, self._assess)
        elif mock.status == "no_show":
            self._move(mock.over_at, "no_show")
        elif mock.status == "cancelled" and not mock.called_off:
            self._move(mock.over_at, "cancel", reason=self.random.choice(_REASONS))
        if self.course:
            self._train(self.course)

    def _do(self, minute: int, who: User, does: Callable[[User, Change], object]) -> None:
        def do(change: Change) -> None:
            does(who, Change(change.at, who))

        self.season.at(minute, who, do)

    def _move(self, minute: int, verb: str, **data: Any) -> None:
        def move(who: User, change: Change) -> None:
            MOCK_INTERVIEW.move(self.session, self.row, verb, Change(change.at, who, data))

        self._do(minute, self.coordinator, move)

    def _send(self, who: User, change: Change) -> None:
        mock, mode = self.mock, self.random.choice(tuple(MockMode))
        theirs = self.random.random() < 0.3  # on the candidate's clock
        link = f"https://meet.example/{self.random.getrandbits(40):010x}" if mode == MockMode.VIDEO else ""
        at_once = bool(mock.start) and mock.scheduled_at == mock.sent_at
        values = {
            "application_id": self.thread.row.id, "coordinator_id": self.coordinator.id,
            "duration": 60 if mock.status == "in_progress" else self.random.choice((30, 45, 45, 60)),
            "timezone": self.thread.candidate.timezone if theirs else self.coordinator.timezone, "mode": mode.value,
            "meeting_link": link, "notes": self.random.choice(_REQUESTS),
            "scheduled_start": _moment(self.first_start) if at_once else None,
        }  # fmt: skip
        self.row = actions.create_mock_interview(self.session, values, change)

    def _judge(self, who: User, change: Change) -> None:
        """What was judged by now: all of what was assessed, some of what goes on."""
        items = self.row.items
        count = len(items) if self.mock.status == "completed" else len(items) // 2
        good = self.mock.decision != "rejected"
        for item in items[:count]:
            passed = self.random.random() < (0.85 if self.mock.decision == "approved" else 0.6 if good else 0.35)
            values = {
                "passed": passed, "rating": self.random.randint(3, 5) if passed else self.random.randint(1, 2),
                "notes": self.random.choice(_NOTES),
            }  # fmt: skip
            assessing.judge_item(self.session, self.row, item.id, values, None, change)

    def _assess(self, who: User, change: Change) -> None:
        decision = self.mock.decision
        values: dict[str, Any] = {
            "overall_rating": self.random.choice(_RATING[decision]), "decision": decision,
            "strengths": self.random.choice(_GOOD), "weaknesses": self.random.choice(_POOR),
            "recommendations": "One more round of questions" if decision == "needs_training" else "",
        }  # fmt: skip
        if self.course:
            values["training"] = self._plan(change)
        assessing.complete_mock_interview(self.session, self.row, values, change)
        if self.course:
            query = sa.select(TrainingAssignment).where(TrainingAssignment.mock_interview_id == self.row.id)
            self.training = self.session.scalars(query).one()

    def _plan(self, change: Change) -> dict[str, Any]:
        begin = change.at.date() + timedelta(days=1)
        return {
            "training_type": self.random.choice(tuple(TrainingType)).value,
            "priority": self.random.choice(tuple(Priority)).value, "start_date": begin,
            "end_date": begin + timedelta(days=self.random.choice((14, 35, 42))),
            "focus_areas": assessing.failed_criteria(self.session, self.row.id)[:4] or ["Handover"],
            "skills_to_improve": [self.random.choice(_TOPICS)],
        }  # fmt: skip

    # --- the training -----------------------------------------------------------------------------------

    def _train(self, course: Course) -> None:
        if course.started_at:
            self._move_training(course.started_at, "start")
            for lesson, more in _series(course.lessons):
                self._do(lesson.made_at + 5, lesson.trainer, self._arrange(lesson, more))
            self._do(course.started_at + DAY // 2, self.coordinator, self._note)
        if course.status == "completed":
            notes = {"completion_notes": self.random.choice(_PROGRESS)}
            self._move_training(course.over_at, "complete", outcome=course.outcome, **notes)
        elif course.status == "cancelled" and not course.called_off:
            self._move_training(course.over_at, "cancel", reason="The candidate has no time for it")
        if course.ready_at:
            self._move_training(course.ready_at, "ready_for_reassessment")

    def _move_training(self, minute: int, verb: str, **data: Any) -> None:
        def move(who: User, change: Change) -> None:
            TRAINING.move(self.session, self.training, verb, Change(change.at, who, data))

        self._do(minute, self.coordinator, move)

    def _note(self, who: User, change: Change) -> None:
        values = {"progress_notes": self.random.choice(_PROGRESS)}
        training.change_training(self.session, self.training, values, self.training.version, change)

    def _arrange(self, lesson: Lesson, more: int) -> Callable[[User, Change], None]:
        """A session, or with ``more`` than one the series that it begins; what becomes of each is said at its time."""
        lessons = self._lessons_of(lesson, more)
        zone = lesson.trainer.timezone if more == 1 else "UTC"  # the hours of a series were chosen in UTC

        def arrange(who: User, change: Change) -> None:
            values = {
                "assignment_id": self.training.id, "session_start": _moment(lesson.start), "duration": 45,
                "topic": self.random.choice(_TOPICS), "conducted_by_id": lesson.trainer.id, "repeat": more,
                "every_days": 2, "timezone": zone,
            }  # fmt: skip
            # Without the trainer's own reach: they may be a colleague of who assigned it.
            made = training.create_sessions(self.session, values, change.carried())
            self._rows |= {id(each): row for each, row in zip(lessons, made, strict=True)}

        for each in lessons:
            self._settle(each)
        return arrange

    def _lessons_of(self, lesson: Lesson, more: int) -> list[Lesson]:
        assert self.course is not None
        return [lesson, *[each for each in self.course.lessons if each.again][: more - 1]]

    def _settle(self, lesson: Lesson) -> None:
        if lesson.status == "completed":
            data: dict[str, Any] = {"feedback": self.random.choice(_PROGRESS), "rating": self.random.randint(3, 5)}
            self._move_session(lesson, lesson.start + 45, "complete", data)
        elif lesson.called_off:
            reason = {"reason": self.random.choice(_REASONS)}
            self._move_session(lesson, lesson.made_at + 30, "cancel", reason)

    def _move_session(self, lesson: Lesson, minute: int, verb: str, data: dict[str, Any]) -> None:
        def move(who: User, change: Change) -> None:
            SESSION.move(self.session, self._rows[id(lesson)], verb, change.carried(**data))

        self._do(minute, lesson.trainer, move)


def _series(lessons: list[Lesson]) -> list[tuple[Lesson, int]]:
    """Each session that is arranged by itself, and how many there are with those that follow in its series."""
    more = sum(lesson.again for lesson in lessons)
    return [(lesson, 1 + (more if number == 0 else 0)) for number, lesson in enumerate(lessons) if not lesson.again]
