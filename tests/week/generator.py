"""Makes weeks up: who there is, what is done to which interview and when, what breaks down. A seed makes the same
week again.

Time is a grid, so that the model need not guess which of two things at the same moment comes first: interviews begin,
and so reminders fall due, at full quarters of an hour; acts are done at 2½ minutes after a multiple of five; outages
begin and end at 1¼. Who was killed is waited for within the 2½ minutes before the next mark.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.week.acts import Act, Outage, Reader, Seat, Week
from tests.week.model import AHEAD, LEADS

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BEGIN = datetime(2026, 3, 25, tzinfo=UTC)
"""A Wednesday: on the Sunday after, Europe's clocks change."""
LENGTH = 45 * MINUTE
ZONES = (
    "Europe/London", "Europe/Berlin", "America/New_York", "America/St_Johns", "Asia/Dubai", "Asia/Kathmandu",
    "Asia/Kolkata", "Asia/Tokyo", "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Apia",
    "Africa/Casablanca", "America/Sao_Paulo", "Atlantic/Azores", "Asia/Beirut",
)  # fmt: skip
TYPES = ("interview_scheduled", "interview_rescheduled", "interview_cancelled", "interview_reminder",
         "feedback_requested", "feedback_overdue", "interview_confirmed", "interview_declined")  # fmt: skip
LEADS_AHEAD = ((4, 70), (70, 26 * 60), (22 * 60, 26 * 60), (26 * 60, 4 * 24 * 60))
"""How many minutes ahead an interview is arranged: soon, within a day, just about one, long before."""


@dataclass(frozen=True)
class Size:
    """How much of it. ``step`` is how many minutes lie between two times at which something may be done."""

    interviews: int
    users: int
    days: int = 8
    step: int = 5
    outages: int = 4
    kills: float = 0.02


@dataclass
class Generator:
    """Makes one week."""

    size: Size
    random: random.Random
    begin: datetime = BEGIN
    _taken: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=lambda: defaultdict(list))

    def week(self) -> Week:
        users = {user.name: user for user in map(self._user, range(self.size.users))}
        self._names = list(users)
        self._outages = list(self._make_outages())
        lives = [self._life(number) for number in range(self.size.interviews)]
        acts = sorted((act for life in lives for act in life), key=lambda act: (act.at, act.number))
        candidates = {n: Reader(f"candidate {n}", self._any(ZONES)) for n in range(self.size.interviews)}
        return Week(self.begin, self.end, users, candidates, acts, self._outages, self._kills(acts))

    @property
    def end(self) -> datetime:
        return self.begin + self.size.days * DAY

    # --- who and what breaks ------------------------------------------------------------------------

    def _user(self, number: int) -> Reader:
        chance = self.random.random()
        quiet = ("22:00", "07:00") if chance < 0.3 else ("12:00", "13:00") if chance < 0.4 else ("", "")
        unwanted = {
            (self._any(TYPES), self._any(("email", "in_app"))) for _ in range(self.random.choice((0, 0, 0, 1, 3)))
        }
        return Reader(f"user {number}", self._any(ZONES), frozenset(unwanted), quiet)

    def _make_outages(self) -> Iterator[Outage]:
        """One in each stretch of the week, in turns of mail server and scheduler, so that none touch."""
        stretch = self.size.days * DAY / (self.size.outages + 1)
        for number in range(self.size.outages):
            since = self._grid(self.begin + stretch * (number + self.random.uniform(0.2, 0.6)), 1.25)
            what = ("mail", "scheduler")[number % 2]
            minutes = self.random.choice((10, 25, 45) if what == "mail" else (20, 60, 120))
            until = since + minutes * MINUTE
            # A mail that failed waits as long again as it has waited, and a quarter more, until it is tried again.
            calm = until + (minutes * MINUTE * 1.25 + 6 * MINUTE if what == "mail" else 3 * MINUTE)
            yield Outage(what, since, until, calm)

    def _kills(self, acts: Iterable[Act]) -> frozenset[datetime]:
        times = sorted({act.at for act in acts})
        away = [(outage.since - 3 * MINUTE, outage.calm) for outage in self._outages]
        calm = [at for at in times if not any(since <= at <= until for since, until in away)]
        return frozenset(self.random.sample(calm, int(len(calm) * self.size.kills)))

    # --- the life of an interview -------------------------------------------------------------------

    def _life(self, number: int) -> list[Act]:
        """What is done to one interview, from its making to the end of the week or its own."""
        latest = self.end - 2 * DAY
        at = self._free_time(self.begin + self.random.random() * (latest - self.begin))
        start, panel = self._arrange(at, self._any((1, 1, 2, 2, 3)))
        acts = [Act(at, number, "create", start=start, panel=panel, who=self._any(self._names))]
        life = _Life(start, panel)
        while len(acts) < 12 and (act := self._next(number, acts[-1].at, life)) is not None:
            acts.append(act)
            life.after(act)
        return acts

    def _next(self, number: int, after: datetime, life: "_Life") -> Act | None:
        """The next thing done to it, if any before the week ends."""
        at = self._free_time(after + self._pause(after, life))
        if at >= self.end:
            return None
        kind = self._kind(at, life)
        if kind in ("create", ""):
            return None
        if kind == "move":
            start = self._free_start(at, [name for name, _ in life.panel])
            return Act(at, number, kind, start=start)
        if kind == "seat":
            return Act(at, number, kind, panel=self._other_panel(life))
        if kind in ("decline", "feedback"):
            return Act(at, number, kind, who=self._any(sorted(life.may(kind))))
        return Act(at, number, kind)

    def _pause(self, after: datetime, life: "_Life") -> timedelta:
        """Mostly something before it begins, or soon after it has begun."""
        left = life.start - after
        if life.status in AHEAD and left > timedelta():
            return left * self.random.choice((0.1, 0.5, 0.9, 0.99, 1.0)) + MINUTE
        return self.random.choice((5, 30, 60, 20 * 60, 30 * 60)) * MINUTE

    def _kind(self, at: datetime, life: "_Life") -> str:
        return str(self._any_kind(at, life))

    def _any_kind(self, at: datetime, life: "_Life") -> Any:
        """What may be done to it now, '' for nothing."""
        if life.status in AHEAD:
            if at > life.start:
                return self._any(("start", "start", "no_show", "") if life.status != "confirmed" else
                                 ("start", "complete", "complete", "no_show"))  # fmt: skip
            kinds = ["move", "move", "seat", "seat", "cancel", "confirm", "decline"]
            refused = {"confirm"} if life.status == "confirmed" else set()
            refused |= set() if life.may("decline") else {"decline"}
            return self._any([kind for kind in kinds if kind not in refused])
        if life.status == "in_progress":
            return self._any(("complete", "complete", "complete", "cancel"))
        if life.status in ("cancelled", "no_show"):
            return self._any(("move", "", ""))
        return "feedback" if life.may("feedback") and self.random.random() < 0.7 else ""

    # --- people and times ---------------------------------------------------------------------------

    def _arrange(self, at: datetime, people: int) -> tuple[datetime, tuple[Seat, ...]]:
        while True:
            start = self._start(at)
            free = [name for name in self._names if self._is_free(name, start)]
            if len(free) >= people:
                return start, self._sit(self.random.sample(free, people), start)

    def _sit(self, names: list[str], start: datetime) -> tuple[Seat, ...]:
        for name in names:
            self._taken[name].append((start, start + LENGTH))
        parts = ["lead", *(self._any(("panelist", "panelist", "shadow")) for _ in names)]
        return tuple(zip(names, parts, strict=False))

    def _other_panel(self, life: "_Life") -> tuple[Seat, ...]:
        """Somebody else in place of one, or one more, or one fewer."""
        stay = [seat for seat in life.panel if self.random.random() < 0.6]
        there = {name for name, _ in life.panel}
        free = [name for name in self._names if name not in there and self._is_free(name, life.start)]
        new = self.random.sample(free, min(len(free), self._any((1, 1, 2)) if len(stay) < 3 else 0))
        panel = (*stay, *((name, "panelist") for name, _ in self._sit(new, life.start)))
        return panel or life.panel

    def _free_start(self, at: datetime, names: Iterable[str]) -> datetime:
        names = list(names)
        while True:
            start = self._start(at)
            if all(self._is_free(name, start) for name in names):
                for name in names:
                    self._taken[name].append((start, start + LENGTH))
                return start

    def _is_free(self, name: str, start: datetime) -> bool:
        return all(start >= until or start + LENGTH <= since for since, until in self._taken[name])

    def _start(self, at: datetime) -> datetime:
        """A quarter of an hour some way ahead, which no outage makes uncertain."""
        quarter = 15 * 60
        while True:
            least, most = self._any(LEADS_AHEAD)
            wanted = at + self.random.randint(least, most) * MINUTE
            start = datetime.fromtimestamp(wanted.timestamp() // quarter * quarter, UTC)
            marks = [start, *(start - lead for lead, _ in LEADS.values())]
            if start > at + MINUTE and not any(self._uncertain(mark) for mark in marks):
                return start

    def _uncertain(self, at: datetime) -> bool:
        return any(outage.until - 3 * MINUTE <= at <= outage.calm for outage in self._outages)

    def _free_time(self, at: datetime) -> datetime:
        """The next time for an act at or after ``at``."""
        at = self._grid(at, 2.5)
        while self._uncertain(at):
            at += self.size.step * MINUTE
        return at

    def _grid(self, at: datetime, minutes: float) -> datetime:
        step = self.size.step * 60
        return datetime.fromtimestamp((at.timestamp() // step + 1) * step + minutes * 60, UTC)

    def _any(self, of: Iterable[str] | Iterable[int] | Iterable[tuple[int, int]]) -> Any:
        return self.random.choice(list(of))


@dataclass
class _Life:
    """How an interview stands, so far as it decides what may be done next."""

    start: datetime
    panel: tuple[Seat, ...]
    status: str = "scheduled"
    done: set[tuple[str, str]] = field(default_factory=set)

    def after(self, act: Act) -> None:
        leads_to = {"confirm": "confirmed", "move": "rescheduled", "cancel": "cancelled", "start": "in_progress",
                    "complete": "completed", "no_show": "no_show"}  # fmt: skip
        self.status = leads_to.get(act.kind, self.status)
        self.start, self.panel = act.start or self.start, act.panel or self.panel
        if act.who:
            self.done.add((act.kind, act.who))

    def may(self, kind: str) -> set[str]:
        """Who could still decline, or give feedback."""
        sits = {name for name, part in self.panel if kind == "decline" or part != "shadow"}
        return {name for name in sits if (kind, name) not in self.done}


def make_week(size: Size, seed: int) -> Week:
    return Generator(size, random.Random(seed)).week()
