"""What the week's readers have really got: the mails as the mail server took them, the notifications as they stand."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import icalendar
import sqlalchemy as sa

from portal.core.db import db
from portal.core.events import OutboxEvent
from portal.core.tenancy import everywhere
from portal.messaging.inbox import Notification
from portal.messaging.models import Delivery, Reminder
from tests.support.moodymail import Taken
from tests.week.acts import Reader, Told
from tests.week.driver import Driver

WHEN = re.compile(r"\w{3} (\d{1,2} \w{3} \d{4}, \d\d:\d\d) \(([\w/+-]+), UTC([+-]\d\d:\d\d)\)")
"""How a message says when: `Thu 26 Mar 2026, 09:00 (Europe/London, UTC+00:00)`."""
TIME_LEFT = re.compile(r"^In (?:(\d+) days?)? ?(?:(\d+) hours?)? ?(?:(\d+) minutes?)?:")


@dataclass
class Seen:
    """``told`` has the times at which each message came; ``complaints`` what is wrong in itself, whatever was
    expected; ``twice`` the mails that came again after a worker was killed, ``given_up`` those for interviews that
    began while the mail server was away."""

    told: dict[Told, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    complaints: list[str] = field(default_factory=list)
    twice: int = 0
    given_up: int = 0
    mails: int = 0
    notifications: int = 0


@dataclass
class Observer:
    """Reads what there is after the week of ``driver``."""

    driver: Driver
    seen: Seen = field(default_factory=Seen)

    def look(self) -> Seen:
        self._numbers = {key: number for number, key in self.driver.interviews.items()}
        self._users = {person.id: name for name, person in self.driver.people.items()}
        self._by_email = {person.email: name for name, person in self.driver.people.items()}
        self._by_email |= {applied.email: f"candidate {n}" for n, applied in enumerate(self.driver.applied)}
        self._readers = {reader.name: reader for reader in self.driver.week.readers()}
        with self.driver.machinery.app.app_context(), everywhere():
            self._see_mails()
            self._see_notifications()
            self._see_given_up()
            self.seen.complaints += _left_undone()
        return self.seen

    # --- mails --------------------------------------------------------------------------------------

    def _see_mails(self) -> None:
        columns = (Delivery.message_id, Delivery.kind, Delivery.subject_id, Delivery.status)
        rows = db.session.execute(sa.select(*columns).where(Delivery.channel == "email"))
        made = {row.message_id: row for row in rows}
        taken = self.driver.machinery.mail.taken
        self.seen.mails = len({each.message_id for each in taken})
        seen: set[str] = set()
        for each in taken:
            if each.message_id in seen:
                self._again(each)
            else:
                seen.add(each.message_id)
                self._mail(each, made[each.message_id])
        sent = {row.message_id for row in made.values() if row.status == "sent"}
        if sent != seen:
            self._complain(f"noted as sent and not taken: {sent - seen}; taken and not noted: {seen - sent}")
        self._invitations(taken, made)

    def _again(self, each: Taken) -> None:
        self.seen.twice += 1
        if each.message_id not in self.driver.orphans:
            self._complain(f"{each.message['Subject']} came twice to {each.address}, though nobody was killed with it")

    def _mail(self, each: Taken, row: Any) -> None:
        reader = self._readers[self._by_email[each.address]]
        subject = str(each.message["Subject"])
        start = self._start(reader, subject, f"the mail to {each.address}")
        body = each.message.get_body(("plain",))
        for part in (body, each.message.get_body(("html",))):
            if part is None:
                self._complain(f"“{subject}” has no text or no HTML")
            elif start is not None and row.kind not in ("interview_confirmed",):
                self._start(reader, part.get_content(), f"the {part.get_content_type()} of “{subject}”")
        if start is None:
            return
        told = Told(reader.name, "email", row.kind, self._numbers[row.subject_id], start)
        self.seen.told[told].append(each.at)
        if row.kind == "interview_reminder":
            self._check_time_left(subject, start - each.at)

    def _start(self, reader: Reader, text: str, where: str) -> datetime | None:
        """The first time that ``text`` names; every one that it names must be in the reader's zone."""
        found = [self._moment(reader, match, where) for match in WHEN.finditer(" ".join(text.split()))]
        if not found:
            self._complain(f"{where} names no time with its zone: {text[:200]!r}")
            return None
        return found[0]

    def _moment(self, reader: Reader, match: "re.Match[str]", where: str) -> datetime:
        wall, zone, offset = match.groups()
        local = datetime.strptime(f"{wall} {offset}", "%d %b %Y, %H:%M %z")
        if zone != reader.zone:
            self._complain(f"{where} is in the zone {zone}, not in {reader.zone}")
        elif local.astimezone(ZoneInfo(zone)).utcoffset() != local.utcoffset():
            self._complain(f"{where} says UTC{offset}, which {zone} does not have then")
        return local.astimezone(UTC)

    def _check_time_left(self, subject: str, left: timedelta) -> None:
        match = TIME_LEFT.match(subject)
        if match is None:
            self._complain(f"“{subject}” does not say how much time is left")
            return
        days, hours, minutes = (int(number or 0) for number in match.groups())
        said = timedelta(days=days, hours=hours, minutes=minutes)
        unit = timedelta(hours=1) if days or (hours and not minutes) else timedelta(minutes=1)
        if abs(said - left) > unit:
            self._complain(f"“{subject}” was sent when {left} were left")

    def _invitations(self, taken: list[Taken], made: Mapping[str, Any]) -> None:
        """One UID for an interview, and a SEQUENCE that grows with each news of it."""
        uids: dict[UUID, set[str]] = defaultdict(set)
        last: dict[tuple[str, UUID], int] = {}
        for each in {mail.message_id: mail for mail in taken}.values():
            row = made[each.message_id]
            for method, uid, sequence in _invitations_in(each):
                uids[row.subject_id].add(uid)
                before = last.get((each.address, row.subject_id), -1)
                if sequence <= before:
                    self._complain(f"SEQUENCE {sequence} after {before} to {each.address}: {each.message['Subject']}")
                last[each.address, row.subject_id] = sequence
                if (method == "CANCEL") != (row.kind == "interview_cancelled"):
                    self._complain(f"METHOD:{method} with {row.kind}")
        if several := [key for key, found in uids.items() if len(found) > 1]:
            self._complain(f"several UIDs for the interviews {several}")

    def _see_given_up(self) -> None:
        """Mails that are dead: right only where the interview began while the mail server was away."""
        dead = sa.select(Delivery.kind, Delivery.address, Delivery.about_at, Delivery.last_error)
        for row in db.session.execute(dead.where(Delivery.status == "dead")):
            away = [outage for outage in self.driver.week.outages if outage.what == "mail"]
            if any(outage.since <= row.about_at <= outage.calm for outage in away):
                self.seen.given_up += 1
            else:
                self._complain(f"given up: {row.kind} to {row.address} for {row.about_at}: {row.last_error}")

    # --- notifications ------------------------------------------------------------------------------

    def _see_notifications(self) -> None:
        for row in db.session.scalars(sa.select(Notification)):
            self.seen.notifications += 1
            reader = self._readers[self._users[row.user_id]]
            start = self._start(reader, f"{row.message} {row.title}", f"the notification “{row.title}”")
            number = self._numbers[UUID(row.meta["subject_id"])]
            if start is not None:
                told = Told(reader.name, "in_app", row.type, number, start, row.quiet)
                self.seen.told[told].append(row.created_at)

    def _complain(self, of: str) -> None:
        self.seen.complaints.append(of)


def _invitations_in(each: Taken) -> Iterator[tuple[str, str, int]]:
    """METHOD, UID and SEQUENCE of the calendar part of a mail, of which it says more than once the same."""
    for part in each.message.walk():
        if part.get_content_type() == "text/calendar":
            calendar: Any = icalendar.Calendar.from_ical(bytes(part.get_payload(decode=True)))
            event = calendar.walk("VEVENT")[0]
            yield str(calendar["METHOD"]), str(event["UID"]), int(event["SEQUENCE"])
            return


def _left_undone() -> Iterator[str]:
    """Events, mails and reminders that are still on their way."""
    undone = db.session.scalar(sa.select(sa.func.count()).where(OutboxEvent.processed_at.is_(None)))
    if undone:
        yield f"{undone} events are not processed"
    strange = sa.select(Delivery.status, sa.func.count()).where(Delivery.status.not_in(("sent", "void", "dead")))
    for status, count in db.session.execute(strange.group_by(Delivery.status)):
        yield f"{count} deliveries are {status}"
    given_up = sa.exists().where(Delivery.reminder_id == Reminder.id, Delivery.status == "dead")
    unmade = sa.select(sa.func.count()).where(
        Reminder.queued_at.is_not(None), Reminder.sent_at.is_(None), Reminder.void_at.is_(None), ~given_up
    )
    if never := db.session.scalar(unmade):
        yield f"{never} reminders were queued, and are neither sent nor void"
