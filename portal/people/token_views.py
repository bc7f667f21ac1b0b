"""The page of one's own API tokens: everybody makes and revokes theirs, whatever their role."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.admin.cells import when
from portal.core import clock, records
from portal.core.db import db
from portal.core.errors import Invalid, Missing
from portal.people import actions
from portal.people.forms import TokenForm
from portal.people.models import ApiToken

blueprint = Blueprint("own_tokens", __name__, url_prefix="/account/tokens")


@blueprint.get("")
@login_required  # type: ignore[untyped-decorator]
def page() -> ResponseReturnValue:
    return _page(TokenForm())


@blueprint.post("")
@login_required  # type: ignore[untyped-decorator]
def make() -> ResponseReturnValue:
    """Answers the page with the secret on it, this once: it is kept nowhere, not in the session either."""
    form = TokenForm()
    if not form.validate_on_submit():
        return _page(form)
    try:
        secret = actions.issue_token(
            db.session, current_user, form.name.data, at=clock.now(), days=int(form.days.data) or None,
            scope=form.scope(),
        )  # fmt: skip
        db.session.commit()
    except Invalid as error:
        db.session.rollback()
        form.take_errors(Invalid({"permissions" if n == "scope" else n: texts for n, texts in error.errors.items()}))
        return _page(form)
    return _page(TokenForm(formdata=None), secret=secret, called=form.name.data)


@blueprint.post("/<uuid:key>/revoke")
@login_required  # type: ignore[untyped-decorator]
def revoke(key: UUID) -> ResponseReturnValue:
    row = db.session.scalar(sa.select(ApiToken).where(ApiToken.id == key, ApiToken.user_id == current_user.id))
    if row is None:
        raise Missing
    told = f"“{row.name}” is revoked: it opens nothing any more."
    records.delete(db.session, row)
    db.session.commit()
    flash(told, "success")
    return redirect(url_for("own_tokens.page"))


def _page(form: TokenForm, **shown: Any) -> ResponseReturnValue:
    mine = sa.select(ApiToken).where(ApiToken.user_id == current_user.id).order_by(ApiToken.id.desc())
    tokens = [_line(row) for row in db.session.scalars(mine)]
    page = render_template("people/tokens.html", title="Your API tokens", form=form, tokens=tokens, **shown)
    return page, 422 if form.errors else 200


def _line(row: ApiToken) -> dict[str, Any]:
    here = current_user.timezone
    over = row.expires_at is not None and row.expires_at <= clock.now()
    return {
        "id": row.id, "name": row.name, "scope": "All that you may" if row.scope is None else ", ".join(row.scope),
        "used": when(row.last_used_at, here) if row.last_used_at else "Never",
        "expires": when(row.expires_at, here) if row.expires_at else "When it is revoked", "over": over,
        "made": when(row.created_at, here),
    }  # fmt: skip
