"""Plays timelines: whatever they say is done by the portal's own actions, in the order of time, by whoever does it."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import sqlalchemy as sa

from portal.core import clock
from portal.core.context import act
from portal.core.workflow import Change
from portal.demo import names
from portal.demo.cast import Cast
from portal.demo.drilling import Drill
from portal.demo.office import DAY, HOUR, Office
from portal.demo.sittings import Sitting
from portal.demo.timelines import Timeline
from portal.hiring import actions as hiring
from portal.hiring.models import Application, Candidate, Job
from portal.hiring.pipeline import STAGE_OF
from portal.hiring.workflow import APPLICATION
from portal.interviews.models import InterviewTemplate
from portal.people.models import User

_OFFICE_DAYS = (0, 1, 3)  # Monday, Tuesday and Thursday
_ACTORS = {
    "documents": "Documentation Executive", "selection": "Processing Executive", "processing": "Processing Executive",
    "final": "Processing Executive",
}  # fmt: skip
_REASONS = {
    "withdrawn": ("Took another offer", "Moves to another country", "Personal reasons"),
    "on_hold": ("The project waits for its budget", "Back from leave next month"),
    "rejected_documents": ("The licence has expired", "References could not be verified"),
    "rejected_interview": ("Not yet ready for this ward", "Communication below what the client asks for"),
    "rejected_selection": ("The client chose another candidate",),
}


class Desk(Office):
    """The small demo's office: its hours and days, and who sits where, the log-ins first."""

    def __init__(self, now: int, random: Random, opens: int, closes: int, cast: Cast) -> None:
        roles = ("Interviewer", "Hiring Manager", "Team Lead")
        self.people = [user for role in roles for user in cast.by_role[role]]
        self.favourites = {cast.first("Interviewer").id, cast.first("Hiring Manager").id}
        keys = [user.id.hex for user in self.people]
        super().__init__(now, random, keys, opens, closes, ahead=4, farthest=9, to_come=0.35)
        self._busy: dict[int, set[Hashable]] = defaultdict(set)
        self.coordinators = cast.by_role["Interview Coordinator"]
        self.keep(now - (now % HOUR or HOUR), self.coordinators[0].id)  # for the one that goes on when somebody looks

    def when(self, minute: int, status: str) -> int:
        """On the next office day, each stage at its own hour: what is ready by then is done together."""
        day = minute // DAY
        while (day + 3) % 7 not in _OFFICE_DAYS:
            day += 1
        stage = list(dict.fromkeys(STAGE_OF.values())).index(STAGE_OF.get(status, "interview"))
        return day * DAY + (self.opens + stage % 8) * HOUR + 10 * stage

    def sitting(self, minute: int, size: int) -> list[User]:
        """So many people who sit nowhere else in that hour, the lead first."""
        hour = minute // HOUR
        free = [user for user in self.people if user.id not in self._busy[hour]]
        chosen = sorted(free, key=lambda user: self.random.random() - 0.45 * (user.id in self.favourites))[:size]
        self._busy[hour].update(user.id for user in chosen)
        self.taken[hour] = len(self._busy[hour])
        return chosen

    def conducting(self, minute: int, parity: int) -> tuple[int, User]:
        """An hour, and a coordinator who has it; the one with the log-in more often than others."""
        who = self.coordinators[0] if self.random.random() < 0.4 else self.random.choice(self.coordinators)
        day = minute // DAY + 1
        return self._hour(who, day + (day % 2 != parity), 2), who

    def lately(self, who: User) -> tuple[int, User]:
        """An hour of one of the last working days, for what is still to be assessed."""
        return self._hour(who, self.now // DAY - 1, -1), who

    def _hour(self, who: User, day: int, step: int) -> int:
        hours = list(range(self.opens, self.closes))
        while True:
            self.random.shuffle(hours)
            for hour in hours:
                if self.again((day * 24 + hour) * HOUR, who):
                    return (day * 24 + hour) * HOUR
            day += step

    def again(self, minute: int, who: Any) -> bool:
        hour = minute // HOUR
        if (minute // DAY + 3) % 7 > 4 or who.id in self._busy[hour]:
            return False
        self._busy[hour].add(who.id)
        return True

    def keep(self, minute: int, who: Hashable) -> None:
        """Let ``who`` sit nowhere else in that hour."""
        self._busy[minute // HOUR].add(who)

    def another(self, minute: int, people: Sequence[Hashable]) -> int:
        """A time two weeks after ``minute`` or more at which all ``people`` are free, and are no longer from now on.

        Weeks by two, as a candidate's other application has the days between (see ``office``).
        """
        hour = minute // HOUR + 14 * 24
        while self._busy[hour].intersection(people):
            late = hour % 24 >= self.closes - 1
            hour = (hour // 24 + 14) * 24 + self.opens if late else hour + 1
        self._busy[hour].update(people)
        return hour * HOUR


def moment(minute: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)


class Season:
    """Collects what is to happen, then does it."""

    def __init__(
        self, session: Any, cast: Cast, desk: Desk, jobs: Sequence[Job], templates: Mapping[str, InterviewTemplate]
    ) -> None:
        self.templates = templates
        self.session, self.cast, self.desk, self.random = session, cast, desk, desk.random
        self._jobs = [job for job in jobs if job.status == "open"]
        self._acts: list[tuple[int, User, Callable[[Change], None]]] = []
        self._moves: dict[tuple[int, str], list[Thread]] = defaultdict(list)
        self._candidates: list[Thread] = []

    def follow(self, planned: tuple[Timeline, int]) -> None:
        """Have an application go along ``planned``; of parity 1, as the second one of an earlier candidate."""
        timeline, parity = planned
        thread = Thread(self, timeline, self._free_candidate(timeline) if parity else None)
        thread.again = bool(parity)  # a second one would have its interviews on the same days
        if not thread.earlier:
            self._candidates.append(thread)
        self.at(timeline.begins, thread.recruiter, thread.nominate)
        for number, (minute, _, status) in enumerate(timeline.changes):
            if number and number not in timeline.followed:
                self._moves[minute, status].append(thread)
        for start in timeline.starts:
            self.desk.keep(start, thread.who)
        for meeting in timeline.meetings:
            Sitting(self, thread, meeting).arrange()
        drills = {id(each): Drill(self, thread, each) for each in timeline.rehearsals}
        for course in timeline.courses:
            drills[id(course.rehearsal)].course = course
        for drill in drills.values():
            drill.arrange()

    def _free_candidate(self, timeline: Timeline) -> "Thread | None":
        """One whose first application began before this one, and who has no other yet."""
        for thread in self._candidates:
            if not thread.again and thread.timeline.begins < timeline.begins:
                thread.again = True
                return thread
        return None

    def at(self, minute: int, who: User, does: Callable[[Change], None]) -> None:
        self._acts.append((minute, who, does))

    def play(self) -> None:
        for (minute, status), threads in self._moves.items():
            self.at(minute, self._actor(status, threads[0]), self._move(status, threads))
        for minute, who, does in sorted(self._acts, key=lambda each: each[0]):
            at = moment(minute)
            with clock.frozen(at), act(by=who.id, label=who.full_name):
                # As if carried by another record: it asks for no permission of its own.
                does(Change(at, None, {"actor": who.id}))

    def _actor(self, status: str, thread: "Thread") -> User:
        role = _ACTORS.get(STAGE_OF[status], "")
        if role:
            return self.random.choice(self.cast.by_role[role])
        return thread.coordinator if STAGE_OF[status] in ("interview", "training") else thread.recruiter

    def _move(self, status: str, threads: "list[Thread]") -> Callable[[Change], None]:
        def move(change: Change) -> None:
            reason = self.random.choice(_REASONS[status]) if status in _REASONS else ""
            ids = [thread.row.id for thread in threads]
            done = APPLICATION.apply(self.session, ids, status, change.carried(reason=reason))
            for refused in done.refused.values():
                raise refused

        return move


class Thread:
    """One application as it comes into being: the row is there once ``nominate`` has run."""

    row: Application
    candidate: Candidate

    def __init__(self, season: Season, timeline: Timeline, earlier: "Thread | None") -> None:
        self.season, self.timeline, self.earlier, self.again = season, timeline, earlier, False
        self.who: object = earlier.who if earlier else self  # the candidate, who has no key yet
        self.recruiter = season.desk.random.choice([season.cast.first("Recruiter"), *season.cast.by_role["Recruiter"]])
        coordinators = season.cast.by_role["Interview Coordinator"]
        chosen = season.desk.random.choice([coordinators[0], coordinators[0], *coordinators])
        self.coordinator: User = timeline.rehearsals[-1].coordinator if timeline.rehearsals else chosen

    def nominate(self, change: Change) -> None:
        season = self.season
        self.candidate = self.earlier.candidate if self.earlier else self._somebody(change)
        job = season.random.choice(season._jobs)
        taken = sa.select(Application.job_id).where(Application.candidate_id == self.candidate.id)
        if job.id in set(season.session.scalars(taken)):
            job = next(other for other in season._jobs if other.id != job.id)
        values = {
            "candidate_id": self.candidate.id, "job_id": job.id, "recruiter_id": self.recruiter.id,
            "coordinator_id": self.coordinator.id,
        }  # fmt: skip
        self.row = hiring.nominate(season.session, values, change)

    def _somebody(self, change: Change) -> Candidate:
        random, number = self.season.random, self.season._candidates.index(self)
        found = names.person(random, number + 1)
        first, last = names.THE_LONGEST if number == 7 else (found.first, found.last)
        values = {
            "first_name": first, "last_name": last, "email": f"{found.address}@mail.example", "phone": found.phone,
            "timezone": found.zone, "locale": found.locale, "source": random.choice(names.SOURCES),
            "recruiter_id": self.recruiter.id,
        }  # fmt: skip
        return hiring.add_candidate(self.season.session, values, change)
