"""What happened when to the mock interviews and trainings of one application of the demo."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from portal.demo.journeys import Mock, Training
from portal.demo.office import DAY, HOUR, Office

LENGTH = 30  # minutes that a mock interview or a session lasts: half an hour is what an office gives
# In turn, so that even a small demo has each.
_OUTCOMES = (
    "completed_successfully", "reassessment_needed", "completed_successfully", "dropped_out", "completed_successfully",
)  # fmt: skip


@dataclass
class Rehearsal:
    """A mock interview: when it was sent for, found its time (``scheduled_at``) and ``start``, and was over.

    ``called_off``: cancelled by its application's end, not by itself.
    """

    sent_at: int
    attempt: int
    status: str
    coordinator: Any = None
    scheduled_at: int = 0
    start: int = 0
    over_at: int = 0
    decision: str = ""
    moves: int = 0
    called_off: bool = False

    @property
    def is_open(self) -> bool:
        return self.status in ("requested", "scheduled", "in_progress")

    def call_off(self, at: int) -> None:
        if self.is_open:
            self.status, self.over_at, self.called_off = "cancelled", at, True


@dataclass
class Lesson:
    """A session of a training; ``again`` is the later one of a series."""

    made_at: int
    start: int
    trainer: Any
    status: str = "scheduled"
    again: bool = False
    called_off: bool = False  # by itself, not with its training


@dataclass
class Course:
    """A training: assigned by ``rehearsal``, and how it went on."""

    rehearsal: Rehearsal
    status: str = "assigned"
    started_at: int = 0
    over_at: int = 0
    ready_at: int = 0
    outcome: str = ""
    lessons: list[Lesson] = field(default_factory=list)
    called_off: bool = False

    @property
    def made_at(self) -> int:
        return self.rehearsal.over_at

    def call_off(self, at: int) -> None:
        if self.status in ("assigned", "in_progress"):
            self.end("cancelled", at)
            self.called_off = True

    def end(self, status: str, at: int) -> None:
        """What was still to come of it does not take place."""
        self.status, self.over_at = status, at
        for lesson in self.lessons:
            if lesson.status == "scheduled":
                lesson.status = "cancelled"


class Application(Protocol):
    """As much of a timeline as practice goes along with."""

    rehearsals: list[Rehearsal]
    courses: list[Course]

    def follow(self, at: int, *statuses: str) -> None: ...


def rehearse(office: Office, found: Application, step: Mock, at: int, parity: int) -> None:
    """Send the application to a mock interview at ``at``, and have it end as ``step`` says."""
    found.follow(at, step.statuses[0])
    random = office.random
    mock = Rehearsal(at, step.attempt, "requested", random.choice(office.coordinators))
    found.rehearsals.append(mock)
    if step.ends == "requested":
        return
    found_later = random.random() < 0.4
    mock.scheduled_at = max(at, min(at + random.randrange(15, 4 * HOUR), office.now - 5)) if found_later else at
    mock.start, mock.coordinator = office.conducting(max(at, office.soon()) if step.is_open else at, parity)
    mock.status = "scheduled"
    if step.is_open:
        if mock.start + 5 <= office.now and random.random() < 0.5:
            mock.status = "in_progress"  # the assessment is still to be written
        return
    mock.moves = int(random.random() < 0.12)
    _end(mock, step, random)
    found.follow(mock.over_at, *step.statuses[1:])


def _end(mock: Rehearsal, step: Mock, random: Random) -> None:
    if step.ends == "cancelled":
        mock.status, mock.over_at = step.ends, mock.start - HOUR
    elif step.ends == "no_show":
        mock.status, mock.over_at = step.ends, mock.start + 20
    else:
        mock.status, mock.decision, mock.over_at = "completed", step.ends, mock.start + LENGTH


def train(office: Office, found: Application, step: Training, at: int, parity: int) -> None:
    """Take the training that the last mock interview has assigned as far as ``step`` says, from ``at`` on."""
    course, random = Course(found.rehearsals[-1]), office.random
    found.courses.append(course)
    if step.ends == "assigned":
        return
    if step.ends == "cancelled":
        course.end("cancelled", at)
        found.follow(at, "mock_interview_failed")
        return
    course.status, course.started_at = "in_progress", at
    found.follow(at, "training_in_progress")
    course.lessons = _lessons(office, at, parity, goes_on=step.ends == "in_progress")
    if step.ends == "in_progress":
        return
    course.outcome = _OUTCOMES[office.trained % len(_OUTCOMES)]
    office.trained += 1
    course.end("completed", max(each.start for each in course.lessons if not each.called_off) + 2 * HOUR)
    found.follow(course.over_at, "training_completed")
    if step.ends == "ready":
        course.ready_at = course.over_at + random.randrange(10, 20 * HOUR)
        found.follow(course.ready_at, "ready_for_reassessment")


def _lessons(office: Office, at: int, parity: int, *, goes_on: bool) -> list[Lesson]:
    """Two sessions, and one ahead of a training that goes on; a further one is called off now and then."""
    start, trainer = office.conducting(at, parity)
    lessons = [Lesson(at, start, trainer)]
    if office.again(start + 2 * DAY, trainer):
        lessons.append(Lesson(at, start + 2 * DAY, trainer, again=True))
    else:
        lessons.append(Lesson(at, *office.conducting(start, parity)))
    if goes_on and lessons[-1].start < office.now:
        lessons.append(Lesson(at, *office.conducting(office.now, parity)))
    for lesson in lessons:
        if lesson.start + LENGTH <= office.now:
            lesson.status = "completed"
    if office.random.random() < 0.1:
        lessons.insert(
            1, Lesson(at, *office.conducting(lessons[-1].start, parity), status="cancelled", called_off=True)
        )
    return lessons


def open_rehearsals(timelines: Sequence[Any]) -> list[Rehearsal]:
    """Those that are not over, the longest waiting first."""
    found = [each for timeline in timelines for each in timeline.rehearsals if each.is_open]
    return sorted(found, key=lambda each: each.sent_at)
