"""What is pressed on the pages of webhooks: show the secret, make a new one, send a test, send again."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.core import access, clock
from portal.core.db import db
from portal.core.workflow import Change
from portal.webhooks import actions, signing
from portal.webhooks.admin import DELIVERIES, WEBHOOKS
from portal.webhooks.models import Webhook

blueprint = Blueprint("webhook_pages", __name__)


@blueprint.post("/webhooks/<uuid:key>/secret")
@login_required  # type: ignore[untyped-decorator]
def secret(key: UUID) -> ResponseReturnValue:
    """The first secret, this once: it is on the page alone, not in the session."""
    return _shown(key, actions.show_secret)


@blueprint.post("/webhooks/<uuid:key>/rotate-secret")
@login_required  # type: ignore[untyped-decorator]
def rotate_secret(key: UUID) -> ResponseReturnValue:
    return _shown(key, actions.rotate_secret)


def _shown(key: UUID, make: Callable[[Any, Webhook, Change], str]) -> ResponseReturnValue:
    row = _row(key)
    made = make(db.session, row, Change(clock.now(), current_user))
    db.session.commit()
    return render_template(
        "webhooks/secret.html", title=f"The secret of “{row}”", secret=made, back=WEBHOOKS.row_url(row.id),
        old_holds=row.generation > 1, hours=int(signing.OLD_HOLDS.total_seconds() // 3600),
        crumbs=[{"label": WEBHOOKS.title, "url": WEBHOOKS.url}, {"label": str(row), "url": WEBHOOKS.row_url(row.id)}],
    )  # fmt: skip


@blueprint.post("/webhooks/<uuid:key>/test")
@login_required  # type: ignore[untyped-decorator]
def test(key: UUID) -> ResponseReturnValue:
    row = _row(key)
    made = actions.send_test(db.session, row, Change(clock.now(), current_user))
    db.session.commit()
    flash("The test is on its way. Reload this page to see what the receiver said.", "success")
    return redirect(DELIVERIES.row_url(made))


@blueprint.post("/webhook-deliveries/<uuid:key>/replay")
@login_required  # type: ignore[untyped-decorator]
def replay(key: UUID) -> ResponseReturnValue:
    result = actions.replay(db.session, [key], Change(clock.now(), current_user))
    if key in result.refused:
        raise result.refused[key]
    db.session.commit()
    flash("It is on its way again.", "success")
    return redirect(DELIVERIES.row_url(key))


def _row(key: UUID) -> Webhook:
    access.require(current_user, *actions.WRITE)
    return access.fetch(db.session, Webhook, key, current_user, *actions.WRITE)
