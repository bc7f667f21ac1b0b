"""Mails that come back: replies from calendars, and reports on mails that did not arrive."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import jobs as portal_jobs
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.events import OutboxEvent
from portal.core.tenancy import everywhere
from portal.interviews.models import Interview, Panelist
from portal.messaging import actions, inbound
from portal.messaging.inbox import InboundMail
from tests.conftest import MakeApp
from tests.messaging.world import HOUR, World
from tests.support.cast import Cast, Person
from tests.support.mail import MailServer

Act = Callable[[], None]
Post = Callable[..., int]
TOKEN = "a token that a mail server shows".replace(" ", "-")


@pytest.fixture
def post(make_app: MakeApp, world: World) -> Post:
    """Hands a mail over at the door; the status of the answer."""
    client = make_app(INBOUND_TOKEN=TOKEN).test_client()

    def post(mail: str | bytes, *, token: str = TOKEN, content_type: str = "message/rfc822") -> int:
        raw = mail.encode() if isinstance(mail, str) else mail
        headers = {"Authorization": f"Bearer {token}"}
        return client.post("/inbound-mail", data=raw, headers=headers, content_type=content_type).status_code

    return post


def answer(
    interview: UUID, attendee: str, partstat: str, *, sequence: int | None = 1, start: datetime | None = None,
    method: str = "REPLY", comment: str = "", more: str = "", message_id: str = "",
) -> str:  # fmt: skip
    """A reply as calendars send it: the attendee's state, and which version of the event it is to."""
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Some//Calendar//EN", f"METHOD:{method}", "BEGIN:VTIMEZONE",
        "TZID:Odd Standard Time", "BEGIN:STANDARD", "DTSTART:16010101T000000", "TZOFFSETFROM:+0000", "TZOFFSETTO:+0000",
        "RRULE:FREQ=SECONDLY", "END:STANDARD", "END:VTIMEZONE", "BEGIN:VEVENT", f"UID:{interview}@greenroom.example",
        "DTSTAMP:20260302T100000Z", "ORGANIZER:mailto:no-reply@greenroom.example",
        f"ATTENDEE;PARTSTAT={partstat};CN=Somebody:mailto:{attendee}",
        *([f"SEQUENCE:{sequence}"] if sequence is not None else []),
        *([f"DTSTART:{start:%Y%m%dT%H%M%SZ}"] if start else []), *([f"COMMENT:{comment}"] if comment else []),
        *([more] if more else []), "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    head = [
        f"From: Somebody <{attendee}>", "To: no-reply@greenroom.example", f"Message-ID: <{message_id or uuid4()}@x>",
        "Subject: =?utf-8?b?broken", "MIME-Version: 1.0", 'Content-Type: multipart/alternative; boundary="b"', "",
        "--b", "Content-Type: text/plain", "", "Accepted", "--b",
        f"Content-Type: text/calendar; method={method}; charset=utf-8", "", *lines, "--b--", "",
    ]  # fmt: skip
    return "\r\n".join(head)


def reply_of(world: World, interview: UUID, person: Person) -> str:
    with world.session() as session:
        mine = (Panelist.interview_id == interview, Panelist.user_id == person.id)
        return str(session.scalar(sa.select(Panelist.reply).where(*mine)))


def outcomes(app: Flask) -> list[str]:
    with app.app_context(), everywhere():
        return list(db.session.scalars(sa.select(InboundMail.outcome).order_by(InboundMail.id)))


def test_a_reply_from_the_calendar_is_the_panelists_own(app: Flask, world: World, cast: Cast, post: Post) -> None:
    start = world.clock.now + 90 * HOUR
    key = world.interview(start, [cast.alice, cast.bob])
    assert post(answer(key, "BOB@harbour.example", "ACCEPTED", start=start)) == 202
    assert reply_of(world, key, cast.bob) == "accepted"
    assert post(answer(key, cast.bob.email, "DECLINED", start=start, comment="On leave\\, sorry")) == 202
    assert [reply_of(world, key, each) for each in (cast.bob, cast.alice)] == ["declined", "needs_action"]
    with world.session() as session:
        (told,) = session.scalars(sa.select(OutboxEvent).where(OutboxEvent.name == "InterviewDeclined"))
        assert (told.payload["user"], told.payload["note"]) == (str(cast.bob.id), "On leave, sorry")
        line = sa.select(AuditEntry).where(AuditEntry.entity == "interviews", AuditEntry.action == "reply")
        last = session.scalars(line.order_by(AuditEntry.id.desc())).first()
        assert (last.actor_id, last.actor_label, last.reason) == (cast.bob.id, "e-mail", "On leave, sorry")
    # His time is free again, and taken when he comes back, unless something else has it.
    world.interview(start, [cast.bob])
    assert post(answer(key, cast.bob.email, "ACCEPTED", start=start)) == 202
    assert reply_of(world, key, cast.bob) == "declined"
    assert outcomes(app)[:2] == ["Reply: accepted.", "Reply: declined."]
    assert "Reply" not in outcomes(app)[2]


def test_the_same_mail_twice_changes_nothing(app: Flask, world: World, cast: Cast, post: Post) -> None:
    key = world.interview(world.clock.now + 90 * HOUR, [cast.bob])
    mail = answer(key, cast.bob.email, "ACCEPTED", message_id="once")
    assert post(mail) == 202
    world.reply(key, cast.bob, "tentative")
    assert post(mail) == 202
    assert reply_of(world, key, cast.bob) == "tentative"
    assert outcomes(app) == ["Reply: accepted."]


def test_only_a_reply_to_the_present_schedule_counts(app: Flask, world: World, cast: Cast, post: Post) -> None:
    first = world.clock.now + 90 * HOUR
    key = world.interview(first, [cast.bob])  # version 1
    world.move(key, "reschedule", offset_minutes=60)  # 2
    world.move(key, "reschedule", offset_minutes=-60)  # 3: at the first time again
    world.move(key, "confirm")  # 4: which no mail tells
    for sequence, start in ((1, first), (2, first + HOUR), (3, first + HOUR), (None, first), (None, None)):
        post(answer(key, cast.bob.email, "ACCEPTED", sequence=sequence, start=start))
        assert reply_of(world, key, cast.bob) == "needs_action"
    post(answer(key, cast.bob.email, "ACCEPTED", sequence=3, start=first))
    assert reply_of(world, key, cast.bob) == "accepted"
    assert outcomes(app) == [*["The interview was rescheduled since."] * 5, "Reply: accepted."]


def test_what_is_over_or_strange_is_noted_and_changes_nothing(app: Flask, world: World, cast: Cast, post: Post) -> None:
    key = world.interview(world.clock.now + 90 * HOUR, [cast.bob])
    strangers = [
        answer(uuid4(), cast.bob.email, "ACCEPTED"), answer(key, cast.alice.email, "ACCEPTED"),
        answer(key, cast.charlie.email, "ACCEPTED"), answer(key, "jane1@mail.example", "DECLINED"),
        answer(key, cast.bob.email, "ACCEPTED", method="REQUEST"),
        "From: a@b.example\r\nSubject: Out of office\r\n\r\nI am away.",
    ]  # fmt: skip
    assert [post(mail) for mail in strangers] == [202] * 6
    assert outcomes(app) == []
    assert post(answer(key, cast.bob.email, "DELEGATED")) == 202
    world.move(key, "cancel", reason="ill")
    assert post(answer(key, cast.bob.email, "ACCEPTED")) == 202
    assert reply_of(world, key, cast.bob) == "needs_action"
    assert outcomes(app) == [
        "It says neither yes nor no.",
        "This interview is cancelled; a reply is no longer possible.",
    ]


def test_a_counter_proposal_is_a_note_to_the_organizer(world: World, cast: Cast, post: Post) -> None:
    start = world.clock.now + 90 * HOUR
    key = world.interview(start, [cast.bob])
    proposed = start + timedelta(hours=2)
    post(answer(key, cast.bob.email, "TENTATIVE", method="COUNTER", start=proposed, comment="Later?"))
    assert reply_of(world, key, cast.bob) == "tentative"
    with world.session() as session:
        reason = session.scalar(sa.select(AuditEntry.reason).where(AuditEntry.action == "reply"))
        assert reason == "Proposes 6 Mar 2026, 05:00 (Europe/London) instead. Later?"
        assert session.get(Interview, (cast.bob.tenant_id, key)).scheduled_start == start


# --- bounces --------------------------------------------------------------------------------------------


def report(of: str, action: str, status: str, diagnostic: str) -> str:
    return "\r\n".join([
        "From: MAILER-DAEMON@mx.example", f"Message-ID: <{uuid4()}@mx.example>",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="r"', "", "--r",
        "Content-Type: text/plain", "", "Sorry.", "--r", "Content-Type: message/delivery-status", "",
        "Reporting-MTA: dns; mx.example", "", "Final-Recipient: rfc822; jane1@mail.example", f"Action: {action}",
        f"Status: {status}", f"Diagnostic-Code: smtp; {diagnostic}", "", "--r", "Content-Type: message/rfc822", "",
        f"Message-ID: {of}", "Subject: Yours", "", "Text", "--r--", "",
    ])  # fmt: skip


def test_a_mail_that_came_back_stands_among_those_given_up(
    app: Flask, world: World, mailbox: MailServer, deliver: Act, post: Post
) -> None:
    world.interview(world.clock.now + 90 * HOUR)
    deliver()
    (sent,) = mailbox.messages
    mine, stranger = str(sent["Message-ID"]), f"<{uuid4()}@greenroom.example>"
    for of, action, status in ((mine, "delayed", "4.4.1"), (stranger, "failed", "5.1.1"), (mine, "relayed", "2.0.0")):
        assert post(report(of, action, status, "450 later")) == 202
        assert world.deliveries("status") == ["sent"]
    assert post(report(mine, "failed", "5.1.1", "550 5.1.1 no such\r\n mailbox")) == 202
    assert world.deliveries("status", "sent_at", "last_error") == [
        ("dead", None, "It came back: 550 5.1.1 no such mailbox")
    ]
    with world.session() as session:
        assert actions.resend_all(session, world.change()) == 1
    deliver()
    assert [m["Message-ID"] for m in mailbox.messages] == [mine, mine]
    assert world.deliveries("status") == ["sent"]


# --- the door, and what stands before it ------------------------------------------------------------------


@pytest.mark.database("sqlite")
def test_the_door_opens_to_its_token_alone_and_says_what_it_takes(
    app: Flask, world: World, cast: Cast, post: Post, make_app: MakeApp
) -> None:
    mail = answer(world.interview(world.clock.now + 90 * HOUR, [cast.bob]), cast.bob.email, "ACCEPTED")
    assert make_app().test_client().post("/inbound-mail", data=mail, content_type="message/rfc822").status_code == 404
    assert post(mail, token="wrong") == 401
    assert post(mail, token="") == 401
    assert post(mail, content_type="text/plain") == 415
    assert post(mail + "x" * 1_000_000) == 413
    assert outcomes(app) == []
    assert post(mail) == 202
    assert outcomes(app) == ["Reply: accepted."]


def _nested(depth: int) -> bytes:
    head = b"From: a@b.example\r\n"
    levels = [b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth)]
    return head + b"".join(levels)


@pytest.mark.database("sqlite")
def test_hostile_mails_are_unreadable_and_never_a_failure(world: World, cast: Cast, post: Post) -> None:
    key = world.interview(world.clock.now + 90 * HOUR, [cast.bob])
    mail = answer(key, cast.bob.email, "ACCEPTED")
    crowd = "\r\n".join(f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:p{n}@x.example" for n in range(2_000))
    unreadable: list[str | bytes] = [
        b"", b"\x00\xff" * 1000, "no headers at all", "Subject: x\r\n\r\nno sender",
        _nested(3_000),
        b"From: a@b.example\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 2_000,
        mail.replace("BEGIN:VCALENDAR", "BEGIN:X"),
        answer(key, cast.bob.email, "ACCEPTED", more=crowd), answer(key, cast.bob.email, "ACCEPTED", more="SEQUENCE:x"),
        answer(key, cast.bob.email, "ACCEPTED", more="X:" + "y" * 300_000),
    ]  # fmt: skip
    assert [post(each) for each in unreadable] == [400] * len(unreadable)
    odd = [
        _nested(40) + b"x" * 100, mail.replace("charset=utf-8", "charset=klingon"),
        mail.replace("METHOD:REPLY\r\n", "METHOD:REPLY\r\nX\x00:é\r\n"), mail.replace("END:VEVENT", "END:VTODO"),
        mail.replace("Message-ID: <", "Message-ID: <" + "x" * 5_000),
        mail.replace("From: ", "From: \"a\r\n b\" ,;(((((" * 100),
        answer(key, cast.bob.email, "ACCEPTED", more="DTSTART:tomorrow"),
        answer(key, cast.bob.email + "\r\nATTENDEE:mailto:" + cast.bob.email, "ACCEPTED"),
    ]  # fmt: skip
    assert {post(each) for each in odd} <= {202, 400}


# --- the folder --------------------------------------------------------------------------------------------


def test_mails_dropped_into_the_folder_are_taken_once_and_put_away(
    world: World, cast: Cast, make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, folder = make_app(GREENROOM_DATA=str(tmp_path)), tmp_path / "inbound"
    key = world.interview(world.clock.now + 90 * HOUR, [cast.alice, cast.bob])
    with app.app_context():
        portal_jobs.take_inbound_mail()  # there is no folder yet
    folder.mkdir()
    mails = {
        "a.eml": answer(key, cast.alice.email, "ACCEPTED"), "b.eml": answer(key, cast.bob.email, "DECLINED"),
        "c.eml": "no mail at all", "d.eml": answer(uuid4(), cast.bob.email, "ACCEPTED"),
        ".e.eml": "still being written", "f.txt": "of no concern", "g.eml": "x" * 1_000_001,
    }  # fmt: skip
    for name, text in mails.items():
        (folder / name).write_bytes(text.encode())
    (folder / "h.eml").symlink_to(folder / "f.txt")
    real, fails = inbound.take, [True]

    def dies_after_the_commit(*args: Any) -> Any:
        outcome = real(*args)
        if fails.pop() if fails else False:
            raise sa.exc.OperationalError("the database went away", {}, Exception())
        return outcome

    monkeypatch.setattr(inbound, "take", dies_after_the_commit)
    with app.app_context(), pytest.raises(sa.exc.OperationalError):
        portal_jobs.take_inbound_mail()
    assert reply_of(world, key, cast.alice) == "accepted"
    assert (folder / "a.eml").exists()
    with app.app_context():
        portal_jobs.take_inbound_mail()
        portal_jobs.take_inbound_mail()
    assert [reply_of(world, key, each) for each in (cast.alice, cast.bob)] == ["accepted", "declined"]
    there = {where: sorted(f.name[-5:] for f in (folder / where).iterdir() if f.is_file() or f.is_symlink())
             for where in (".", "done", "failed")}  # fmt: skip
    assert there == {
        ".": ["e.eml", "f.txt"], "done": ["a.eml", "b.eml"], "failed": ["c.eml", "d.eml", "g.eml", "h.eml"],
    }  # fmt: skip
