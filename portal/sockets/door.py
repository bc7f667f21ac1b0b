"""The door to the sockets. A handshake is a request like any other until it is admitted: session, user and tenant are
found as for every page. Then its connection goes to the hub, and the thread is free for the next request."""

import errno
import re
import socket
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, current_app, request, session
from flask_login import current_user, user_logged_in, user_logged_out

from portal.core.db import among, db, new_id, read_only
from portal.core.tenancy import everywhere
from portal.messaging import push
from portal.people.models import User
from portal.sockets.seats import Seat

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from portal.sockets.hub import Hub

LogIn = tuple[UUID, UUID, int]
blueprint = Blueprint("sockets", __name__)
_HUB, _SEAT = "greenroom.hub", "greenroom.seat"
_MARK = "mark"
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")


def install(app: Flask) -> None:
    app.register_blueprint(blueprint)
    user_logged_in.connect(_mark)
    user_logged_out.connect(_leave)


def _mark(app: Flask, user: User) -> None:
    """Each log-in has a mark of its own, so that a log-out ends its sockets and not those of the same user's others."""
    session[_MARK] = new_id().hex


def _leave(app: Flask, user: Any) -> None:
    if user is not None and user.is_authenticated:
        push.end_log_in(user.tenant_id, user.id, session.get(_MARK, ""))


@blueprint.get("/socket.io/", websocket=True)
def admit() -> Response:
    """A seat for who asks as a page of ours, logged in; for all others 403, which does not say why."""
    hub: Hub | None = request.environ.get(_HUB)
    if hub is None or not (_is_handshake() and _is_ours() and current_user.is_authenticated):
        return Response(status=403)
    seconds = current_app.permanent_session_lifetime.total_seconds()
    seat = Seat(
        current_user.tenant_id, current_user.id, current_user.session_stamp, session.get(_MARK, ""), seconds
    )  # fmt: skip
    if not hub.has_room_for(seat):
        return Response(status=503)
    request.environ[_SEAT] = seat
    return Response(status=101)  # the hub says it; this one is for the log


def _is_handshake() -> bool:
    """Whether this asks for a WebSocket of Socket.IO; there is no other transport, since it would need a thread, and
    the same process each time."""
    headers, args = request.headers, request.args
    return (
        headers.get("Sec-WebSocket-Version") == "13"
        and _KEY.fullmatch(headers.get("Sec-WebSocket-Key", "")) is not None
        and (args.get("EIO"), args.get("transport"), args.get("sid")) == ("4", "websocket", None)
    )


def _is_ours() -> bool:
    """Browsers send the cookie whoever's page asks, and no token guards a WebSocket: the page must be one of ours."""
    origin = urlsplit(request.headers.get("Origin", ""))
    own = urlsplit(current_app.extensions["greenroom"].base_url)
    return (origin.scheme, origin.netloc) == (own.scheme, own.netloc) or (
        origin.scheme in ("http", "https") and origin.netloc == request.host
    )


class HandedOver(ConnectionError):
    """The connection has gone to the hub: to the server it is as one that the client has closed."""

    def __init__(self) -> None:
        super().__init__(errno.ENOTCONN, "the connection went to the hub")


class Door:
    """The application behind a door to ``hub``, for a server that says which socket a request came by (gunicorn's and
    Werkzeug's do)."""

    def __init__(self, app: "WSGIApplication", hub: "Hub") -> None:
        self._app, self._hub = app, hub

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        connection: socket.socket | None = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
        if connection is not None:
            environ[_HUB] = self._hub
        answer = self._app(environ, start_response)
        if connection is None or _SEAT not in environ:
            return answer
        if close := getattr(answer, "close", None):
            close()
        # The server still holds the object, but no longer the connection.
        self._hub.take(socket.socket(fileno=connection.detach()), head(environ), environ[_SEAT])
        raise HandedOver


def head(environ: "WSGIEnvironment") -> bytes:
    """The handshake as the hub needs it: without cookie, and whatever else came with it."""
    return (
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
        f"Host: {environ.get('HTTP_HOST', 'localhost')}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {environ['HTTP_SEC_WEBSOCKET_KEY']}\r\n\r\n"
    ).encode("latin-1")


def still_valid(app: Flask) -> Callable[[Collection[LogIn]], set[LogIn]]:
    """What tells which of some log-ins hold: the user is active, and no new password has ended them."""

    def valid(log_ins: Collection[LogIn]) -> set[LogIn]:
        with app.app_context(), everywhere(), read_only():
            session = db.session()
            tenants = among(session, User.tenant_id, {tenant for tenant, _, _ in log_ins})
            users = among(session, User.id, {user for _, user, _ in log_ins})
            found = sa.select(User.tenant_id, User.id, User.session_stamp).where(User.active, tenants, users)
            return {(row[0], row[1], row[2]) for row in session.execute(found)}

    return valid
