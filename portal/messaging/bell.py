"""The bell: the notifications of whoever is logged in, as a list, for the bell's panel, and one by one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.admin import menu
from portal.admin.grid import ME
from portal.core import clock
from portal.core.db import db, mean_to_read
from portal.core.web import inside
from portal.messaging import notices, reading
from portal.messaging.choices import LABELS
from portal.messaging.notices import HOME

blueprint = Blueprint("bell", __name__, url_prefix="/notifications")
PAGE, PANEL, CAUGHT_UP = 30, 10, 50
UNREAD, NEWEST = "unread notifications", "newest notification"

menu.ask(UNREAD, reading.counting(ME))
menu.ask(NEWEST, reading.newest(ME))


@blueprint.app_template_global()
def bell(standing: Mapping[str, Any]) -> dict[str, Any]:
    """What the bell on every page shows, as ``standing`` has it: the number of unread ones, how it is written, and the
    newest one's key."""
    unread, newest = standing[UNREAD], standing[NEWEST]
    return {"unread": unread, "shown": notices.written(unread), "newest": newest or ""}


# --- what there is -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What of the list an address asks for; what it says wrongly counts as not said."""

    unread: bool = False
    kind: str = ""
    before: UUID | None = None

    @classmethod
    def by(cls, args: Mapping[str, str]) -> "Asked":
        kind = args.get("type", "")
        return cls(args.get("show") == "unread", kind if kind in LABELS else "", _key(args.get("before")))

    @property
    def url(self) -> str:
        said = {"show": "unread" if self.unread else "", "type": self.kind, "before": self.before}
        given = urlencode({name: value for name, value in said.items() if value})
        return f"{HOME}?{given}" if given else HOME

    def but(self, **other: Any) -> str:
        """The address of the first page with something else asked."""
        return replace(self, **{"before": None, **other}).url


@blueprint.get("/")
@login_required  # type: ignore[untyped-decorator]
def show() -> ResponseReturnValue:
    """One page of them, the newest first."""
    asked, me = Asked.by(request.args), current_user
    found = reading.latest(
        db.session, me.id, PAGE + 1, before=asked.before, read=False if asked.unread else None,
        types=[asked.kind] if asked.kind else (),
    )  # fmt: skip
    rows = found[:PAGE]
    return render_template(
        "portal/notifications.html", title="Notifications", asked=asked, labels=_LABELS,
        days=notices.by_day(rows, me.timezone, clock.now()), newest=rows[0].id if rows else "",
        older_url=asked.but(before=rows[-1].id) if len(found) > PAGE else None,
    )  # fmt: skip


_LABELS = {"": "All types", **{kind: label for kind, (label, _) in LABELS.items()}}


@blueprint.get("/recent.json")
@login_required  # type: ignore[untyped-decorator]
def recent() -> ResponseReturnValue:
    """The latest ones for the bell's panel; or those since ``?after=``, and shortly before, for a page that was
    without a connection. Two statements, and 304 to who has the answer already."""
    after = _key(request.args.get("after"))
    rows = reading.latest(db.session, current_user.id, CAUGHT_UP if after else PANEL, after=after)
    unread, newest = reading.standing(db.session, current_user.id)
    answer = jsonify(
        unread=unread, shown=notices.written(unread), newest=str(newest or ""),
        items=[notices.told(row, current_user.timezone) for row in rows],
    )  # fmt: skip
    answer.add_etag()
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request)


def _key(given: str | None) -> UUID | None:
    """The key that an address names; None where it names none."""
    try:
        return UUID(given) if given else None
    except ValueError:
        return None


# --- what becomes of them ----------------------------------------------------------------------------


@blueprint.get("/<uuid:key>/open")
@login_required  # type: ignore[untyped-decorator]
def follow(key: UUID) -> ResponseReturnValue:
    """To what the notification is about, within the portal; that it was opened is noted."""
    me = current_user.id
    target = inside(reading.one(db.session, me, key).link) or HOME
    if request.method != "HEAD":  # who only looks where it leads has not been there
        db.session.commit()
        mean_to_read(False)
        reading.note_click(db.session, me, key, clock.now())
        db.session.commit()
    return redirect(target)


@blueprint.post("/<uuid:key>/read")
@login_required  # type: ignore[untyped-decorator]
def read(key: UUID) -> ResponseReturnValue:
    """One of them was read."""
    reading.one(db.session, current_user.id, key)
    reading.mark_read(db.session, current_user.id, clock.now(), keys=[key])
    db.session.commit()
    return _done(f"#n-{key}")


@blueprint.post("/read-all")
@login_required  # type: ignore[untyped-decorator]
def read_all() -> ResponseReturnValue:
    """All that stood there, and of the sort that was chosen, were read; not what has come since."""
    kind = request.form.get("type", "")
    number = reading.mark_read(
        db.session, current_user.id, clock.now(), upto=_key(request.form.get("upto")), types=[kind] if kind else ()
    )
    db.session.commit()
    if "next" in request.form:
        flash(f"{number:,} marked as read." if number else "There was nothing left to read.", "success")
    return _done("")


def _done(anchor: str) -> ResponseReturnValue:
    """Back to the page; a script gets the new count."""
    if "next" in request.form:
        return redirect((inside(request.form["next"]) or HOME) + anchor)
    unread, _ = reading.standing(db.session, current_user.id)
    answer: Response = jsonify(unread=unread, shown=notices.written(unread))
    return answer
