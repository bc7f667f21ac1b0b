"""The application: the one file that knows all features."""

import gc
import logging
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from flask import Flask, current_app, g, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import configure_mappers
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import admin, api, cli, health, jobs, messaging, metrics, sockets, webhooks
from portal.admin import lookups
from portal.core import logs, web
from portal.core.context import act
from portal.core.db import CONNECT, db, prepare_engine
from portal.core.errors import PortalError
from portal.core.limits import limiter
from portal.feedback import admin as feedback_admin
from portal.feedback import api as feedback_api
from portal.feedback import views as feedback_views
from portal.hiring import admin as hiring_admin
from portal.hiring import api as hiring_api
from portal.hiring import applicationpage
from portal.interviews import admin as interviews_admin
from portal.interviews import api as interviews_api
from portal.interviews import cards as _interview_cards  # noqa: F401 - they stand on the home
from portal.interviews import panels
from portal.interviews import replies as interview_replies
from portal.interviews import slots_admin as _interview_slots_admin  # noqa: F401 - it adds to pages of slots
from portal.interviews import templates as interview_templates
from portal.interviews import views as interviews_views
from portal.messaging import admin as messaging_admin
from portal.messaging import api as messaging_api
from portal.messaging import bell, choices, feed_views, inbound, inbound_views, operations, previews
from portal.people import admin as people_admin
from portal.people import api as people_api
from portal.people import token_views
from portal.people import views as people_views
from portal.practice import admin as practice_admin
from portal.practice import api as practice_api
from portal.practice import boxes as _practice_boxes  # noqa: F401 - they stand beside forms
from portal.practice import bulk as _practice_bulk  # noqa: F401 - it adds to bulk bars
from portal.practice import calendar as _practice_calendar  # noqa: F401 - its events stand in the calendar
from portal.practice import cards as _practice_cards  # noqa: F401 - they stand on the home
from portal.practice import checklist_views, conduct_views, summaries, training_admin
from portal.practice import series_views as practice_series
from portal.practice import slots_admin as practice_slots
from portal.scheduling import api as scheduling_api
from portal.scheduling import availability, free, slots_admin, slots_views
from portal.settings import Settings
from portal.webhooks import admin as webhooks_admin
from portal.webhooks import api as webhooks_api
from portal.webhooks import views as webhook_views
from portal.webhooks import work as _webhook_work  # noqa: F401 - its job and its sweeps

ROOT = Path(__file__).resolve().parent.parent
csrf = CSRFProtect()


def create_app(settings: Settings | None = None) -> Flask:
    """A Flask application with these settings (default: the environment's, which are checked here)."""
    settings = settings or Settings.from_env()
    logs.configure(settings.log_level, json=settings.is_production)
    app = Flask("portal", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.config.from_mapping(_config(settings))
    app.extensions["greenroom"] = settings
    db.init_app(app)
    if proxies := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies
        )
    with app.app_context():
        prepare_engine(db.engine)
    _offer_migrations(app)
    people_views.login_manager.init_app(app)
    _install_requests(app)  # before the token's check, whose refusal is a page that knows who asks
    csrf.init_app(app)
    limiter.init_app(app)
    _register_features(app)
    _register_errors(app)
    if settings.is_production:
        settle()
    return app


def _offer_migrations(app: Flask) -> None:
    """The commands ``db …``, where it is a command that makes the application: a web process does without
    Flask-Migrate and Alembic, which take eight megabytes."""
    if click.get_current_context(silent=True) is not None:
        from flask_migrate import Migrate

        Migrate(compare_type=True, render_as_batch=False).init_app(app, db, directory=str(ROOT / "migrations"))


def settle() -> None:
    """Take what is loaded by now out of the garbage collector's rounds: it stays for as long as the process does.

    There are half a million objects, and to look through them took a quarter of a second, in the middle of
    somebody's page, and several times in a large bulk action.
    """
    configure_mappers()
    gc.collect()
    gc.freeze()


def _config(settings: Settings) -> dict[str, Any]:
    sqlite = settings.uses_sqlite
    return {
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        # An error names its statement, never what was in it: a password's hash must not stand in a log.
        "SQLALCHEMY_ENGINE_OPTIONS": {"hide_parameters": True} if sqlite else {
            "hide_parameters": True,
            "pool_size": 10, "max_overflow": 10, "pool_recycle": 1800,  # see core.db about those that are gone
            "pool_use_lifo": True,  # the one used last has its plans ready (see core.plans)
            "connect_args": {**CONNECT, "application_name": "greenroom"},
        },
        "SECRET_KEY": settings.secret_key,
        "TESTING": settings.env == "test",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_REFRESH_EACH_REQUEST": False,  # see web.extend
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.base_url.startswith("https://"),
        "PERMANENT_SESSION_LIFETIME": settings.session_hours * 3600,
        "WTF_CSRF_TIME_LIMIT": None,
        "RATELIMIT_STORAGE_URI": settings.redis_url.replace("unix://", "redis+unix://"),
        "SEND_FILE_MAX_AGE_DEFAULT": 0 if settings.env == "development" else 31_536_000,
        "MAX_CONTENT_LENGTH": 16_000_000,
    }  # fmt: skip


def _tenant_of(user_key: str) -> UUID | None:
    keys = people_views.cookie_keys(user_key)
    return keys[0] if keys else None


def _install_requests(app: Flask) -> None:
    web.install(app, _tenant_of)

    @app.before_request
    def _act_as_user() -> None:
        if request.endpoint not in (None, "static", "health.alive") and current_user.is_authenticated:
            g.stack.enter_context(act(by=current_user.id, label=current_user.full_name))
            web.extend(session)


def _register_features(app: Flask) -> None:
    app.register_blueprint(people_views.blueprint)
    app.register_blueprint(token_views.blueprint)
    app.register_blueprint(interviews_views.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(feedback_views.blueprint)
    app.register_blueprint(applicationpage.blueprint)
    app.register_blueprint(summaries.blueprint)
    app.register_blueprint(free.blueprint)
    app.register_blueprint(interview_templates.blueprint)
    app.register_blueprint(interview_replies.blueprint)
    app.register_blueprint(slots_views.blueprint)
    app.register_blueprint(checklist_views.blueprint)
    app.register_blueprint(conduct_views.blueprint)
    app.register_blueprint(practice_series.blueprint)
    app.register_blueprint(bell.blueprint)
    app.register_blueprint(choices.blueprint)
    app.register_blueprint(operations.blueprint)
    app.register_blueprint(previews.blueprint)
    app.register_blueprint(feed_views.blueprint)
    app.register_blueprint(webhook_views.blueprint)
    app.register_blueprint(inbound_views.blueprint)
    csrf.exempt(inbound_views.blueprint)  # a token guards it, and no browser's session opens it
    features = (
        people_admin, hiring_admin, interviews_admin, slots_admin, feedback_admin, practice_admin, training_admin,
        practice_slots, webhooks_admin,
    )  # fmt: skip
    lookups.register(*(lookup for feature in features for lookup in feature.LOOKUPS))
    grids = (
        interviews_admin.GRIDS, slots_admin.GRIDS, feedback_admin.GRIDS, practice_admin.GRIDS, training_admin.GRIDS,
        hiring_admin.GRIDS, people_admin.GRIDS, messaging_admin.GRIDS, webhooks_admin.GRIDS,
        availability.GRIDS,
    )  # fmt: skip
    admin.install(app, [grid for each in grids for grid in each])
    apis = (
        people_api, hiring_api, scheduling_api, interviews_api, feedback_api, practice_api, messaging_api, webhooks_api,
    )  # fmt: skip
    api.install(app, csrf, apis)
    messaging.install(app)
    sockets.install(app)
    webhooks.install(app)
    inbound.install(app, panels.reply)
    jobs.install(app)
    cli.install(app)
    metrics.install(app)


def _register_errors(app: Flask) -> None:
    app.register_error_handler(PortalError, _refused)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _failed)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)


def _refused(error: PortalError) -> ResponseReturnValue:
    db.session.rollback()
    return _say(error, error.status, error.title, error.message)


def _forged(error: CSRFError) -> ResponseReturnValue:
    return _say(error, 400, "This form has expired", "Please go back, reload the page and send it again.")


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or (error.code or 500) < 400:
        return error.get_response()
    return _say(error, error.code or 500, *_PLAIN.get(error.code or 500, (error.name, "This did not work.")))


def _failed(error: Exception) -> ResponseReturnValue:
    db.session.rollback()
    if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") in _TURNED_AWAY:
        logs.get().warning("turned away by another transaction", path=web.path())
        told = "Others changed the same rows just now. Please try again."
        return _say(error, 409, "Somebody else was first", told)
    if current_app.testing:
        raise error
    logs.get().error("failure", path=web.path(), exc_info=error)
    return _say(error, 500, "Something went wrong", "It was noted. Nothing was half done; please try again.")


def _say(error: Exception, code: int, title: str, message: str) -> ResponseReturnValue:
    """A page; or, where the API was asked, JSON."""
    return api.problems.of(error, code) if api.problems.concern() else _page(code, title, message)


_TURNED_AWAY = ("40001", "40P01")  # PostgreSQL: of two that wait for each other in a circle it ends one

_PLAIN = {
    403: ("Not allowed", "Your role does not permit this."),
    404: ("Not found", "There is nothing here, or nothing you may see."),
    405: ("Not possible", "This page does not take that kind of request."),
    413: ("Too large", "What was sent is larger than the portal accepts."),
    429: ("Too many tries", "Please wait a minute and try again."),
}


def _page(code: int, title: str, message: str) -> ResponseReturnValue:
    page = render_template(
        "errors/error.html", code=code, title=title, message=message, request_id=g.get("request_id", "")
    )
    return page, code
