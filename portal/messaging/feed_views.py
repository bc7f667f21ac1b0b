"""The secret link to one's own calendar: where programs read it, and where people make and revoke it."""

import hashlib

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.core import clock
from portal.core.db import db, mean_to_read
from portal.core.errors import Missing
from portal.core.limits import limiter
from portal.core.tenancy import tenant_scope
from portal.messaging import feed, wording

blueprint = Blueprint("feed", __name__)
_HOME = "/me/notifications"


@blueprint.get("/calendar/feed/<secret>.ics")
@limiter.limit(
    lambda: current_app.extensions["greenroom"].login_rate,
    deduct_when=lambda response: response.status_code == 404,  # what is limited is guessing
)
def calendar(secret: str) -> ResponseReturnValue:
    """The calendar; the same 404 for a link that never was, was revoked, or whose owner is no longer active."""
    at = clock.now()
    found = feed.owner(db.session, secret)
    if found is None:
        raise Missing
    user, mine = found
    with tenant_scope(user.tenant_id, db.session):
        response = _answer(feed.calendar(db.session, user, at))
        if mine.last_used_at is None or mine.last_used_at <= at - feed.NOTED_EVERY:
            key = mine.id
            db.session.commit()
            mean_to_read(False)
            feed.note_use(db.session, key, at)
    return response.make_conditional(request)


def _answer(content: bytes) -> Response:
    response = Response(content, content_type="text/calendar; charset=utf-8")
    response.set_etag(hashlib.sha256(content).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, max-age=300"
    response.headers["Content-Disposition"] = 'inline; filename="greenroom.ics"'
    return response


@blueprint.get("/me/calendar-feed")
@login_required  # type: ignore[untyped-decorator]
def show() -> ResponseReturnValue:
    return redirect(_HOME)


@blueprint.post("/me/calendar-feed")
@login_required  # type: ignore[untyped-decorator]
def renew() -> ResponseReturnValue:
    """Make the link, or a new one in its place, and show it this once."""
    secret = feed.renew(db.session, current_user, clock.now())
    db.session.commit()
    link = wording.address(url_for("feed.calendar", secret=secret))
    return render_template("portal/feed.html", title="Your calendar link", link=link, crumbs=[_CRUMB])


_CRUMB = {"label": "What you are told", "url": _HOME}


@blueprint.post("/me/calendar-feed/revoke")
@login_required  # type: ignore[untyped-decorator]
def revoke() -> ResponseReturnValue:
    """End the link: from now on it answers as if it had never been."""
    feed.revoke(db.session, current_user)
    db.session.commit()
    flash("Your calendar link is revoked.", "success")
    return redirect(_HOME)


@blueprint.app_template_global()
def calendar_feed() -> dict[str, str] | None:
    """One's own link, for the box that offers it: when it was last used, '' where never; None where there is none."""
    mine = feed.standing(db.session, current_user)
    if mine is None:
        return None
    return {"used": wording.moment(mine.last_used_at, current_user.timezone) if mine.last_used_at else ""}
