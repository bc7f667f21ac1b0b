"""What a mail from outside holds that concerns us: a calendar's reply to an invitation, or a report that one of our
mails came back. Everything here is a stranger's text: what cannot be read is Unreadable, and nothing else.

Headers are taken as they stand, not through the library's parser of addresses, which takes its time with hostile
ones; and a calendar's own rules of time zones are not read at all: a rule that recurs every second would be worked
out for decades, and what it says would be kept for other people's mails.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import Message
from email.utils import parseaddr
from typing import Any

from icalendar import Calendar, Event

LARGEST = 1_000_000
"""Bytes of a mail."""
_MOST_PARTS = 50
_LARGEST_CALENDAR = 200_000
_ZONES = re.compile(rb"^BEGIN:VTIMEZONE\r?$.*?^END:VTIMEZONE\r?$", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_IDS = re.compile(r"<[^<>\s]{1,250}>")
_LONGEST_NOTE = 1_000


class Unreadable(Exception):
    """This is no mail, or one that cannot be read; says why."""


@dataclass(frozen=True)
class Answer:
    """A calendar's reply: who answers what to which version of which event.

    ``start`` is the time that was replied to, and of a counter-proposal the one proposed; naive where its zone is
    unknown to us.
    """

    uid: str
    attendee: str
    partstat: str
    sequence: int
    start: datetime | None
    comment: str
    counter: bool = False


@dataclass(frozen=True)
class Bounce:
    """A report on mails of ours: ``of`` are the Message-IDs it names, ``why`` what the other side said; ``final``
    is whether they will not be delivered any more."""

    of: tuple[str, ...]
    final: bool
    why: str


@dataclass(frozen=True)
class Mail:
    message_id: str
    sender: str
    content: Answer | Bounce | None


def read(raw: bytes) -> Mail:
    """What ``raw`` says; raises Unreadable."""
    if len(raw) > LARGEST:
        raise Unreadable("It is too large.")
    if len(re.findall(rb"boundary\s*=", raw, re.IGNORECASE)) > _MOST_PARTS:
        raise Unreadable("It has too many parts.")
    try:
        message = message_from_bytes(raw, policy=policy.compat32)
        sender = parseaddr(_header(message, "From"))[1]
        if "@" not in sender:
            raise Unreadable("It has no sender.")
        parts = list(_parts(message))
        return Mail(_message_id(message, raw), sender[:254], _bounce(message, parts) or _answer(parts))
    except Unreadable:
        raise
    except Exception as error:  # whatever a parser stumbles over, including how deep it goes
        raise Unreadable(f"It cannot be read: {error!r}"[:300]) from error


def _header(message: Message, name: str) -> str:
    return " ".join(str(message.get(name, ""))[:1000].replace("\0", "").split())


def _message_id(message: Message, raw: bytes) -> str:
    """The mail's own name; where it has none of use, a name made of what it says."""
    found = _IDS.search(_header(message, "Message-ID"))
    return found[0] if found else f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _parts(message: Message) -> Iterator[Message]:
    for position, part in enumerate(message.walk()):
        if position == _MOST_PARTS:
            raise Unreadable("It has too many parts.")
        yield part


def _bytes(part: Message) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


# --- replies -----------------------------------------------------------------------------------------


def _answer(parts: list[Message]) -> Answer | None:
    for part in parts:
        if part.get_content_type() in ("text/calendar", "application/ics"):
            calendar = _calendar(part)
            method = str(calendar.get("METHOD", "")).upper()
            if method in ("REPLY", "COUNTER"):
                return _of_event(calendar, counter=method == "COUNTER")
    return None


def _calendar(part: Message) -> Calendar:
    content = _bytes(part)
    if len(content) > _LARGEST_CALENDAR:
        raise Unreadable("Its calendar part is too large.")
    charset = str(part.get_content_charset() or "utf-8")
    try:
        text = content.decode(charset, errors="replace")
    except LookupError:
        text = content.decode(errors="replace")
    found = Calendar.from_ical(_ZONES.sub(b"", text.encode(errors="replace")))
    if not isinstance(found, Calendar):
        raise Unreadable("Its calendar part is none.")
    return found


def _of_event(calendar: Calendar, *, counter: bool) -> Answer:
    """A reply speaks of one event and for one person (RFC 5546, 3.2.3)."""
    events = calendar.events
    attendees = {str(each): each for event in events for each in _listed(event.get("ATTENDEE"))}
    if len({str(event.get("UID", "")) for event in events}) != 1 or len(attendees) != 1:
        raise Unreadable("It does not speak of one event and for one person.")
    event, (address, attendee) = events[0], next(iter(attendees.items()))
    return Answer(
        uid=str(event["UID"]), attendee=re.sub("(?i)^mailto:", "", address).strip(),
        partstat=str(attendee.params.get("PARTSTAT", "")).upper(), sequence=int(event.get("SEQUENCE", 0)),
        start=_start(event), comment=_comment(event), counter=counter,
    )  # fmt: skip


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _start(event: Event) -> datetime | None:
    found = getattr(event.get("DTSTART"), "dt", None)
    return found if isinstance(found, datetime) else None


def _comment(event: Event) -> str:
    said = "\n".join(str(each) for each in _listed(event.get("COMMENT")))
    return said.strip()[:_LONGEST_NOTE]


# --- reports -----------------------------------------------------------------------------------------


def _bounce(message: Message, parts: list[Message]) -> Bounce | None:
    """A delivery-status report (RFC 3464): a part with one block of fields for the mail and one for each recipient,
    and beside it our mail, or its headers."""
    report = next((part for part in parts if part.get_content_type() == "message/delivery-status"), None)
    if report is None:
        return None
    blocks = [block for block in report.walk() if block is not report and block.get("Action")]
    failed = [block for block in blocks if _header(block, "Action").lower() == "failed"]
    said = [_header(block, "Diagnostic-Code") or _header(block, "Status") for block in failed]
    return Bounce(
        of=tuple(_returned(parts)), final=bool(failed),
        why=next((re.sub(r"(?i)^[\w-]+\s*;\s*", "", each)[:500] for each in said if each), ""),
    )  # fmt: skip


def _returned(parts: list[Message]) -> Iterator[str]:
    """The Message-IDs of the mails that came back."""
    for part in parts:
        if part.get_content_type() == "message/rfc822" and part.is_multipart():
            yield from _IDS.findall(_header(part.get_payload(0), "Message-ID"))  # type: ignore[arg-type]
        elif part.get_content_type() == "text/rfc822-headers":
            headers = message_from_bytes(_bytes(part), policy=policy.compat32)
            yield from _IDS.findall(_header(headers, "Message-ID"))
