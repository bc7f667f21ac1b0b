"""The calendar: a week, a day, a list, a day by person. All it shows stands in its address."""

from dataclasses import replace
from typing import Any

from flask import Blueprint, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.admin import menu
from portal.admin.agenda import Event, Span, by_person
from portal.core import access, clock
from portal.core.db import db
from portal.core.types import zone
from portal.core.web import style_nonce
from portal.interviews import calendar
from portal.interviews import calendarpage as says
from portal.interviews.admin import INTERVIEWS
from portal.interviews.calendarpage import Asked

blueprint = Blueprint("calendar", __name__, url_prefix="/calendar")
menu.offer(menu.Page("Calendar", "/calendar", "calendar-week", "Interviews", "read:interviews"))


@blueprint.get("")
@login_required  # type: ignore[untyped-decorator]
def page() -> ResponseReturnValue:
    access.require(current_user, "read:interviews")
    at = clock.now()
    today = at.astimezone(zone(current_user.timezone)).date()
    asked = Asked.parse(request.args, today)
    span = asked.span(current_user.timezone)
    found, cut_off = calendar.find(db.session, current_user, span, asked.wanted, at)
    return render_template(
        "portal/calendar.html", asked=asked, span=span, title=says.title(span), tabs=says.tabs(asked), count=len(found),
        agenda=says.agenda(found, span, asked, today) if asked.view != "people" else [],
        side=says.side(by_person(found), asked),
        plan=says.plan(found, span, asked) if asked.view == "people" else [], hours=says.hours(found, span),
        cut_off=says.cut_off() if cut_off else "", filters=says.filters(asked), chips=says.chips(asked),
        mine_url=asked.url(wanted=replace(asked.wanted, mine=not asked.wanted.mine)),
        steps=says.steps(asked, span, today), list_url=f"{INTERVIEWS.url}?{says.in_grid(asked, span)}",
        events_url=url_for("calendar.events", **{k: v for k, v in says.arguments(asked.wanted).items() if v}),
        new_url=f"{INTERVIEWS.url}new" if access.may(current_user, *INTERVIEWS.write) else "",
        style_nonce=style_nonce(),
    )  # fmt: skip


@blueprint.get("/events")
@login_required  # type: ignore[untyped-decorator]
def events() -> ResponseReturnValue:
    """What takes place from ``start`` to ``end`` (days; 45 at most), with wall times of the reader's zone."""
    access.require(current_user, "read:interviews")
    first, end = says.day_said(request.args.get("start")), says.day_said(request.args.get("end"))
    if first is None or end is None or end <= first:
        return jsonify({"error": "Give start and end as days, such as 2026-11-24, the end after the start."}), 422
    at = clock.now()
    span = Span.of(first, end, current_user.timezone)
    found, cut_off = calendar.find(db.session, current_user, span, says.wanted_in(request.args), at)
    told = [_told(event, span) for event in found]
    return jsonify({"zone": span.zone_name, "cut_off": says.cut_off() if cut_off else "", "events": told})


def _told(event: Event, span: Span) -> dict[str, Any]:
    start, end = event.walls(span.zone_name)
    return {
        "id": str(event.id), "title": event.candidate, "start": start.isoformat(), "end": end.isoformat(),
        "url": event.url, "editable": event.movable,
        "classNames": [f"tone-{event.tone}", *(["is-other"] if event.kind else [])],
        "extendedProps": {
            "what": event.title, "status": event.state, "clock": event.clock(span), "project": event.project,
            "panel": says.panel(event), "version": event.version, "move": f"{event.url}/move/reschedule",
        },
    }  # fmt: skip
