"""The page on which people choose what they are told, and how."""

from datetime import time
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from wtforms import TimeField
from wtforms.validators import Optional

from portal.core import clock
from portal.core.db import db
from portal.core.forms import PortalForm, zone_label
from portal.messaging import preferences
from portal.messaging.catalog import OWN_APPOINTMENT
from portal.messaging.models import Channel

blueprint = Blueprint("choices", __name__, url_prefix="/me")
HOME = "/me/notifications"

LABELS = {
    "mock_interview_pending": ("New mock interview", "A candidate was sent to you for a mock interview"),
    "candidate_approved_for_client_interview": ("Approved", "Your candidate is ready for the client's interview"),
    "candidate_failed_mock_interview": ("Not passed", "Your candidate needs training, or was rejected"),
    "interview_scheduled": ("Interview scheduled", "You are on the panel of an interview"),
    "interview_rescheduled": ("Interview rescheduled", "An interview of yours has a new time"),
    "interview_cancelled": ("Interview cancelled", "It will not take place, or you left its panel"),
    "interview_confirmed": ("Interview confirmed", "An interview that you organize was confirmed"),
    "interview_declined": ("Interviewer declined", "Somebody left the panel of an interview that you organize"),
    "interview_reminder": ("Reminders", "A day, an hour and a quarter of an hour before"),
    "feedback_requested": ("Feedback requested", "An interview is over and awaits your feedback"),
    "feedback_overdue": ("Feedback overdue", "Your feedback is still awaited"),
}


class QuietForm(PortalForm):
    """When nothing shall pop up: both times, or none."""

    since = TimeField("From", [Optional()])
    until = TimeField("Until", [Optional()])

    def validate(self, extra_validators: Any = None) -> bool:
        fine = bool(super().validate(extra_validators))
        for field, other in ((self.since, self.until), (self.until, self.since)):
            if fine and field.data is None and other.data is not None:
                field.errors = [*field.errors, "Please give both times, or none."]
                fine = False
        if fine and self.since.data is not None and self.since.data == self.until.data:
            self.until.errors = [*self.until.errors, "This is the time at which they begin."]
            fine = False
        return fine

    @property
    def quiet(self) -> tuple[time, time] | None:
        return (self.since.data, self.until.data) if self.since.data is not None else None


@blueprint.get("/notifications")
@login_required  # type: ignore[untyped-decorator]
def show() -> ResponseReturnValue:
    """What one gets at present."""
    wishes = preferences.of(db.session, {current_user.id})
    since, until = wishes.quiet.get(current_user.id, (None, None))
    chosen = {(type_, Channel(channel)): on for (_, type_, channel), on in wishes.chosen.items()}
    return _page(QuietForm(since=since, until=until), chosen)


@blueprint.post("/notifications")
@login_required  # type: ignore[untyped-decorator]
def save() -> ResponseReturnValue:
    """Keep what was ticked."""
    ticked = set(request.form.getlist("on"))
    wanted = {
        (type_, channel): f"{type_}:{channel}" in ticked
        for type_, usual in preferences.choices().items()
        for channel in usual
    }
    form = QuietForm()
    if not form.validate_on_submit():
        return _page(form, wanted)
    preferences.save(db.session, current_user.id, wanted, form.quiet)
    db.session.commit()
    flash("Your choice is saved.", "success")
    return redirect(HOME)


def _page(form: QuietForm, chosen: dict[tuple[str, Channel], bool]) -> ResponseReturnValue:
    rows = [
        {
            "type": type_, "label": LABELS[type_][0], "about": LABELS[type_][1], "own": type_ in OWN_APPOINTMENT,
            "channels": [
                {"name": channel.value, "offered": channel in usual,
                 "on": chosen.get((type_, channel), usual.get(channel, False))}
                for channel in preferences.CHANNELS
            ],
        }
        for type_, usual in preferences.choices().items()
    ]  # fmt: skip
    page = render_template(
        "portal/choices.html", title="What you are told", form=form, rows=rows, action_url=HOME,
        zone=zone_label(current_user.timezone, clock.now()),
        subtitle="Messages about your work. Candidates get their own by e-mail.",
    )  # fmt: skip
    return (page, 422) if form.errors else page
