"""A mail is a template and what its reader may know: one reader, their own language and zone, a text and an HTML
part, and where it is about an appointment, the invitation for their calendar."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.header import Header, decode_header, make_header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any
from uuid import UUID

import jinja2
from flask import Flask, current_app
from jinja2.runtime import Context
from markupsafe import Markup

from portal.core import languages
from portal.core.languages import END, FIRST_STRONG, LEFT_TO_RIGHT, Language
from portal.core.types import RichText, zone
from portal.messaging import invitations, wording
from portal.messaging.cases import Case
from portal.messaging.channels import ascii_domain
from portal.messaging.facts import Facts, Person
from portal.messaging.subjects import Known
from portal.messaging.wording import Detail, length, moment

__all__ = ["Detail", "compose", "install", "length", "moment"]

TEMPLATES = "mail_templates"


def install(app: Flask) -> None:
    """Mails have an environment of their own: what a template asks for and nobody gives is an error, and a text is
    said in the reader's language, which stands in the context as ``language``."""
    environment = jinja2.Environment(
        loader=app.jinja_loader, autoescape=app.select_jinja_autoescape, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {"apart": _apart, "link": _link, "strong": _strong, "struck": _struck}
    app.extensions[TEMPLATES] = environment
    languages.read_all()


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
    """The notification ``template`` for the user ``reader``; as for mails, but in the language of the pages."""
    text, reader = _template(f"{template}.txt", "notes"), replace(reader, locale=languages.SOURCE)
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
    subject = _one_line("".join(text.blocks["subject"](text.new_context(context))))
    message = EmailMessage(policy=HEADERS_AS_WRITTEN)
    message["From"] = _address(*parseaddr(current_app.extensions["greenroom"].mail_from))
    message["To"] = _address(reader.name, reader.email)
    message["Subject"] = _encoded(subject, "Subject")
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # so that no holiday notice answers
    # Quoted-printable passes every server and leaves no line too long.
    message.set_content(_tidy(text.render(context)), cte="quoted-printable")
    html = _template(f"{template}.html").render(context, subject=subject)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    if isinstance(facts, Facts):
        invitations.add(message, event, facts, reader, context["language"], at)
    return message


def readable(message: EmailMessage, header: str) -> str:
    """A header as people read it."""
    return str(make_header(decode_header("".join(str(message[header]).splitlines()))))


def _template(name: str, folder: str = "mail") -> jinja2.Template:
    environment: jinja2.Environment = current_app.extensions[TEMPLATES]
    return environment.get_template(f"{folder}/{name}")


# --- what templates can do ---------------------------------------------------------------------------


@jinja2.pass_context
def _gettext(context: Context, message: str) -> str:
    language: Language = context["language"]
    return language.gettext(message)


@jinja2.pass_context
def _ngettext(context: Context, one: str, many: str, count: int) -> str:
    language: Language = context["language"]
    return language.ngettext(one, many, count)


@jinja2.pass_context
def _apart(context: Context, text: str) -> str:
    """Text of somebody's own, a name say, kept from changing places with what surrounds it where directions mix."""
    language: Language = context["language"]
    if context.eval_ctx.autoescape:
        return Markup("<bdi>{}</bdi>").format(text) if language.mixes(text) else text
    return f"{FIRST_STRONG}{text}{END}" if language.is_rtl else text


@jinja2.pass_context
def _link(context: Context, url: str) -> str:
    """An address that one can follow."""
    if context.eval_ctx.autoescape:
        return Markup('<a href="{}" dir="ltr">{}</a>').format(url, url)
    # The space keeps the mark at the end out of what mail programs take for the address.
    return f"{LEFT_TO_RIGHT}{url} {END}" if context["language"].is_rtl else url


def _strong(text: str) -> Markup:
    return Markup("<strong>{}</strong>").format(text)


def _struck(text: str) -> Markup:
    return Markup("<s>{}</s>").format(text)


# --- headers -----------------------------------------------------------------------------------------


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


# --- what templates know ------------------------------------------------------------------------------


def _context(
    known: Known, reader: Person, *, event: str, at: datetime, told_start: datetime | None, payload: Mapping[str, Any]
) -> dict[str, Any]:
    language = languages.of(reader.locale)
    if isinstance(known, Case):
        return _case_context(known, reader, language, event, payload)
    return _facts_context(known, reader, language, event, at, told_start, payload)


def _facts_context(
    facts: Facts, reader: Person, language: Language, event: str, at: datetime, told_start: datetime | None,
    payload: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    staff = not reader.is_candidate
    moved = told_start is not None and told_start != facts.start
    return {
        "reader": reader,
        "language": language,
        "staff": staff,
        "what": wording.what(facts, reader, language),
        "candidate": facts.candidate.name,
        "organisation": facts.organisation,
        "when": moment(facts.start, reader.timezone, language),
        "old_when": moment(told_start, reader.timezone, language) if told_start and moved else "",
        "time_left": length(facts.start - at, language),
        "removed": event == "InterviewerRemoved",
        "reason": facts.cancellation_reason if staff else "",
        "details": wording.appointment(facts, reader, language) + wording.particulars(facts, reader, language),
        "feedback_url": f"{wording.page(facts)}/feedback",
        "path": f"{facts.path}/feedback" if event in _OF_FEEDBACK else facts.path,
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


def _case_context(
    case: Case, reader: Person, language: Language, event: str, payload: Mapping[str, Any]
) -> dict[str, Any]:
    mock = event == "CandidateSentToMockInterview" and case.mock
    path = f"/mock-interviews/{case.mock}" if mock else case.path
    when = moment(case.start, reader.timezone, language) if mock and case.start else ""
    return {
        "reader": reader, "language": language, "candidate": case.candidate.name, "job": case.job,
        "project": case.project, "organisation": case.organisation, "decision": payload.get("decision", ""),
        "when": when, "path": path, "details": wording.of_case(case, when, path, language),
        "zone": zone(reader.timezone).key,
    }  # fmt: skip


def _tidy(text: str) -> str:
    """Text with one empty line between its parts, whichever of them a template leaves out."""
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _one_line(text: str) -> str:
    """Text fit for a header: what could end the line and begin another header is gone."""
    return " ".join("".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text).split())
