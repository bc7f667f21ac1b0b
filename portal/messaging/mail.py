"""A mail is a template and what its reader may know: one reader, their own zone, a text and an HTML part."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.header import Header, decode_header, make_header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any
from uuid import UUID

import jinja2
from flask import Flask, current_app
from markupsafe import Markup

from portal.core.types import RichText, words, zone
from portal.messaging.cases import Case
from portal.messaging.channels import ascii_domain
from portal.messaging.facts import Facts, Person
from portal.messaging.subjects import Known

TEMPLATES = "mail_templates"


@dataclass(frozen=True)
class Detail:
    """One line of a mail's table; ``link`` makes the value one."""

    label: str
    value: str
    link: bool = False


def install(app: Flask) -> None:
    """Mails have an environment of their own: what a template asks for and nobody gives is an error."""
    app.extensions[TEMPLATES] = app.jinja_env.overlay(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


@dataclass(frozen=True)
class Note:
    """A notification in words; ``link`` is a path of the portal."""

    title: str
    message: str
    link: str


def note(
    template: str,
    known: Known,
    reader: Person,
    payload: Mapping[str, Any],
    *,
    event: str,
    at: datetime,
    told_start: datetime | None = None,
) -> Note:
    """The notification ``template`` for the user ``reader``; as for mails."""
    text = _template(f"{template}.txt", "notes")
    context = _context(known, reader, event=event, at=at, told_start=told_start, payload=payload)
    title, message = ("".join(text.blocks[part](text.new_context(context))) for part in ("title", "message"))
    return Note(_one_line(title), _one_line(message), context["path"])


def compose(
    template: str,
    facts: Known,
    reader: Person,
    *,
    message_id: str,
    event: str,
    at: datetime,
    told_start: datetime | None = None,
    payload: Mapping[str, Any] | None = None,
) -> EmailMessage:
    """The mail ``template`` about ``facts`` as ``reader`` may see it; ``at`` is the time of sending.

    ``told_start`` is the start that the reader was told before, where there is another one now; ``payload`` is the
    event's.
    """
    text = _template(f"{template}.txt")
    context = _context(facts, reader, event=event, at=at, told_start=told_start, payload=payload or {})
    subject = "".join(text.blocks["subject"](text.new_context(context)))
    message = EmailMessage(policy=HEADERS_AS_WRITTEN)
    message["From"] = _address(*parseaddr(current_app.extensions["greenroom"].mail_from))
    message["To"] = _address(reader.name, reader.email)
    message["Subject"] = _encoded(_one_line(subject), "Subject")
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # so that no holiday notice answers
    # Quoted-printable passes every server and leaves no line too long.
    html = _template(f"{template}.html").render(context, subject=_one_line(subject))
    message.set_content(_tidy(text.render(context)), cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message


def readable(message: EmailMessage, header: str) -> str:
    """A header as people read it."""
    return str(make_header(decode_header("".join(str(message[header]).splitlines()))))


def _template(name: str, folder: str = "mail") -> jinja2.Template:
    environment: jinja2.Environment = current_app.extensions[TEMPLATES]
    return environment.get_template(f"{folder}/{name}")


class _HeadersAsWritten(EmailPolicy):
    """Headers go out as we wrote them: the library's own folding puts spaces into long names of other scripts."""

    def header_store_parse(self, name: str, value: str) -> tuple[str, str]:
        if any(not line.startswith(" ") for line in value.splitlines()[1:]):
            raise ValueError(f"a line break in the header {name}")
        return name, value


HEADERS_AS_WRITTEN = _HeadersAsWritten(linesep="\r\n", refold_source="none")


def _address(name: str, address: str) -> str:
    name, address = _one_line(name), ascii_domain(address)
    if not name:
        return address
    needs_quotes = name.isascii() and "=?" not in name and re.search(r"[^\w !#$%&\'*+/=?^`{|}~-]", name)
    phrase = '"{}"'.format(re.sub(r'(["\\])', r"\\\1", name)) if needs_quotes else _encoded(name, "To")
    return f"{phrase}\n <{address}>" if len(phrase) + len(address) > 70 else f"{phrase} <{address}>"


def _encoded(text: str, header: str) -> str:
    """Text as a header holds it: plain where it can be, else in encoded words that fit their lines."""
    plain = text.isascii() and "=?" not in text
    return Header(text, "us-ascii" if plain else "utf-8", header_name=header, maxlinelen=76).encode()


def _context(
    known: Known, reader: Person, *, event: str, at: datetime, told_start: datetime | None, payload: Mapping[str, Any]
) -> dict[str, Any]:
    if isinstance(known, Case):
        return _case_context(known, reader, event, payload)
    return _facts_context(known, reader, event, at, told_start, payload)


def _facts_context(
    facts: Facts, reader: Person, event: str, at: datetime, told_start: datetime | None, payload: Mapping[str, Any]
) -> dict[str, Any]:
    staff = not reader.is_candidate
    return {
        "reader": reader,
        "staff": staff,
        # A title is staff's own wording: a candidate reads what kind of interview it is, and for which job.
        "what": facts.title if staff else f"{words(facts.type)} interview for {facts.job}",
        "candidate": facts.candidate.name,
        "organisation": facts.organisation,
        "when": moment(facts.start, reader.timezone),
        "old_when": moment(told_start, reader.timezone) if told_start not in (None, facts.start) else "",
        "time_left": length(facts.start - at),
        "removed": event == "InterviewerRemoved",
        "reason": facts.cancellation_reason if staff else "",
        "details": _details(facts, reader),
        "feedback_url": f"{_base_url()}/interviews/{facts.id}/feedback",
        "path": f"/interviews/{facts.id}/feedback" if event in _OF_FEEDBACK else facts.path,
        "who": _name_of(facts, payload.get("user")),
        "note": payload.get("note", ""),
        "by_candidate": facts.confirmed_by_candidate,
        "instructions": RichText.plain(facts.candidate_instructions) if reader.is_candidate else "",
        "rich_instructions": Markup(RichText.lines(facts.candidate_instructions)) if reader.is_candidate else "",
        "zone": zone(reader.timezone).key,
    }


_OF_FEEDBACK = ("FeedbackRequested", "FeedbackOverdue")


def _name_of(facts: Facts, user: str | None) -> str:
    """What somebody of the panel is called whom the event names."""
    found = facts.person(UUID(user)) if user else None
    return found.name if found else ""


def _case_context(case: Case, reader: Person, event: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    mocks = event == "CandidateSentToMockInterview" and case.mock
    path = f"/mock-interviews/{case.mock}" if mocks else case.path
    when = moment(case.start, reader.timezone) if case.start else ""
    details = [Detail("Candidate", case.candidate.name), Detail("Job", case.job), Detail("Project", case.project)]
    details += [Detail("When", when)] if mocks and when else []
    details.append(Detail("In the portal", f"{_base_url()}{path}", True))
    return {
        "reader": reader, "candidate": case.candidate.name, "job": case.job, "project": case.project,
        "organisation": case.organisation, "decision": payload.get("decision", ""), "when": when, "path": path,
        "details": details, "zone": zone(reader.timezone).key,
    }  # fmt: skip


def _details(facts: Facts, reader: Person) -> list[Detail]:
    details = [Detail("When", moment(facts.start, reader.timezone)), Detail("Length", length(facts.end - facts.start))]
    if not reader.is_candidate:
        details.append(Detail("Candidate", facts.candidate.name))
        details.append(Detail("Job", facts.job))
        if others := [p.name for p in facts.panel if p.id != reader.id and not p.declined]:
            details.append(Detail("With", ", ".join(others)))
    details += [
        Detail(label, value, link)
        for label, value, link in (
            ("Place", facts.location, False),
            ("Link", facts.link, True),
            ("Meeting ID", facts.meeting_id, False),
            ("Passcode", facts.passcode, False),
        )
        if value
    ]
    if not reader.is_candidate:
        details.append(Detail("In the portal", f"{_base_url()}{facts.path}", True))
    return details


def _base_url() -> str:
    return str(current_app.extensions["greenroom"].base_url)


def moment(at: datetime, zone_name: str) -> str:
    """A time as its reader's clock shows it: ``Tue 24 Nov 2026, 14:00 (Asia/Dubai, UTC+04:00)``."""
    here = zone(zone_name)
    local = at.astimezone(here)
    offset = f"{local:%z}"
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} ({here.key}, UTC{offset[:3]}:{offset[3:5]})"


def length(span: timedelta) -> str:
    """A length of time in words, to the nearest minute: ``1 hour 30 minutes``."""
    minutes = max(round(span.total_seconds() / 60), 0)
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    parts = [
        f"{n} {unit}{'s' if n > 1 else ''}" for n, unit in ((days, "day"), (hours, "hour"), (minutes, "minute")) if n
    ]
    return " ".join(parts) or "less than a minute"


def _tidy(text: str) -> str:
    """Text with one empty line between its parts, whichever of them a template leaves out."""
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _one_line(text: str) -> str:
    """Text fit for a header: what could end the line and begin another header is gone."""
    return " ".join("".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text).split())
