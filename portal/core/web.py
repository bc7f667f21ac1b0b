"""What every request gets: an id, the tenant's scope, a nonce, and headers that keep browsers strict."""

import contextlib
import hashlib
import re
import secrets
import time
from collections.abc import Callable, MutableMapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import structlog
from flask import Flask, Response, current_app, g, request, session
from flask.templating import Environment as FlasksEnvironment
from flask.wrappers import Request
from jinja2 import Environment
from markupsafe import Markup
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.utils import cached_property

from portal.core import logs
from portal.core.context import act
from portal.core.db import mean_to_read
from portal.core.forms import kind_of
from portal.core.tenancy import tenant_scope

_GIVEN_ID = re.compile(r"^[A-Za-z0-9_-]{8,64}$")


class LargeFormRequest(Request):
    """Ticking ten thousand rows is a form of ten thousand parts; memory is what is limited."""

    max_form_parts = 20_000
    max_form_memory_size = 4_000_000

    # No text holds a NUL, and PostgreSQL refuses it: it is gone before anybody asks.
    @cached_property
    def args(self) -> MultiDict[str, str]:
        return _without_nul(super().args)

    def _load_form_data(self) -> None:
        super()._load_form_data()
        self.__dict__["form"] = _without_nul(self.__dict__["form"])


def _without_nul(given: MultiDict[str, str]) -> ImmutableMultiDict[str, str]:
    return ImmutableMultiDict([(k.replace("\0", ""), v.replace("\0", "")) for k, v in given.items(multi=True)])


class Templates(FlasksEnvironment):
    """Templates whose globals are one plain dict. Jinja's chain of two is walked through in Python, some five hundred
    calls for a page; what it is for, globals that change after a template was loaded, we have none of."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


def inside(target: str | None) -> str | None:
    """``target`` where it stays on this site, so that a link cannot send people elsewhere."""
    # Browsers drop tabs and line ends from an address, and take a backslash for a slash.
    plain = bool(target) and target.isprintable() and target.startswith("/")  # type: ignore[union-attr]
    return target if plain and not target.startswith(("//", "/\\")) else None  # type: ignore[union-attr]


def nonce() -> str:
    """The value that this answer's own scripts carry."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def style_nonce() -> str:
    """The value that a library's own style sheet carries; asking for it lets this answer, and no other, have one."""
    if "style_nonce" not in g:
        g.style_nonce = secrets.token_urlsafe(16)
    return str(g.style_nonce)


def icons_of(sprite: str) -> Callable[..., Markup]:
    """What writes an icon of the file ``sprite``: a page has some sixty, and they are few."""

    @lru_cache(maxsize=1024)
    def icon(name: str, more: str = "") -> Markup:
        form = '<svg class="icon{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>'
        return Markup(form).format(f" {more}" if more else "", sprite, name)

    return icon


EXTENDED = 300  # seconds


def extend(session: MutableMapping[str, Any]) -> None:
    """Let a log-in last on from now. Its cookie is written anew every few minutes: to do it with each answer takes
    time, and an answer that was slow would bring back the cookie of whoever has logged out in between."""
    now = int(time.time())
    if "_user_id" in session and now - session.get("extended", 0) >= EXTENDED:
        session["extended"] = now


def part(template: str, **given: Any) -> Markup:
    """A part of a page that hangs on ``given`` alone, which are values of JSON: written once for as long as it is
    asked for now and then. To write a menu or a grid's filters anew takes as long as a statement or two."""
    return _part(current_app.jinja_env, template, orjson.dumps(given))


@lru_cache(maxsize=256)
def _part(environment: Environment, template: str, given: bytes) -> Markup:
    return Markup(environment.get_template(template).render(orjson.loads(given)))


def install(app: Flask, tenant_of: Any) -> None:
    """``tenant_of`` answers the tenant's key for a session's user key, or None."""
    app.request_class = LargeFormRequest
    app.jinja_environment = Templates
    app.add_template_global(icons_of)
    app.add_template_global(part)
    app.add_template_global(kind_of)

    stamp = _static_stamp(app)

    @app.url_defaults
    def _version_static(endpoint: str, values: dict[str, Any]) -> None:
        # Browsers keep static files for a year: another content is another address.
        if endpoint == "static":
            values["v"] = stamp

    @app.before_request
    def _enter() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _GIVEN_ID.match(given) else secrets.token_hex(8)
        g.started = time.perf_counter()
        g.stack = contextlib.ExitStack()
        mean_to_read(request.method in ("GET", "HEAD", "OPTIONS"))
        g.stack.enter_context(act(request_id=g.request_id, address=request.remote_addr or "", label=""))
        tenant = tenant_of(session.get("_user_id") or "")
        if tenant is not None:
            g.stack.enter_context(tenant_scope(tenant))

    @app.teardown_request
    def _leave(error: BaseException | None) -> None:
        if stack := g.pop("stack", None):
            stack.close()

    @app.after_request
    def _headers(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        response.headers.setdefault("Content-Security-Policy", policy())
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "private, no-store")
            _log(response)
        return response


def _static_stamp(app: Flask) -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(app.static_folder or "").rglob("*")):
        if path.is_file() and path.suffix in (".css", ".js", ".svg"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def policy() -> str:
    own = f"'self' 'nonce-{nonce()}'"
    styles = f"'self' 'nonce-{g.style_nonce}'" if "style_nonce" in g else "'self'"
    return (
        f"default-src 'self'; script-src {own}; style-src {styles}; img-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


_SECRET_PATHS = re.compile(r"(?i)(/feed/+).+")


def path() -> str:
    """The request's path as a log may hold it: without the secret that some addresses are."""
    return _SECRET_PATHS.sub(r"\1•••", request.path)


_ASKED_BY_MACHINES = ("/healthz", "/readyz", "/metrics")


def _log(response: Response) -> None:
    spent = round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1)
    line: structlog.typing.FilteringBoundLogger = logs.get()
    say = line.debug if request.path in _ASKED_BY_MACHINES else line.info
    say("request", method=request.method, path=path(), status=response.status_code, ms=spent)
