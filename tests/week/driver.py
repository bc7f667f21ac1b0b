"""Does a week's acts to a portal with all its processes running, and lets its time pass."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.messaging.inbox import NotificationPreference, QuietHours
from tests.support.cast import Person
from tests.support.machinery import Machinery
from tests.support.office import Applied, Office, Panel, open_office
from tests.support.processes import Running
from tests.week.acts import Act, Outage, Reader, Seat, Week

WORKERS = 2
MOODS = ("down", "451 later", "421 closing")
"""What a mail server's outage looks like, by turns."""


@dataclass
class Driver:
    """``interviews`` are the portal's keys of the week's numbers; ``orphans`` the Message-IDs of what a killed worker
    had in hand, the only ones that may come twice."""

    machinery: Machinery
    week: Week
    random: random.Random
    office: Office = field(init=False)
    people: dict[str, Person] = field(default_factory=dict)
    applied: list[Applied] = field(default_factory=list)
    interviews: dict[int, UUID] = field(default_factory=dict)
    orphans: set[str] = field(default_factory=set)
    kills: int = 0

    _workers: list[Running] = field(default_factory=list)
    _scheduler: Running | None = None
    _moods: int = 0

    def run(self, tell: Callable[[datetime, int], None] = lambda at, acts: None) -> None:
        """The whole week; ``tell`` hears of each time with acts, and how many were done by then."""
        self._begin()
        acts = list(self.week.acts)
        edges = sorted((at, outage) for outage in self.week.outages for at in (outage.since, outage.until))
        done = 0
        while done < len(acts) or edges:
            at = min([acts[done].at] if done < len(acts) else [], default=self.week.end)
            if edges and edges[0][0] <= at:
                self._pass_until(edges[0][0])
                self._turn(*edges.pop(0))
                continue
            self._pass_until(at)
            due = [act for act in acts[done:] if act.at == at] if at == acts[done].at else []
            self._do_all(at, due)
            done += len(due)
            tell(at, done)
        self._pass_until(self.week.end)

    # --- the beginning ------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.machinery.clock.set(self.week.begin)
        self.office = open_office(self.machinery.app)
        for user in self.week.users.values():
            self.people[user.name] = self.office.colleague(user.name, user.zone)
            self._let_choose(user)
        self.applied = self.office.candidates([reader.zone for reader in self.week.candidates.values()], first=0)
        self._workers = [self.machinery.start("worker") for _ in range(WORKERS)]
        self._scheduler = self.machinery.start("scheduler")

    def _let_choose(self, user: Reader) -> None:
        mine = self.people[user.name]
        with self.machinery.app.app_context(), tenant_scope(mine.tenant_id):
            for type_, channel in user.unwanted:
                db.session.add(NotificationPreference(user_id=mine.id, type=type_, channel=channel, wanted=False))
            if user.quiet[0]:
                db.session.add(QuietHours(user_id=mine.id, since=user.quiet[0], until=user.quiet[1]))
            db.session.commit()

    # --- time ---------------------------------------------------------------------------------------

    def _pass_until(self, at: datetime) -> None:
        """Lets time pass, stopping where the portal has something to do."""
        while self._scheduler is not None and (due := self.machinery.next_due()) is not None and due < at:
            self._stand_at(due)
        self._stand_at(at)

    def _stand_at(self, at: datetime) -> None:
        """Whatever is told from now on bears this time or a later one."""
        clock = self.machinery.clock
        with clock.alone():
            clock.forward(seconds=max(0.0, (at - clock.now).total_seconds()))
        self._settle()

    def _settle(self) -> None:
        if self._scheduler is not None:
            self.machinery.settle(60)
        else:
            self.machinery.settle(60, of=("events", "deliveries") if self._mail_is_up else ("events",))

    # --- what breaks --------------------------------------------------------------------------------

    @property
    def _mail_is_up(self) -> bool:
        return self.week.away("mail", self.machinery.clock.now) is None

    def _turn(self, at: datetime, outage: Outage) -> None:
        """An outage begins or ends."""
        begins = at == outage.since
        if outage.what == "scheduler":
            self._turn_scheduler(begins)
        elif begins:
            self._go_out(MOODS[self._moods % len(MOODS)])
        else:
            self._come_back(outage)

    def _turn_scheduler(self, begins: bool) -> None:
        if begins and self._scheduler is not None:
            self.machinery.kill(self._scheduler)
            self._scheduler = None
        elif not begins:
            self._scheduler = self.machinery.start("scheduler")
            self._settle()

    def _go_out(self, mood: str) -> None:
        self._moods += 1
        if mood == "down":
            self.machinery.mail.go_down()
        else:
            self.machinery.mail.answers["DATA" if mood.startswith("451") else "EHLO"] = mood

    def _come_back(self, outage: Outage) -> None:
        if self.machinery.mail.is_down:
            self.machinery.mail.come_up()
        self.machinery.mail.answers.clear()
        self.machinery.drain(outage.calm, 60)

    def _kill_one(self) -> None:
        """A worker ends amid its work, and another one begins."""
        victim = self.random.randrange(WORKERS)
        self.orphans |= self.machinery.kill(self._workers[victim])
        self._workers[victim] = self.machinery.start("worker")
        self.kills += 1

    # --- acts ---------------------------------------------------------------------------------------

    def _do_all(self, at: datetime, acts: list[Act]) -> None:
        for act in acts:
            getattr(self, f"_do_{act.kind}")(act)
        if at in self.week.kills:
            self.machinery.wait_for_work(self.random.uniform(0, 0.1))
            self._kill_one()
        self._settle()

    def _do_create(self, act: Act) -> None:
        applied, by = self.applied[act.number], self.people[act.who]
        self.interviews[act.number] = self.office.schedule(applied, act.begins, self._panel(act.panel), by=by)

    def _do_confirm(self, act: Act) -> None:
        self.office.verb(self.interviews[act.number], "confirm")

    def _do_decline(self, act: Act) -> None:
        self.office.reply(self.interviews[act.number], self.people[act.who], "declined")

    def _do_move(self, act: Act) -> None:
        self.office.move(self.interviews[act.number], act.begins)

    def _do_seat(self, act: Act) -> None:
        self.office.seat(self.interviews[act.number], self._panel(act.panel))

    def _do_cancel(self, act: Act) -> None:
        self.office.verb(self.interviews[act.number], "cancel", reason="The ward is closed")

    def _do_start(self, act: Act) -> None:
        self.office.verb(self.interviews[act.number], "start")

    def _do_complete(self, act: Act) -> None:
        self.office.verb(self.interviews[act.number], "complete")

    def _do_no_show(self, act: Act) -> None:
        self.office.verb(self.interviews[act.number], "no-show")

    def _do_feedback(self, act: Act) -> None:
        self.office.give_feedback(self.interviews[act.number], self.people[act.who])

    def _panel(self, seats: tuple[Seat, ...]) -> Panel:
        return [(self.people[name], part) for name, part in seats]
