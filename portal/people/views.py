"""The door: log-in and log-out, and whose request this is."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_required, login_user, logout_user
from flask_wtf import FlaskForm
from sqlalchemy.orm import joinedload
from wtforms import EmailField, HiddenField, PasswordField, SubmitField
from wtforms.validators import InputRequired, Length

from portal.core import clock, logs
from portal.core.db import db
from portal.core.errors import Invalid
from portal.core.limits import limiter
from portal.core.web import inside
from portal.people import actions
from portal.people.models import ROLES_HELD, User

blueprint = Blueprint("people", __name__)
login_manager = LoginManager()
login_manager.login_view = "people.login"
login_manager.login_message = "Please log in to see this page."
login_manager.login_message_category = "info"


class LoginForm(FlaskForm):  # type: ignore[misc]
    email = EmailField("E-mail", [InputRequired("Please give your e-mail address."), Length(max=254)])
    password = PasswordField("Password", [InputRequired("Please give your password."), Length(max=1000)])
    next = HiddenField()
    submit = SubmitField("Log in")


def cookie_keys(user_key: str) -> tuple[UUID, UUID, int] | None:
    """Tenant, user and stamp as the session cookie holds them; None for anything else."""
    try:
        tenant, user, stamp = user_key.split("|")
        return UUID(tenant), UUID(user), int(stamp)
    except ValueError:
        return None


# What every request needs: the user, their organisation and what they may, in one statement.
_SIGNED_IN = (
    sa.select(User, ROLES_HELD)
    .where(User.id == sa.bindparam("user"), User.session_stamp == sa.bindparam("stamp"), User.active.is_(True))
    .options(joinedload(User.tenant, innerjoin=True))
)


@login_manager.user_loader  # type: ignore[untyped-decorator]
def load_user(user_key: str) -> User | None:
    """The user of the cookie, in the tenant scope that the request has entered already."""
    keys = cookie_keys(user_key)
    if keys is None:
        return None
    found = db.session.execute(_SIGNED_IN, {"user": keys[1], "stamp": keys[2]}).one_or_none()
    if found is None:
        return None
    user, held = found
    user.learn_roles(held)
    return user  # type: ignore[no-any-return]


@blueprint.route("/login", methods=["GET", "POST"])
@limiter.limit(
    lambda: current_app.extensions["greenroom"].login_rate,
    methods=["POST"],
    # Only failures are counted: what is limited is guessing, not an office that arrives in the morning.
    deduct_when=lambda response: response.status_code != 302,
)
def login() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(url_for("admin.index"))
    form = LoginForm(next=request.args.get("next", ""))
    status = 200
    if form.validate_on_submit():
        try:
            user = actions.log_in(db.session, form.email.data, form.password.data, clock.now())
            session.clear()  # nothing of who sat here before
            session.permanent = True
            login_user(user)  # before the commit, which forgets the row; this request has no tenant to load it again
            db.session.commit()
        except Invalid as error:
            form.form_errors.extend(error.errors[""])
            logs.get().info("log-in refused", address=request.remote_addr)
            status = 401
        else:
            return redirect(inside(form.next.data) or url_for("admin.index"))
    return render_template("auth/login.html", form=form, demo_logins=_demo_logins()), status


def _demo_logins() -> list[dict[str, str]]:
    lister: Any = current_app.extensions.get("demo_logins")
    return lister() if lister and current_app.extensions["greenroom"].env == "development" else []


@blueprint.route("/logout", methods=["POST"])
@login_required  # type: ignore[untyped-decorator]
def logout() -> ResponseReturnValue:
    logout_user()
    flash("You are logged out.", "info")
    return redirect(url_for("people.login"))
