"""Invitations for calendars: iCalendar objects (RFC 5545) that say what to do with them (iTIP, RFC 5546), and how
they travel in a mail (iMIP, RFC 6047).

Each mail invites its own reader and names nobody's address but the organizer's. The UID of an interview never
changes. SEQUENCE is the interview's version, which grows with every change, so a calendar knows which of two mails
is the newer one, and so do we when a reply comes back.
"""

import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime
from email.message import EmailMessage
from email.utils import parseaddr
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import current_app
from icalendar import Calendar, Event, Timezone, vCalAddress, vUri

from portal.core.languages import Language
from portal.core.types import RichText, zone
from portal.interviews.models import Part, Reply
from portal.messaging import wording
from portal.messaging.channels import ascii_domain
from portal.messaging.facts import Facts, Person

METHODS = {
    "InterviewScheduled": "REQUEST", "InterviewRescheduled": "REQUEST", "InterviewerAdded": "REQUEST",
    "InterviewCancelled": "CANCEL", "InterviewerRemoved": "CANCEL",
}  # fmt: skip
"""What a mail of each event asks of its reader's calendar; the others carry nothing for it."""

PARTSTATS = {
    Reply.NEEDS_ACTION: "NEEDS-ACTION", Reply.ACCEPTED: "ACCEPTED", Reply.TENTATIVE: "TENTATIVE",
    Reply.DECLINED: "DECLINED",
}  # fmt: skip


def add(message: EmailMessage, event: str, facts: Facts, reader: Person, language: Language, at: datetime) -> None:
    """Put the invitation, update or cancellation for ``reader`` into their mail, where its event has one.

    As the last alternative, from which mail programs make their buttons, and as a file as well, for those that look
    at files alone. The file is ``application/ics``, so that no program takes it for a second invitation.
    """
    method = METHODS.get(event)
    if method is None:
        return
    text = invitation(method, facts, reader, language, at)
    message.add_alternative(text.decode(), subtype="calendar", charset="utf-8", cte="base64", params={"method": method})
    message.add_attachment(text, maintype="application", subtype="ics", filename="invite.ics")


def invitation(method: str, facts: Facts, reader: Person, language: Language, at: datetime) -> bytes:
    """The calendar object of ``method``, REQUEST or CANCEL, for this one reader."""
    event = appointment(facts, reader, language, at)
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("attendee", _attendee(reader))
    return bytes(calendar(method, [event]).to_ical())


def calendar(method: str, events: Iterable[Event]) -> Calendar:
    """``events`` with the zones that their times are in."""
    made = Calendar()
    made.add("prodid", "-//Greenroom//Interviews//EN")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", method)
    found = list(events)
    for name, years in _zones(found).items():
        made.add_component(_zone(name, min(years), max(years)))
    for event in found:
        made.add_component(event)
    return made


def appointment(facts: Facts, reader: Person, language: Language, at: datetime) -> Event:
    """The interview as its reader may see it, without what is asked of them."""
    event = event_of(facts.id, facts.version, at, facts.start, facts.end, facts.timezone)
    event.add("summary", wording.what(facts, reader, language))
    event.add("description", _description(facts, reader, language))
    event.add("organizer", organizer(facts.organizer.name if facts.organizer else facts.organisation))
    if place := facts.location or facts.link:
        event.add("location", place)
    if url := facts.link or ("" if reader.is_candidate else wording.address(facts.path)):
        event.add("url", vUri(url))
    return event


def event_of(key: UUID, version: int, stamp: datetime, start: datetime, end: datetime, zone_name: str) -> Event:
    """What every event has: who it is, which version of it, and when, on the clock of its own zone."""
    here, event = zone(zone_name), Event()
    event.add("uid", uid(key))
    event.add("sequence", version)
    event.add("dtstamp", stamp)
    event.add("dtstart", _on_the_clock(start, here))
    event.add("dtend", _on_the_clock(end, here))
    return event


def _on_the_clock(at: datetime, here: ZoneInfo) -> datetime:
    # When clocks go back, one hour comes twice, and a time in a calendar means the first: the second is told in UTC.
    local = at.astimezone(here)
    return at.astimezone(UTC) if local.fold else local


def uid(key: UUID) -> str:
    """The name of an interview, a mock interview or a session in everybody's calendar, for ever."""
    return f"{key}@{parseaddr(current_app.extensions['greenroom'].mail_from)[1].rpartition('@')[2]}"


def organizer(name: str) -> vCalAddress:
    """The organizer by name; replies go to the portal."""
    return _calendar_address(name, current_app.extensions["greenroom"].inbound_address)


def _attendee(reader: Person) -> vCalAddress:
    who = _calendar_address(reader.name, reader.email)
    who.params["CUTYPE"] = "INDIVIDUAL"
    who.params["ROLE"] = "OPT-PARTICIPANT" if reader.part == Part.SHADOW else "REQ-PARTICIPANT"
    who.params["PARTSTAT"] = PARTSTATS.get(Reply(reader.reply or Reply.NEEDS_ACTION))
    if not reader.is_candidate:
        who.params["RSVP"] = "TRUE"
    return who


def _calendar_address(name: str, address: str) -> vCalAddress:
    made = vCalAddress(f"mailto:{ascii_domain(address)}")
    # A parameter holds no line ends and no quotation marks; programs that know how to escape them are few.
    made.params["CN"] = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in name).replace('"', "'")
    return made


def _description(facts: Facts, reader: Person, language: Language) -> str:
    lines = [f"{detail.label}: {detail.value}" for detail in wording.particulars(facts, reader, language)]
    if reader.is_candidate and (instructions := RichText.plain(facts.candidate_instructions)):
        lines += ["", instructions]
    return "\n".join(lines)


# --- zones -------------------------------------------------------------------------------------------


def _zones(events: Iterable[Event]) -> dict[str, set[int]]:
    """The zones that ``events`` name, each with the years in which they do. UTC needs no explanation."""
    found: dict[str, set[int]] = {}
    for event in events:
        for time in (event.start, event.end):
            name = getattr(time.tzinfo, "key", "UTC") if isinstance(time, datetime) else "UTC"
            if name != "UTC":
                found.setdefault(name, set()).add(time.year)
    return found


@lru_cache(maxsize=256)
def _zone(name: str, first: int, last: int) -> Timezone:
    """The rules of a zone for these years; to work them out takes longer than all the rest of a mail."""
    made = Timezone.from_tzid(name, first_date=date(first - 1, 1, 1), last_date=date(last + 2, 1, 1))
    made.pop("comment")
    return made
