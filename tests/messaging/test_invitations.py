"""What a mail brings into its reader's calendar: the invitation, its updates, and its end."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from icalendar import Calendar

from portal.core.types import PlainText
from portal.interviews.models import Interview
from tests.messaging.world import HOUR, World
from tests.support.cast import Cast
from tests.support.mail import MailServer

Act = Callable[[], None]
JANE, ALICE, BOB = "jane1@mail.example", "alice@harbour.example", "bob@harbour.example"


def read(message: EmailMessage) -> tuple[Calendar, Any]:
    """The invitation of a mail as a calendar reads it: the last of the alternatives, and the same as a file."""
    alternatives = next(part for part in message.walk() if part.get_content_type() == "multipart/alternative")
    *others, part = alternatives.iter_parts()
    assert [other.get_content_type() for other in others] == ["text/plain", "text/html"]
    assert part.get_content_type() == "text/calendar"
    content: Any = part.get_payload(decode=True)
    calendar: Any = Calendar.from_ical(content)
    assert part.get_param("method") == str(calendar["METHOD"])
    assert str(part.get_content_charset()) == "utf-8"
    (file,) = message.iter_attachments()
    assert (file.get_content_type(), file.get_filename()) == ("application/ics", "invite.ics")
    assert file.get_content() == content
    (event,) = calendar.events
    return calendar, event


def told(mailbox: MailServer, *addresses: str) -> list[tuple[str, str, int]]:
    """Recipient, method and sequence of each mail since the last look, in order."""
    found = [(m["X-Rcpt-To"], str(read(m)[0]["METHOD"]), int(read(m)[1]["SEQUENCE"])) for m in mailbox.messages]
    mailbox.clear()
    return sorted(found)


def test_every_change_is_a_later_version_of_the_same_event(
    world: World, cast: Cast, mailbox: MailServer, deliver: Act
) -> None:
    key = world.interview(world.clock.now + 90 * HOUR, [cast.alice])
    deliver()
    assert {str(read(m)[1]["UID"]) for m in mailbox.messages} == {f"{key}@greenroom.example"}
    assert told(mailbox) == [(ALICE, "REQUEST", 1), (JANE, "REQUEST", 1)]
    world.move(key, "reschedule", offset_minutes=60)
    deliver()
    assert told(mailbox) == [(ALICE, "REQUEST", 2), (JANE, "REQUEST", 2)]
    world.seat(key, cast.alice, cast.bob)
    deliver()
    assert told(mailbox) == [(BOB, "REQUEST", 3)]
    world.seat(key, cast.bob)
    deliver()
    (cancellation,) = mailbox.messages
    assert str(read(cancellation)[1]["STATUS"]) == "CANCELLED"
    assert str(read(cancellation)[1]["UID"]) == f"{key}@greenroom.example"
    assert told(mailbox) == [(ALICE, "CANCEL", 4)]
    world.move(key, "cancel", reason="ill")
    deliver()
    assert {str(read(m)[1]["STATUS"]) for m in mailbox.messages} == {"CANCELLED"}
    assert told(mailbox) == [(BOB, "CANCEL", 5), (JANE, "CANCEL", 5)]
    world.move(key, "reschedule", offset_minutes=60)
    deliver()
    assert {str(read(m)[1]["STATUS"]) for m in mailbox.messages} == {"CONFIRMED"}
    assert told(mailbox) == [(BOB, "REQUEST", 6), (JANE, "REQUEST", 6)]


def test_an_invitation_names_its_reader_and_the_organizer_and_nobody_else(
    world: World, cast: Cast, mailbox: MailServer, deliver: Act
) -> None:
    said = {"organizer_id": cast.alice.id, "title": "Last chance", "location": "Room 7"}
    world.interview(world.clock.now + 90 * HOUR, [cast.alice, cast.bob], **said)
    deliver()
    read_by = {m["X-Rcpt-To"]: read(m)[1] for m in mailbox.messages}
    for address, event in read_by.items():
        assert str(event["ATTENDEE"]) == f"mailto:{address}"
        assert str(event["ORGANIZER"]) == "mailto:no-reply@greenroom.example"
        assert event["ORGANIZER"].params["CN"] == "Alice Ardent"
        said = event.to_ical().decode().replace("\r\n ", "")
        assert {each for each in (ALICE, BOB, JANE) if each in said} == {address}
        assert (str(event["LOCATION"]), str(event["URL"])) == ("Room 7", "https://meet.example/abc")
    candidate, staff = read_by[JANE], read_by[BOB]
    assert str(candidate["SUMMARY"]) == "Video interview for Senior Nurse"
    assert not any(word in candidate.to_ical().decode() for word in ("Last chance", "Bob", "/interviews/"))
    assert str(staff["SUMMARY"]) == "Last chance"
    assert all(word in str(staff["DESCRIPTION"]) for word in ("Jane Doe 1", "Senior Nurse", "Alice Ardent"))
    who = {name: dict(event["ATTENDEE"].params) for name, event in (("jane", candidate), ("bob", staff))}
    common = {"CUTYPE": "INDIVIDUAL", "ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION"}
    assert who == {"jane": {"CN": "Jane Doe 1", **common}, "bob": {"CN": "Bob Baker", "RSVP": "TRUE", **common}}


def test_a_reply_stands_in_the_next_invitation_and_reminders_bring_none(
    world: World, cast: Cast, mailbox: MailServer, deliver: Act, tick: Act
) -> None:
    key = world.interview(world.clock.now + 30 * HOUR, [cast.alice])
    world.reply(key, cast.alice, "accepted")
    deliver()
    assert {str(read(m)[1]["ATTENDEE"].params["PARTSTAT"]) for m in mailbox.to(ALICE)} == {"ACCEPTED"}
    world.move(key, "reschedule", offset_minutes=30)
    deliver()
    assert str(read(mailbox.to(ALICE)[1])[1]["ATTENDEE"].params["PARTSTAT"]) == "NEEDS-ACTION"
    mailbox.clear()
    world.clock.forward(hours=7)
    tick()
    assert [m.get_content_type() for m in mailbox.messages] == ["multipart/alternative"] * 2
    assert not [part for m in mailbox.messages for part in m.walk() if part.get_content_subtype() == "calendar"]


@pytest.mark.database("sqlite")
@pytest.mark.parametrize(
    ("start", "zone", "wall", "offset"),
    [
        ("2026-06-01T10:00", "Europe/London", "2026-06-01T11:00", "+0100"),
        ("2026-10-25T00:30", "Europe/London", "2026-10-25T01:30", "+0100"),
        ("2026-10-25T01:30", "Europe/London", "2026-10-25T01:30", None),  # the hour's second time
        ("2026-03-09T14:00", "America/St_Johns", "2026-03-09T11:30", "-0230"),
        ("2026-06-01T10:00", "UTC", "2026-06-01T10:00", None),
    ],
)
def test_the_time_is_told_in_the_interviews_zone_with_the_zones_rules(
    world: World, mailbox: MailServer, deliver: Act, start: str, zone: str, wall: str, offset: str | None
) -> None:
    at = datetime.fromisoformat(start).replace(tzinfo=UTC)
    world.clock.set(at - 90 * HOUR)
    key = world.interview(at)
    with world.session() as session:
        session.get_one(Interview, (world.person.tenant_id, key)).timezone = zone
    deliver()
    calendar, event = read(mailbox.to(JANE)[0])
    assert event.start.astimezone(UTC) == at
    assert event.start.replace(tzinfo=None) == datetime.fromisoformat(wall)
    named = [event[name].params.get("TZID") for name in ("DTSTART", "DTEND")]
    assert named[0] == (zone if offset else None)
    rules = {str(each["TZID"]): each for each in calendar.timezones}
    assert set(rules) == {name for name in named if name}
    if offset:
        assert offset in {str(part["TZOFFSETTO"].to_ical()) for part in rules[zone].subcomponents}


@pytest.mark.database("sqlite")
def test_names_and_titles_of_any_kind_keep_the_invitation_whole(
    world: World, cast: Cast, mailbox: MailServer, deliver: Act
) -> None:
    evil = 'Zoë "Zed"; Müller, محمد\\n\nATTENDEE:mailto:x@evil.example'
    said = {"first_name": evil, "last_name": "李小龍", "location": evil, "title": evil + "x" * 99}
    world.interview(world.clock.now + 90 * HOUR, [cast.alice], **said)
    deliver()
    _, theirs = read(mailbox.to(JANE)[0])
    assert str(theirs["ATTENDEE"]) == f"mailto:{JANE}"
    assert theirs["ATTENDEE"].params["CN"] == f"{PlainText.clean(evil)} 李小龍".replace('"', "'")
    assert str(theirs["LOCATION"]) == PlainText.clean(evil)
    _, staffs = read(mailbox.to(ALICE)[0])
    assert str(staffs["SUMMARY"]) == PlainText.clean(evil) + "x" * 99
