"""What a mail says, to whom, in whose time; and what it never says."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask

from portal import jobs as portal_jobs
from portal.core import records
from portal.interviews.models import InterviewTemplate
from portal.messaging import catalog, mail
from portal.messaging.cases import Case
from portal.messaging.facts import Facts, Person
from portal.messaging.models import Channel
from tests.conftest import MakeApp
from tests.messaging.world import HOUR, World
from tests.support.cast import Cast
from tests.support.mail import MailServer

Act = Callable[[], None]
JANE = "jane1@mail.example"


def parts(message: EmailMessage) -> tuple[str, str]:
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


@pytest.mark.parametrize(
    ("at", "zone", "written"),
    [
        ("2026-11-24T10:00", "Asia/Dubai", "Tue 24 Nov 2026, 14:00 (Asia/Dubai, UTC+04:00)"),
        ("2026-03-29T00:30", "Europe/London", "Sun 29 Mar 2026, 00:30 (Europe/London, UTC+00:00)"),
        ("2026-03-29T01:30", "Europe/London", "Sun 29 Mar 2026, 02:30 (Europe/London, UTC+01:00)"),
        ("2026-10-25T00:30", "Europe/London", "Sun 25 Oct 2026, 01:30 (Europe/London, UTC+01:00)"),
        ("2026-10-25T01:30", "Europe/London", "Sun 25 Oct 2026, 01:30 (Europe/London, UTC+00:00)"),
        ("2026-03-08T12:00", "America/St_Johns", "Sun 8 Mar 2026, 09:30 (America/St_Johns, UTC-02:30)"),
        ("2026-03-08T20:00", "Asia/Kathmandu", "Mon 9 Mar 2026, 01:45 (Asia/Kathmandu, UTC+05:45)"),
        ("2026-03-08T20:00", "no such zone", "Sun 8 Mar 2026, 20:00 (UTC, UTC+00:00)"),
    ],
)
def test_a_time_is_told_as_its_readers_clock_shows_it(at: str, zone: str, written: str) -> None:
    assert mail.moment(datetime.fromisoformat(at).replace(tzinfo=UTC), zone) == written


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0.2, "less than a minute"), (0.9, "1 minute"), (45, "45 minutes"), (60, "1 hour"), (59.6, "1 hour"),
        (90, "1 hour 30 minutes"), (1440, "1 day"), (1500, "1 day 1 hour"), (2945, "2 days 1 hour 5 minutes"),
    ],
)  # fmt: skip
def test_a_length_is_told_in_words(minutes: float, words: str) -> None:
    assert mail.length(timedelta(minutes=minutes)) == words


def test_each_reader_gets_their_own_zone(world: World, cast: Cast, mailbox: MailServer, deliver: Act) -> None:
    world.interview(datetime(2026, 3, 6, 13, tzinfo=UTC), [cast.alice], timezone="Asia/Tokyo")
    deliver()
    for address, when in (
        (JANE, "Fri 6 Mar 2026, 22:00 (Asia/Tokyo, UTC+09:00)"),
        ("alice@harbour.example", "Fri 6 Mar 2026, 13:00 (UTC, UTC+00:00)"),
    ):
        (message,) = mailbox.to(address)
        assert all(when in part for part in (str(message["Subject"]), *parts(message)))


def test_it_says_how_long_where_and_with_whom(world: World, cast: Cast, mailbox: MailServer, deliver: Act) -> None:
    world.interview(world.clock.now + 90 * HOUR, [cast.alice, cast.bob], location="Room 7")
    deliver()
    (staff,), (candidate,) = mailbox.to("alice@harbour.example"), mailbox.to(JANE)
    for wanted in ("45 minutes", "Room 7", "https://meet.example/abc"):
        assert all(wanted in part for part in (*parts(staff), *parts(candidate)))
    assert all("Bob Baker" in part and "Jane Doe 1" in part and "Senior Nurse" in part for part in parts(staff))


def test_the_candidate_reads_the_templates_instructions_when_it_is_scheduled_and_moved(
    world: World, cast: Cast, mailbox: MailServer, deliver: Act
) -> None:
    rich = "<p>Bring <b>your ID</b> &amp; a pen.</p><ul><li>Ring twice</li></ul>"
    with world.session() as session:
        values = {"name": "Ward round", "candidate_instructions": rich + "<script>x</script>"}
        template = records.create(session, InterviewTemplate, values).id
    key = world.interview(world.clock.now + 90 * HOUR, [cast.alice], template_id=template)
    deliver()
    world.move(key, "reschedule", offset_minutes=60)
    deliver()
    world.move(key, "cancel", reason="ill")
    deliver()
    said = [parts(message) for message in mailbox.to(JANE)]
    wanted = "Bring your ID & a pen.\n\n- Ring twice\n\nIf this time"
    assert [wanted in text.replace("\r\n", "\n") for text, _ in said] == [True, True, False]
    assert [rich in html for _, html in said] == [True, True, False]
    assert not any("Ring twice" in part for message in mailbox.to("alice@harbour.example") for part in parts(message))


def test_a_candidate_reads_nothing_that_is_meant_for_staff(
    world: World, cast: Cast, mailbox: MailServer, deliver: Act
) -> None:
    secrets = {
        "notes": "weak on theory", "preparation_notes": "ask about the gap", "interview_guide": "question seven",
        "title": "Last chance for Jane", "description": "internal description",
    }  # fmt: skip
    key = world.interview(world.clock.now + 90 * HOUR, [cast.alice, cast.bob], **secrets)
    deliver()
    world.move(key, "reschedule", offset_minutes=60)
    deliver()
    world.move(key, "cancel", reason="found somebody better")
    deliver()
    theirs = mailbox.to(JANE)
    assert len(theirs) == 3
    said = "\n".join(text for message in theirs for text in (message.as_string(), *parts(message)))
    leaks = (*secrets.values(), "found somebody better", "Alice", "Bob", "harbour.example", "/interviews/")
    assert [leak for leak in leaks if leak in said] == []


def test_no_mail_names_the_address_of_another(world: World, cast: Cast, mailbox: MailServer, deliver: Act) -> None:
    world.interview(world.clock.now + 90 * HOUR, [cast.alice, cast.bob])
    deliver()
    everyone = {JANE, "alice@harbour.example", "bob@harbour.example"}
    for message in mailbox.messages:
        said = message.as_string() + "".join(parts(message))
        assert {address for address in everyone if address in said} == {message["X-Rcpt-To"]}


@pytest.mark.parametrize(
    "name",
    [
        'Zoë "Zed" Müller, Dr. <x@evil.example>', "李小龍", "محمد العربي", "Ναταλία Παπαδοπούλου-Χατζηκωνσταντίνου",
        "O'Brien; DROP TABLE", "=?utf-8?q?fake?=", "<script>alert(1)</script>", "{{ 7 * 7 }}", "Anna\u2028Bcc: x",
    ],
)  # fmt: skip
def test_any_name_arrives_as_typed(world: World, mailbox: MailServer, deliver: Act, name: str) -> None:
    world.interview(world.clock.now + 90 * HOUR, first_name=name, last_name="Ünal")
    deliver()
    (message,) = mailbox.to(JANE)
    text, html = parts(message)
    shown = " ".join(f"{name} Ünal".split())
    # Read as RFC 2047 has it; the library's newer parser keeps the spaces between encoded words.
    phrase, address = parseaddr(str(dict(message.raw_items())["To"]))
    assert str(make_header(decode_header(phrase))) == shown
    assert address == JANE
    assert all(len(line) < 79 for line in str(dict(message.raw_items())["To"]).splitlines())
    assert f"Hello {name} Ünal," in text
    assert "<script>" not in html
    assert message["Bcc"] is None


AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
KEY = UUID(int=1)


def facts(**values: object) -> Facts:
    jane = Person(KEY, "Jane Doe", JANE, "Asia/Dubai", is_candidate=True)
    made = Facts(
        KEY, "Harbour Health", "scheduled", 0, 1, AT + HOUR, AT + 2 * HOUR, "video", "Video interview with Jane Doe",
        "Senior Nurse", "Room 7", "https://meet.example/abc", "123", "s3cret", "Ill", "Europe/London", jane,
    )  # fmt: skip
    return replace(made, **values)  # type: ignore[arg-type]


def case() -> Case:
    jane = Person(KEY, "Jane Doe", JANE, "Asia/Dubai", is_candidate=True)
    return Case(UUID(int=2), "Harbour Health", "approved", "Senior Nurse", "Ward 7", jane, mock=UUID(int=3), start=AT)


def reader(**values: object) -> Person:
    return replace(facts().candidate, **values)  # type: ignore[arg-type]


def test_a_line_break_in_a_name_or_title_begins_no_header(app: Flask) -> None:
    evil = "Jane\r\nBcc: everyone@mail.example\r\n\r\nNew body\x00"
    with app.app_context():
        made = mail.compose(
            "interview_scheduled", facts(title=evil), reader(name=evil, is_candidate=False),
            message_id="<1@x.example>", event="InterviewScheduled", at=AT,
        )  # fmt: skip
    read = message_from_bytes(made.as_bytes(), policy=policy.default)
    assert sorted(read.keys()) == [
        "Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To",
    ]  # fmt: skip
    assert "\n" not in str(read["Subject"])


def test_an_address_beyond_ascii_is_spelt_so_that_mail_servers_take_it(
    world: World, mailbox: MailServer, deliver: Act
) -> None:
    world.interview(world.clock.now + 90 * HOUR, email="jane@bücher.example")
    world.interview(world.clock.now + 90 * HOUR, email="jänner@mail.example")
    deliver()
    assert {m["X-Rcpt-To"] for m in mailbox.messages} == {"jane@xn--bcher-kva.example", "jänner@mail.example"}


def test_without_a_mail_server_mails_are_files_in_the_outbox_folder(
    world: World, make_app: MakeApp, tmp_path: Path
) -> None:
    world.interview(world.clock.now + 90 * HOUR)
    with make_app(SMTP_URL="", GREENROOM_DATA=str(tmp_path)).app_context():
        portal_jobs.deliver()
    (file,) = (tmp_path / "outbox").iterdir()
    assert file.suffix == ".eml"
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert message["To"] == f"Jane Doe 1 <{JANE}>"
    assert world.deliveries("status") == ["sent"]


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("message", catalog.CATALOGUE, ids=lambda m: f"{m.event}-{m.recipients.__name__}")
def test_every_template_of_the_catalogue_renders(app: Flask, message: catalog.Message) -> None:
    known = case() if message.about == "application" else facts()
    with app.app_context():
        for is_candidate in (True, False):
            made = mail.compose(
                message.type, known, reader(is_candidate=is_candidate), message_id="<1@x.example>",
                event=message.event, at=AT, told_start=AT, payload={"user": str(KEY), "note": "Ill"},
            )  # fmt: skip
            text, html = parts(made)
            assert all("Hello Jane Doe," in part and "Asia/Dubai" in part for part in (text, html))
            assert "\n\n\n" not in text
            assert not any(mark in text + html for mark in ("{{", "{%", "None"))


@pytest.mark.database("sqlite")
def test_every_message_to_users_has_a_notification_that_names_a_time_with_its_zone(app: Flask) -> None:
    with app.app_context():
        for message in catalog.CATALOGUE:
            if Channel.IN_APP in message.channels:
                known = case() if message.about == "application" else facts()
                note = mail.note(message.type, known, reader(is_candidate=False), {"user": str(KEY)},
                                 event=message.event, at=AT)  # fmt: skip
                assert "Jane Doe" in f"{note.title} {note.message}"
                assert note.link.startswith("/")
                assert message.about == "application" or "(Asia/Dubai, UTC+04:00)" in note.message


def test_all_rows_of_one_event_agree_on_when_they_hold() -> None:
    for event in {message.event for message in catalog.CATALOGUE}:
        assert len({message.holds for message in catalog.messages(event)}) == 1
