"""A mail is a template and what its reader may know: one reader, their own language and zone, a text and an HTML
part, and where it is about an appointment, the invitation for their calendar."""

import re
import unicodedata
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any

import jinja2
from flask import Flask, current_app
from jinja2.runtime import Context
from markupsafe import Markup

from portal.core import languages
from portal.core.languages import END, FIRST_STRONG, LEFT_TO_RIGHT, Language
from portal.core.types import RichText, zone
from portal.messaging import invitations, wording
from portal.messaging.channels import ascii_domain
from portal.messaging.facts import Facts, Person
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


def compose(
    template: str,
    facts: Facts,
    reader: Person,
    *,
    message_id: str,
    event: str,
    at: datetime,
    told_start: datetime | None = None,
) -> EmailMessage:
    """The mail ``template`` about ``facts`` as ``reader`` may see it; ``at`` is the time of sending.

    ``told_start`` is the start that the reader was told before, where there is another one now.
    """
    language = languages.of(reader.locale)
    text = _template(f"{template}.txt")
    context = _context(facts, reader, language, event=event, at=at, told_start=told_start)
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
    invitations.add(message, event, facts, reader, language, at)
    return message


def _template(name: str) -> jinja2.Template:
    environment: jinja2.Environment = current_app.extensions[TEMPLATES]
    return environment.get_template(f"mail/{name}")


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
    facts: Facts, reader: Person, language: Language, *, event: str, at: datetime, told_start: datetime | None
) -> dict[str, Any]:
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
        "instructions": RichText.plain(facts.candidate_instructions) if reader.is_candidate else "",
        "rich_instructions": Markup(RichText.lines(facts.candidate_instructions)) if reader.is_candidate else "",
        "zone": zone(reader.timezone).key,
    }


def _tidy(text: str) -> str:
    """Text with one empty line between its parts, whichever of them a template leaves out."""
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _one_line(text: str) -> str:
    """Text fit for a header: what could end the line and begin another header is gone."""
    return " ".join("".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text).split())
