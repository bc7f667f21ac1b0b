"""The templates of messages: what they can do, and what they know of their subject and its reader."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import jinja2
from flask import Flask, current_app
from jinja2.runtime import Context
from markupsafe import Markup

from portal.core import languages
from portal.core.languages import END, FIRST_STRONG, LEFT_TO_RIGHT, Language
from portal.core.types import RichText, zone
from portal.messaging import wording
from portal.messaging.cases import Case
from portal.messaging.facts import Facts, Person
from portal.messaging.subjects import Known
from portal.messaging.wording import length, moment

TEMPLATES = "mail_templates"


def install(app: Flask) -> None:
    """Messages have an environment of their own: what a template asks for and nobody gives is an error, and a text
    is said in the reader's language, which stands in the context as ``language``."""
    environment = jinja2.Environment(
        loader=app.jinja_loader, autoescape=app.select_jinja_autoescape, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {"apart": _apart, "link": _link, "strong": _strong, "struck": _struck}
    app.extensions[TEMPLATES] = environment
    languages.read_all()


def template(name: str, folder: str = "mail") -> jinja2.Template:
    environment: jinja2.Environment = current_app.extensions[TEMPLATES]
    return environment.get_template(f"{folder}/{name}")


def block(text: jinja2.Template, name: str, context: Mapping[str, Any]) -> str:
    """One block of a template alone."""
    return "".join(text.blocks[name](text.new_context(dict(context))))


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


# --- what templates know ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Occasion:
    """What a message is sent for, and when; ``told_start`` is the start that its reader was told before."""

    event: str
    at: datetime
    payload: Mapping[str, Any]
    told_start: datetime | None = None


def context(known: Known, reader: Person, occasion: Occasion) -> dict[str, Any]:
    language = languages.of(reader.locale)
    of_reader = {"reader": reader, "language": language, "zone": zone(reader.timezone).key}
    if isinstance(known, Case):
        return of_reader | _of_case(known, reader, language, occasion)
    return of_reader | _of_facts(known, reader, language, occasion)


_OF_FEEDBACK = ("FeedbackRequested", "FeedbackOverdue")


def _of_facts(facts: Facts, reader: Person, language: Language, occasion: Occasion) -> dict[str, Any]:
    staff, event, before = not reader.is_candidate, occasion.event, occasion.told_start
    return {
        "staff": staff,
        "what": wording.what(facts, reader, language),
        "candidate": facts.candidate.name,
        "organisation": facts.organisation,
        "when": moment(facts.start, reader.timezone, language),
        "old_when": moment(before, reader.timezone, language) if before and before != facts.start else "",
        "time_left": length(facts.start - occasion.at, language),
        "removed": event == "InterviewerRemoved",
        "reason": facts.cancellation_reason if staff else "",
        "details": wording.appointment(facts, reader, language) + wording.particulars(facts, reader, language),
        "feedback_url": wording.address(f"/interviews/{facts.id}/feedback"),
        "path": f"/interviews/{facts.id}/feedback" if event in _OF_FEEDBACK else facts.path,
        "who": _name_of(facts, occasion.payload.get("user")),
        "note": occasion.payload.get("note", ""),
        "by_candidate": facts.confirmed_by_candidate,
        "instructions": "" if staff else RichText.plain(facts.candidate_instructions),
        "rich_instructions": "" if staff else Markup(RichText.lines(facts.candidate_instructions)),
    }


def _name_of(facts: Facts, user: str | None) -> str:
    """What somebody of the panel is called whom the event names."""
    found = facts.person(UUID(user)) if user else None
    return found.name if found else ""


def _of_case(case: Case, reader: Person, language: Language, occasion: Occasion) -> dict[str, Any]:
    mocks = occasion.event == "CandidateSentToMockInterview" and case.mock
    path = f"/mock-interviews/{case.mock}" if mocks else case.path
    when = moment(case.start, reader.timezone, language) if case.start else ""
    return {
        "candidate": case.candidate.name, "job": case.job, "project": case.project,
        "organisation": case.organisation, "decision": occasion.payload.get("decision", ""), "when": when,
        "path": path, "details": wording.of_case(case, when if mocks else "", path, language),
    }  # fmt: skip
