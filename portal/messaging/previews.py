"""What each message looks like, with invented people: for those who want to read them before anybody gets one."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.core import access, clock
from portal.core.errors import Missing
from portal.core.events import spoken
from portal.messaging import mail
from portal.messaging.cases import Case
from portal.messaging.catalog import CATALOGUE, Message, candidate
from portal.messaging.choices import LABELS
from portal.messaging.facts import Facts, Person
from portal.messaging.models import Channel
from portal.messaging.subjects import Known

blueprint = Blueprint("previews", __name__, url_prefix="/operations/templates")
READ = "read:messages"
_KEY = UUID(int=7)
# The mail's own styles stand in its elements; it may load nothing and run nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"


@dataclass(frozen=True)
class Sample:
    """A row of the catalogue with its number there, as readers see it."""

    number: int
    message: Message

    @property
    def to_candidate(self) -> bool:
        return self.message.recipients is candidate

    @property
    def label(self) -> str:
        return f"{spoken(self.message.event)}: {'candidate' if self.to_candidate else 'staff'}"

    @property
    def mailed(self) -> bool:
        return Channel.EMAIL in (*self.message.channels, *self.message.offers)


def samples() -> list[Sample]:
    return [Sample(number, message) for number, message in enumerate(CATALOGUE)]


@blueprint.get("/")
@login_required  # type: ignore[untyped-decorator]
def overview() -> ResponseReturnValue:
    """All messages, and one of them as its reader gets it."""
    access.require(current_user, READ)
    sample = _chosen(request.args.get("message", "0"))
    letter = _letter(sample)
    text = letter.get_body(("plain",))
    return render_template(
        "portal/previews.html", title="Templates", samples=samples(), chosen=sample,
        subject=mail.readable(letter, "Subject"), to=mail.readable(letter, "To"),
        text=text.get_content() if text else "", told=_note(sample),
        about=LABELS[sample.message.type][1], html_url=f"/operations/templates/{sample.number}/html",
        crumbs=[{"label": "Delivery of messages", "url": "/operations/"}],
        subtitle="With invented people, in your time zone. Nothing is sent.",
    )  # fmt: skip


@blueprint.get("/<number>/html")
@login_required  # type: ignore[untyped-decorator]
def html(number: str) -> ResponseReturnValue:
    """The HTML part alone, for the frame on that page."""
    access.require(current_user, READ)
    body = _letter(_chosen(number)).get_body(("html",))
    answer = Response(body.get_content() if body else "", content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    return answer


def _chosen(number: str) -> Sample:
    found = samples()
    if not number.isascii() or not number.isdigit() or int(number) >= len(found):
        raise Missing
    return found[int(number)]


def _letter(sample: Sample) -> EmailMessage:
    at = clock.now()
    known, reader = _known(sample.message, at), _reader(sample)
    return mail.compose(
        sample.message.type, known, reader, message_id="<sample@greenroom.example>", event=sample.message.event, at=at,
        told_start=known.start - timedelta(days=1) if known.start else None, payload=_PAYLOAD,
    )  # fmt: skip


def _note(sample: Sample) -> mail.Note | None:
    if Channel.IN_APP not in sample.message.channels:
        return None
    at = clock.now()
    known = _known(sample.message, at)
    return mail.note(
        sample.message.type, known, _reader(sample), _PAYLOAD, event=sample.message.event, at=at,
        told_start=known.start - timedelta(days=1) if known.start else None,
    )  # fmt: skip


_PAYLOAD = {"user": str(_KEY), "note": "I am on leave that day.", "decision": "needs_training"}
_JANE = Person(UUID(int=8), "Jane Doe", "jane.doe@mail.example", "UTC", is_candidate=True)
_BOB = Person(_KEY, "Bob Baker", "bob.baker@office.example", "UTC", part="panelist")


def _reader(sample: Sample) -> Person:
    person = _JANE if sample.to_candidate else _BOB
    return replace(person, timezone=current_user.timezone, locale=request.args.get("locale", current_user.locale))


def _known(message: Message, at: datetime) -> Known:
    start = (at + timedelta(hours=24)).replace(minute=0, second=0, microsecond=0)
    if message.about == "application":
        who = (_JANE, _BOB, _BOB, _BOB)
        return Case(
            UUID(int=9), current_user.tenant.name, "approved", "Senior Nurse", "Ward 7", *who, UUID(int=10), start
        )
    return Facts(
        id=UUID(int=11), organisation=current_user.tenant.name, status="scheduled", schedule=0, version=1, start=start,
        end=start + timedelta(minutes=45), type="video", title="Second round with Jane Doe", job="Senior Nurse",
        location="", link="https://meet.example/abc", meeting_id="123 456", passcode="", candidate=_JANE,
        cancellation_reason="The ward is closed that day.", timezone=current_user.timezone, organizer=_BOB,
        panel=(_BOB,),
    )  # fmt: skip
