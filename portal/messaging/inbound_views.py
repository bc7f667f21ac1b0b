"""The door for mails that a mail server or a provider passes on to us."""

import secrets

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from portal.core import clock
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.limits import limiter
from portal.messaging import inbound
from portal.messaging.mailreading import LARGEST, Unreadable

blueprint = Blueprint("inbound", __name__)


@blueprint.post("/inbound-mail")
@limiter.limit(
    lambda: current_app.extensions["greenroom"].login_rate,
    deduct_when=lambda response: response.status_code == 401,  # what is limited is guessing
)
def receive() -> ResponseReturnValue:
    """A mail as it travels, in the body. Whoever knows the token hears that it was taken, and never what it did."""
    token = current_app.extensions["greenroom"].inbound_token
    if token is None:
        raise Missing
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secrets.compare_digest(shown.strip().encode(), token.encode()):
        return _say("The token is wrong.", 401, {"WWW-Authenticate": "Bearer"})
    if request.mimetype != "message/rfc822":
        return _say("The body must be a mail, as message/rfc822.", 415)
    request.max_content_length = LARGEST
    try:
        inbound.take(db.session, request.get_data(), clock.now())
    except Unreadable as error:
        db.session.rollback()
        return _say(str(error), 400)
    return _say("Taken.", 202)


def _say(text: str, status: int, headers: dict[str, str] | None = None) -> ResponseReturnValue:
    return f"{text}\n", status, {"Content-Type": "text/plain; charset=utf-8", **(headers or {})}
