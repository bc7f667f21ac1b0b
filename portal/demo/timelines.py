"""What happened when to one application of the demo, and when its interviews were or will be."""

from dataclasses import dataclass, field

from portal.demo.drills import Course, Rehearsal, rehearse, train
from portal.demo.journeys import START, Journey, Mock, Round, Training
from portal.demo.office import DAY, HOUR, Office
from portal.hiring.pipeline import CLOSED

_PAST = ("completed", "cancelled", "no_show", "confirmed", "scheduled"), (820, 102, 70, 4, 4)
_AHEAD = ("scheduled", "confirmed", "rescheduled", "cancelled"), (48, 32, 14, 6)
_CLOSED = frozenset(CLOSED)


@dataclass
class Meeting:
    """An interview: when it was arranged, when it starts, how it stands; ``over_at`` is its last change.

    ``called_off``: cancelled by its application's end, not by itself.
    """

    made_at: int
    start: int
    audience: str
    status: str
    outcome: str = ""
    moves: int = 0
    over_at: int = 0
    called_off: bool = False


@dataclass
class Timeline:
    """``changes`` are (minute, from, to); those in ``followed`` come from a record, not from a hand.

    An application on hold or closed has no open interview.
    """

    changes: list[tuple[int, str, str]] = field(default_factory=list)
    followed: set[int] = field(default_factory=set)
    meetings: list[Meeting] = field(default_factory=list)
    rehearsals: list[Rehearsal] = field(default_factory=list)
    courses: list[Course] = field(default_factory=list)
    status: str = ""

    @property
    def begins(self) -> int:
        return self.changes[0][0]

    @property
    def ends(self) -> int:
        return self.changes[-1][0]

    @property
    def starts(self) -> list[int]:
        """When the candidate has something to come to."""
        lessons = [lesson.start for course in self.courses for lesson in course.lessons]
        return [*(m.start for m in self.meetings), *(r.start for r in self.rehearsals if r.start), *lessons]

    def move(self, at: int, status: str) -> None:
        self.changes.append((at, self.status, status))
        self.status = status

    def follow(self, at: int, *statuses: str) -> None:
        """What a record has carried the application to, one after the other, each a minute later."""
        for number, status in enumerate(statuses):
            self.followed.add(len(self.changes))
            self.move(at + number, status)


def plan(office: Office, way: Journey, latest: int, parity: int, extra: int) -> Timeline:
    """A timeline along ``way`` that ends before now, and begins at ``latest`` or before; ``extra`` interviews are
    the organisation's own."""
    steps = [int(office.random.uniform(0.3, 5) * DAY) for _ in way]
    rounds = sum(isinstance(step, Round) and not step.is_open for step in way)
    practice = sum(7 if isinstance(step, Mock) else 17 for step in way if isinstance(step, Mock | Training))
    # For a free hour, weekends, and the client's answer.
    longest = sum(steps) + (rounds * 12 + practice + 4) * DAY
    found = Timeline()
    found.move(min(latest, office.now - longest), START)
    for step, gap in zip(way, steps, strict=True):
        at = max(office.when(found.ends + gap, str(step)), found.ends + 15)
        if isinstance(step, Round):
            _meet_client(office, found, step, at, parity)
        elif isinstance(step, Mock):
            rehearse(office, found, step, at, parity)
        elif isinstance(step, Training):
            train(office, found, step, at, parity)
        else:
            found.move(at, step)
            if step in _CLOSED or step == "on_hold":
                _call_off(found, at)
    for _ in range(extra):
        _meet(office, found, parity)
    return found


def _meet_client(office: Office, found: Timeline, step: Round, at: int, parity: int) -> None:
    random = office.random
    found.follow(at, "interview_scheduled")
    if step.is_open:
        late = random.random() < 0.02  # nobody said yet how it went
        start = office.hour_after(max(at, office.now - 3 * DAY) if late else max(at, office.soon()), parity)
        known = "rescheduled" if step.ends == "rescheduled" else "scheduled"
        status = "confirmed" if random.random() < 0.4 else known
        moves = int(known != "scheduled")
        found.meetings.append(Meeting(at, start, "client", status, moves=moves, over_at=at))
        for number, after in enumerate(step.statuses[1:], 1):
            found.follow(at + number * HOUR, after)
        return
    start, moves = office.hour_after(at + DAY, parity), int(random.random() < 0.12)
    if moves:
        found.follow(at + HOUR, "interview_rescheduled")
    status = step.ends if step.ends == "cancelled" else "completed"
    outcome = step.ends if step.ends in ("passed", "failed") else ""
    over = start - HOUR if status == "cancelled" else start + 50
    found.meetings.append(Meeting(at, start, "client", status, outcome, moves, over))
    for number, after in enumerate(step.statuses[1:]):
        found.follow(over + number * random.randrange(HOUR, 2 * DAY), after)


def _call_off(found: Timeline, at: int) -> None:
    for meeting in found.meetings:
        if meeting.status in ("scheduled", "confirmed", "rescheduled"):
            meeting.status, meeting.over_at, meeting.called_off = "cancelled", at, True
    for rehearsal in found.rehearsals:
        rehearsal.call_off(at)
    for course in found.courses:
        course.call_off(at)


def _meet(office: Office, found: Timeline, parity: int) -> None:
    """An interview of the organisation's own, while the application was open; now and then one still to come."""
    random = office.random
    is_open = found.status not in _CLOSED and found.status != "on_hold"
    if is_open and random.random() < office.to_come:
        made = found.ends
        wished = max(made, office.soon())
    else:
        made = random.randrange(found.begins, max(found.ends, found.begins + 1))
        wished = made + random.randrange(DAY, 6 * DAY)
    start = office.hour_after(wished, parity)
    while any(start // DAY == other // DAY for other in found.starts):
        start = office.hour_after(start + DAY, parity)
    states, weights = _PAST if start < office.now else _AHEAD
    status = random.choices(states, weights)[0]
    if start <= office.now < start + 60 and is_open:
        status = "in_progress"
    elif status in ("confirmed", "scheduled") and not is_open:
        status = "completed"
    moves = 1 if status == "rescheduled" else int(random.random() < 0.1)
    over = min(start - HOUR if status == "cancelled" else start + 50, office.now)
    meeting = Meeting(made, start, "internal", status, "", moves, over)
    if not is_open and start + HOUR > found.ends:
        meeting.status, meeting.over_at = "cancelled", found.ends
        meeting.called_off = found.status in ("withdrawn", "on_hold")
    found.meetings.append(meeting)
