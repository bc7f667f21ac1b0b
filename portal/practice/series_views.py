"""The box beside the form of a series: which times the first of the chosen ones would get, before anything is done."""

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.admin import runs
from portal.admin.additions import Aside, aside
from portal.admin.models import BulkRun
from portal.admin.query import to_key
from portal.core import access, clock
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.forms import span_label
from portal.core.limits import limiter
from portal.core.workflow import Change
from portal.practice import series
from portal.practice.bulk_forms import SeriesForm
from portal.practice.workflow import SCHEDULE

blueprint = Blueprint("practice_series", __name__, url_prefix="/practice/series")
_MOST = 500  # that are planned for a look; more are not worth the wait
_SHOWN = 10
_FIELDS = ("first", "timezone", "duration", "gap", "opens", "closes")


@aside("mock-interviews", "bulk schedule_series")
def _beside_the_form(row: Any, user: Any) -> Aside:
    sends = {name: f"[name='{name}']" for name in _FIELDS}
    return Aside("Proposed times", "calendar-range", "/practice/series/proposed",
                 {**sends, "weekdays": "[name='weekdays']:checked", "run": "[name='run_id']"})  # fmt: skip


@blueprint.get("/proposed")
@login_required  # type: ignore[untyped-decorator]
@limiter.limit("120 per minute", key_func=lambda: current_user.get_id())
def proposed() -> ResponseReturnValue:
    """The first few, and how many find no room; nothing while the form is not finished."""
    access.require(current_user, *SCHEDULE)
    key = to_key(request.args.get("run", ""))
    run = db.session.scalar(sa.select(BulkRun).where(BulkRun.id == key, BulkRun.user_id == current_user.id))
    if run is None or run.grid != "mock-interviews":
        raise Missing
    form = SeriesForm(request.args, meta={"csrf": False})
    told = _told(run, form) if form.validate() else {}
    return current_app.jinja_env.get_template("portal/series_box.html").render(shown=_SHOWN, most=_MOST, **told)


def _told(run: BulkRun, form: SeriesForm) -> dict[str, Any]:
    user = current_user._get_current_object()
    ids = list(db.session.scalars(runs.chosen(run, user).limit(_MOST + 1)))
    if len(ids) > _MOST:
        return {"too_many": True}
    change = Change(clock.now(), user, SeriesForm.revive(db.session, form.params()))
    plan = series.plan_of(change)
    requests = series.requested(db.session, ids, plan, change)
    starts = series.proposed(db.session, requests, plan)
    return {
        "ready": True, "count": len(requests), "left": len(requests) - len(starts),
        "rows": [(*each.names, span_label(at, at + each.length, plan.zone))
                 for each in requests if (at := starts.get(each.id))][:_SHOWN],
    }  # fmt: skip
