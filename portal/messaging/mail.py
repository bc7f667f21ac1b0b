"""A mail is a template and what its reader may know: one reader, their own language and zone, a text and an HTML
part, and where it is about an appointment, the invitation for their calendar. A notification is the same in brief."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.header import Header, decode_header, make_header
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any

from flask import current_app

from portal.messaging import invitations, texts
from portal.messaging.channels import ascii_domain
from portal.messaging.facts import Facts, Person
from portal.messaging.subjects import Known
from portal.messaging.texts import Occasion
from portal.messaging.wording import Detail, length, moment

__all__ = ["Detail", "Note", "compose", "length", "moment", "note", "readable"]


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
    text = texts.template(f"{template}.txt", "notes")
    context = texts.context(known, reader, Occasion(event, at, payload, told_start))
    title, message = (_one_line(texts.block(text, part, context)) for part in ("title", "message"))
    return Note(title, message, context["path"])


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
    text = texts.template(f"{template}.txt")
    context = texts.context(facts, reader, Occasion(event, at, payload or {}, told_start))
    subject = _one_line(texts.block(text, "subject", context))
    message = EmailMessage(policy=HEADERS_AS_WRITTEN)
    message["From"] = _address(*parseaddr(current_app.extensions["greenroom"].mail_from))
    message["To"] = _address(reader.name, reader.email)
    message["Subject"] = _encoded(subject, "Subject")
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # so that no holiday notice answers
    # Quoted-printable passes every server and leaves no line too long.
    message.set_content(_tidy(text.render(context)), cte="quoted-printable")
    html = texts.template(f"{template}.html").render(context, subject=subject)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    if isinstance(facts, Facts):
        invitations.add(message, event, facts, reader, context["language"], at)
    return message


def readable(message: EmailMessage, header: str) -> str:
    """A header as people read it."""
    return str(make_header(decode_header("".join(str(message[header]).splitlines()))))


class _HeadersAsWritten(EmailPolicy):
    """Headers go out as we wrote them: the library's own folding puts spaces into long names of other scripts."""

    def header_store_parse(self, name: str, value: str) -> tuple[str, str]:
        if any(not line.startswith(" ") for line in value.splitlines()[1:]):
            raise ValueError(f"a line break in the header {name}")
        return name, value

    def header_fetch_parse(self, name: str, value: str) -> Any:
        """The library looks at the type of a part a dozen times while it puts a mail together, and wants text only;
        to parse it each time took a quarter of all that a mail takes."""
        return value if name.lower() == "content-type" else super().header_fetch_parse(name, value)


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


def _tidy(text: str) -> str:
    """Text with one empty line between its parts, whichever of them a template leaves out."""
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _one_line(text: str) -> str:
    """Text fit for a header: what could end the line and begin another header is gone."""
    return " ".join("".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text).split())
