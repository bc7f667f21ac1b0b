"""What a week's acts must lead to, by SPEC §5 and §2 alone: this module knows nothing of the portal.

An act is told at once through the portal (in_app), and by mail as soon as the mail server takes something. A mail
that had to wait is sent if it is still true by then. Reminders fall due by the clock, and wait for a scheduler.

Where SPEC is silent it follows what the portal promises its users: what concerns one's own interview of today comes
whatever one chose; who has declined is not reminded, until the interview moves and all are asked anew; nobody is told
of what they did themselves; feedback is asked for at the same time of the reader's day.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from tests.week.acts import Act, Reader, Told, Week

IN_APP, EMAIL = "in_app", "email"
SCHEDULED, RESCHEDULED, CANCELLED = "interview_scheduled", "interview_rescheduled", "interview_cancelled"
REMINDER, REQUESTED, OVERDUE = "interview_reminder", "feedback_requested", "feedback_overdue"
AHEAD = ("scheduled", "rescheduled", "confirmed")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LEADS = {"1day": (24 * 60 * MINUTE, 23 * 60 * MINUTE), "1hour": (60 * MINUTE, 55 * MINUTE),
         "15min": (15 * MINUTE, 5 * MINUTE)}  # fmt: skip
"""How long before the start a reminder is due, and until when it is still worth making."""
MOST_OVERDUE = 5


@dataclass
class Interview:
    """One interview as it stands, and what each of its readers knows of it."""

    number: int
    organizer: str
    start: datetime
    status: str = "scheduled"
    version: int = 0
    panel: dict[str, str] = field(default_factory=dict)
    declined: set[str] = field(default_factory=set)
    submitted: set[str] = field(default_factory=set)
    knows: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """By reader and channel, the version of the schedule that they were told last."""
    owed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By reader, the channels through which a cancellation would have to reach them: all, once they were told through
    any."""

    @property
    def candidate(self) -> str:
        return f"candidate {self.number}"

    @property
    def readers(self) -> list[str]:
        return [self.candidate, *self.panel]

    def owes(self, reader: str) -> bool:
        """Whether ``reader`` still has to say what they think."""
        sits = self.panel.get(reader, "shadow") != "shadow"
        return self.status == "completed" and sits and reader not in self.submitted


@dataclass(frozen=True)
class Pending:
    """A mail that waits: of which schedule and start it speaks, and of which reminder."""

    type: str
    version: int
    start: datetime
    kind: str = ""


@dataclass
class Model:
    """Plays a week and collects what was told."""

    week: Week
    told: dict[Told, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    _interviews: dict[int, Interview] = field(default_factory=dict)
    _due: list[tuple[datetime, int, Any]] = field(default_factory=list)
    _reminded: set[tuple[int, int, str, str]] = field(default_factory=set)
    _waiting: dict[tuple[int, str], list[Pending]] = field(default_factory=lambda: defaultdict(list))
    _order: Any = field(default_factory=count)
    now: datetime = field(init=False)

    def play(self) -> dict[Told, list[datetime]]:
        """All that is told by the end of the week, and when."""
        self.now = self.week.begin
        ends = [outage.until for outage in self.week.outages if outage.what == "mail"]
        for at, act in self._timeline(ends):
            self._let_pass(at)
            if act is not None:
                self._do(act)
            self._let_pass(at)
            self._post()
        return self.told

    def _timeline(self, ends: Iterable[datetime]) -> Sequence[tuple[datetime, Act | None]]:
        acts: list[tuple[datetime, Act | None]] = [(act.at, act) for act in self.week.acts]
        marks: list[tuple[datetime, Act | None]] = [(at, None) for at in (*ends, self.week.end)]
        return sorted([*marks, *acts], key=lambda each: each[0])

    # --- acts ---------------------------------------------------------------------------------------

    def _do(self, act: Act) -> None:
        getattr(self, f"_do_{act.kind}")(act)

    def _do_create(self, act: Act) -> None:
        made = Interview(act.number, act.who, act.begins, panel=dict(act.panel))
        self._interviews[act.number] = made
        for reader in made.readers:
            self._tell(made, reader, SCHEDULED)
        self._remind(made, made.readers)

    def _do_confirm(self, act: Act) -> None:
        mine = self._interviews[act.number]
        mine.status = "confirmed"
        self._note(mine, mine.organizer, "interview_confirmed")

    def _do_decline(self, act: Act) -> None:
        mine = self._interviews[act.number]
        mine.declined.add(act.who)
        if act.who != mine.organizer:
            self._note(mine, mine.organizer, "interview_declined")

    def _do_move(self, act: Act) -> None:
        mine = self._interviews[act.number]
        mine.status, mine.start, mine.version = "rescheduled", act.begins, mine.version + 1
        mine.declined.clear()
        for reader in mine.readers:
            self._tell(mine, reader, RESCHEDULED)
        self._remind(mine, mine.readers)

    def _do_seat(self, act: Act) -> None:
        mine, panel = self._interviews[act.number], dict(act.panel)
        gone, new = [r for r in mine.panel if r not in panel], [r for r in panel if r not in mine.panel]
        mine.panel = panel
        mine.declined -= set(gone)
        for reader in gone:
            self._tell(mine, reader, CANCELLED)
        for reader in new:
            self._tell(mine, reader, SCHEDULED)
        self._remind(mine, new)

    def _do_cancel(self, act: Act) -> None:
        mine = self._interviews[act.number]
        mine.status = "cancelled"
        for reader in mine.readers:
            self._tell(mine, reader, CANCELLED)

    def _do_start(self, act: Act) -> None:
        self._interviews[act.number].status = "in_progress"

    def _do_no_show(self, act: Act) -> None:
        self._interviews[act.number].status = "no_show"

    def _do_complete(self, act: Act) -> None:
        mine = self._interviews[act.number]
        mine.status = "completed"
        for reader in [one for one in mine.panel if mine.owes(one)]:
            self._tell(mine, reader, REQUESTED)
            for due in overdue_times(self.now, ZoneInfo(self.week.users[reader].zone)):
                self._expect(due, (mine.number, mine.version, OVERDUE, reader))

    def _do_feedback(self, act: Act) -> None:
        self._interviews[act.number].submitted.add(act.who)

    # --- telling ------------------------------------------------------------------------------------

    def _tell(self, mine: Interview, reader: str, type_: str, kind: str = "") -> None:
        """Through the portal now, and by mail with the next post; a candidate has mail alone."""
        pending = Pending(type_, mine.version, mine.start, kind)
        if self._wants(mine, reader, type_, EMAIL):
            self._waiting[mine.number, reader].append(pending)
        if reader != mine.candidate and self._wants(mine, reader, type_, IN_APP):
            self._try(mine, reader, pending, IN_APP)

    def _note(self, mine: Interview, reader: str, type_: str) -> None:
        """Through the portal alone."""
        if self._wants(mine, reader, type_, IN_APP):
            self._arrives(mine, reader, Pending(type_, mine.version, mine.start), IN_APP)

    def _post(self) -> None:
        """All mails that wait, if somebody takes them."""
        if self.week.away("mail", self.now):
            return
        for (number, reader), pending in self._waiting.items():
            mine = self._interviews[number]
            for each in pending:
                self._try(mine, reader, each, EMAIL)
        self._waiting.clear()

    def _try(self, mine: Interview, reader: str, one: Pending, channel: str) -> None:
        if self._true(mine, reader, one, channel):
            self._arrives(mine, reader, one, channel)

    def _true(self, mine: Interview, reader: str, one: Pending, channel: str) -> bool:
        """Whether it is still so, and news to ``reader``."""
        sits = reader in mine.readers
        if one.type in (SCHEDULED, RESCHEDULED):
            ahead = mine.status in AHEAD and mine.start > self.now
            return sits and ahead and one.version == mine.version and mine.knows[reader].get(channel) != mine.version
        if one.type == CANCELLED:
            called_off = mine.status == "cancelled" if sits else mine.start > self.now
            return channel in mine.owed[reader] and called_off and one.version == mine.version
        if one.type == REMINDER:
            ahead = mine.status in AHEAD and mine.start > self.now
            stands = ahead and one.version == mine.version and not self._nearer(mine, one.kind)
            return sits and stands and reader not in mine.declined
        return mine.owes(reader)

    def _nearer(self, mine: Interview, kind: str) -> bool:
        """Whether a reminder nearer to the start is due as well."""
        kinds = list(LEADS)
        return any(mine.start - LEADS[each][0] <= self.now for each in kinds[kinds.index(kind) + 1 :])

    def _arrives(self, mine: Interview, reader: str, one: Pending, channel: str) -> None:
        quiet = channel == IN_APP and is_quiet(self.week.users[reader], self.now)
        told = Told(reader, channel, one.type, mine.number, one.start, quiet)
        self.told[told].append(self.now)
        if one.type in (SCHEDULED, RESCHEDULED):
            mine.knows[reader][channel] = one.version
        if one.type == CANCELLED:
            mine.knows[reader].pop(channel, None)
            mine.owed[reader].discard(channel)
        else:
            mine.owed[reader] = {IN_APP, EMAIL}

    def _wants(self, mine: Interview, reader: str, type_: str, channel: str) -> bool:
        user = self.week.users.get(reader)
        if user is None or (type_, channel) not in user.unwanted:
            return True
        here = ZoneInfo(user.zone)
        today = mine.start.astimezone(here).date() == self.now.astimezone(here).date()
        return today and type_ in (SCHEDULED, RESCHEDULED, CANCELLED, REMINDER)

    # --- what falls due -----------------------------------------------------------------------------

    def _remind(self, mine: Interview, readers: Iterable[str]) -> None:
        for reader in readers:
            for kind, (lead, useful) in LEADS.items():
                if self.now <= mine.start - useful:
                    self._expect(mine.start - lead, (mine.number, mine.version, kind, reader))

    def _expect(self, due: datetime, what: tuple[int, int, str, str]) -> None:
        """At ``due``, or now where that has passed; or when a scheduler is there again."""
        at = max(due, self.now)
        while (outage := self.week.away("scheduler", at)) is not None:
            at = outage.until
        heapq.heappush(self._due, (at, next(self._order), what))

    def _let_pass(self, until: datetime) -> None:
        """Time, and what falls due meanwhile."""
        while self._due and self._due[0][0] <= until:
            at, _, (number, version, kind, reader) = heapq.heappop(self._due)
            if at > self.now:
                self._post()
            self.now = max(self.now, at)
            self._fall_due(self._interviews[number], version, kind, reader)
            self._post_if_over(until)
        self.now = max(self.now, until)

    def _post_if_over(self, until: datetime) -> None:
        if not self._due or self._due[0][0] > self.now:
            self._post()

    def _fall_due(self, mine: Interview, version: int, kind: str, reader: str) -> None:
        once = (mine.number, version, kind, reader)
        type_ = OVERDUE if kind == OVERDUE else REMINDER
        if version != mine.version or (type_ == REMINDER and once in self._reminded):
            return
        if self._true(mine, reader, Pending(type_, version, mine.start, kind), ""):
            self._reminded.add(once)
            self._tell(mine, reader, type_, kind)


def overdue_times(asked: datetime, zone: ZoneInfo) -> list[datetime]:
    """24 hours after the request, then daily on working days of the reader's calendar, five at most."""
    found, here = [asked + DAY], asked.astimezone(zone)
    for days in range(2, 12):
        at = (here + days * DAY).astimezone(UTC)  # on the reader's clock: at the same time of their day
        if at.astimezone(zone).weekday() < 5:
            found.append(at)
    return found[:MOST_OVERDUE]


def is_quiet(user: Reader, at: datetime) -> bool:
    """Whether ``at`` lies in the reader's quiet hours, which may go over midnight."""
    since, until = user.quiet
    if not since:
        return False
    here = f"{at.astimezone(ZoneInfo(user.zone)):%H:%M}"
    return since <= here < until if since <= until else here >= since or here < until


def predict(week: Week) -> dict[Told, list[datetime]]:
    """The messages of ``week``, each with the times at which it comes."""
    return Model(week).play()
