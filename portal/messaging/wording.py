"""What a message says of an interview to its reader: the same in mails, invitations and feeds, in their language,
with times as their clock shows them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from babel.dates import format_datetime, format_skeleton, format_time, get_datetime_format
from babel.lists import format_list
from flask import current_app

from portal.core import languages
from portal.core.languages import END, LEFT_TO_RIGHT, SOURCE, Language
from portal.core.types import words, zone
from portal.messaging.cases import Case
from portal.messaging.facts import Facts, Person

ENGLISH = languages.of(SOURCE)


@dataclass(frozen=True)
class Detail:
    """One line of a mail's table; ``link`` makes the value one."""

    label: str
    value: str
    link: bool = False


def what(facts: Facts, reader: Person, language: Language) -> str:
    """What the interview is called: a title is staff's own wording, a candidate reads its kind and for which job."""
    if not reader.is_candidate and facts.kind == "mock_interview":
        return language.gettext("Mock interview with %(candidate)s", candidate=facts.candidate.name)
    if not reader.is_candidate:
        return facts.title
    named = {
        "phone": language.gettext("Phone interview for %(job)s", job=facts.job),
        "video": language.gettext("Video interview for %(job)s", job=facts.job),
        "in_person": language.gettext("In person interview for %(job)s", job=facts.job),
        "technical": language.gettext("Technical interview for %(job)s", job=facts.job),
        "panel": language.gettext("Panel interview for %(job)s", job=facts.job),
        "assessment": language.gettext("Assessment interview for %(job)s", job=facts.job),
        "final": language.gettext("Final interview for %(job)s", job=facts.job),
        "culture_fit": language.gettext("Culture fit interview for %(job)s", job=facts.job),
        "case_study": language.gettext("Case study interview for %(job)s", job=facts.job),
        "mock": language.gettext("Mock interview for %(job)s", job=facts.job),
        "behavioral": language.gettext("Behavioral interview for %(job)s", job=facts.job),
    }
    return named.get(facts.type) or f"{words(facts.type)}: {facts.job}"


def appointment(facts: Facts, reader: Person, language: Language) -> list[Detail]:
    """When it is, and how long."""
    return [
        Detail(language.gettext("When"), moment(facts.start, reader.timezone, language)),
        Detail(language.gettext("Length"), length(facts.end - facts.start, language)),
    ]


def particulars(facts: Facts, reader: Person, language: Language) -> list[Detail]:
    """With whom and where, as far as it concerns the reader."""
    say, staff = language.gettext, not reader.is_candidate
    others = ", ".join(p.name for p in facts.panel if p.id != reader.id and not p.declined)
    found = (
        Detail(say("Candidate"), facts.candidate.name if staff else ""),
        Detail(say("Job"), facts.job if staff else ""),
        Detail(say("With"), others if staff else ""),
        Detail(say("Place"), facts.location),
        Detail(say("Link"), facts.link, link=True),
        Detail(say("Meeting ID"), facts.meeting_id),
        Detail(say("Passcode"), facts.passcode),
        Detail(say("In the portal"), address(facts.path) if staff else "", link=True),
    )
    return [detail for detail in found if detail.value]


def of_case(case: Case, when: str, path: str, language: Language) -> list[Detail]:
    """What an application is about, and the time of its mock interview, '' where that is not the matter."""
    say = language.gettext
    found = (
        Detail(say("Candidate"), case.candidate.name),
        Detail(say("Job"), case.job),
        Detail(say("Project"), case.project),
        Detail(say("When"), when),
        Detail(say("In the portal"), address(path), link=True),
    )
    return [detail for detail in found if detail.value]


def address(path: str) -> str:
    """Where a page of the portal is, for who stands outside."""
    return f"{current_app.extensions['greenroom'].base_url}{path}"


def moment(at: datetime, zone_name: str, language: Language = ENGLISH) -> str:
    """A time as its reader's clock shows it: ``Tue 24 Nov 2026, 14:00 (Asia/Dubai, UTC+04:00)``."""
    here = zone(zone_name)
    local = at.astimezone(here)
    offset = f"{local:%z}"
    where = f"{here.key}, UTC{offset[:3]}:{offset[3:5]}"
    # The zone's name stays in one piece within a line from right to left.
    return f"{_date(local, language)} ({LEFT_TO_RIGHT}{where}{END})" if language.is_rtl else (
        f"{_date(local, language)} ({where})"
    )  # fmt: skip


def _date(local: datetime, language: Language) -> str:
    if language.code == SOURCE:  # one English that nobody misreads, on either side of the ocean
        return format_datetime(local, "EEE d MMM y, HH:mm", locale=ENGLISH.locale)
    day = format_skeleton("yMMMEd", local, locale=language.locale)
    time = format_time(local, "short", locale=language.locale)
    return str(get_datetime_format("medium", locale=language.locale)).replace("{0}", time).replace("{1}", day)


def length(span: timedelta, language: Language = ENGLISH) -> str:
    """A length of time in words, to the nearest minute: ``1 hour 30 minutes``."""
    minutes = max(round(span.total_seconds() / 60), 0)
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    counted = (
        (days, language.ngettext("%(count)d day", "%(count)d days", days)),
        (hours, language.ngettext("%(count)d hour", "%(count)d hours", hours)),
        (minutes, language.ngettext("%(count)d minute", "%(count)d minutes", minutes)),
    )
    parts = [text % {"count": count} for count, text in counted if count]
    if not parts:
        return language.gettext("less than a minute")
    return " ".join(parts) if language.code == SOURCE else format_list(parts, locale=language.locale)
