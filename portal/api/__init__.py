"""The JSON API (SPEC §8): routes, checks and document from the features' declarations."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Response, current_app, request
from flask_wtf.csrf import CSRFProtect

from portal import jobs
from portal.api import document, doors, idempotency, problems
from portal.api.components import together
from portal.api.endpoint import Answer, Call, Endpoint, args_of, body_of, version_said
from portal.api.resource import register
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Clash, Conflict, PortalError, WrongState
from portal.core.limits import limiter
from portal.core.workflow import Change

_AT_ODDS = (Conflict, WrongState)


def install(app: Flask, csrf: CSRFProtect, features: Iterable[Any]) -> None:
    """Give ``app`` the addresses of all that the features' ``api`` rooms declare: ``RESOURCES``, ``ENDPOINTS`` that
    stand alone, and ``COMPONENTS`` that these answer."""
    blueprint = Blueprint("api", __name__, url_prefix="/api")
    features = list(features)
    resources = [each for feature in features for each in feature.RESOURCES]
    more = [each for feature in features for each in feature.ENDPOINTS]
    register(resources)
    with app.app_context():
        endpoints = [*(each for resource in resources for each in resource.endpoints()), *more]
        endpoints = sorted(endpoints, key=lambda each: each.tag)
    for each in endpoints:
        blueprint.add_url_rule(each.rule, each.name, _view(each), methods=[each.method])
    components = together(feature.COMPONENTS for feature in features)
    document.install(blueprint, resources, endpoints, components)
    blueprint.after_request(_note)
    csrf.exempt(blueprint)  # a token of the API is none of the browser's; ``doors`` asks the others for theirs
    for limit, methods in ((_reads, ("GET", "HEAD")), (_writes, ("POST", "PATCH", "DELETE"))):
        limiter.shared_limit(limit, f"api {methods[0]}", key_func=doors.caller, methods=list(methods))(blueprint)
    app.register_blueprint(blueprint)
    app.extensions["api"] = endpoints


def _reads() -> str:
    return str(current_app.extensions["greenroom"].api_read_rate)


def _writes() -> str:
    return str(current_app.extensions["greenroom"].api_write_rate)


def _view(endpoint: Endpoint) -> Callable[..., Response]:
    def view(**keys: UUID) -> Response:
        user = doors.come_in()
        call = Call(db.session, user, Change(clock.now(), user), tuple(keys.values()))
        endpoint.check(user)
        call.args = args_of(endpoint, user)
        call.body = body_of(endpoint, user)
        call.version = version_said(call.body) if endpoint.takes_version else None
        return _sent(endpoint, _done(endpoint, call))

    return view


def _done(endpoint: Endpoint, call: Call) -> Answer:
    """What the endpoint answers, its work committed. A refusal undoes it, and tells how the row stands."""
    try:
        answer = idempotency.once(call, lambda: endpoint.run(call).written())
        if endpoint.reads:
            return answer
        if endpoint.adds is not None:
            answer = endpoint.adds(call, answer)
        db.session.commit()
    except PortalError as error:
        db.session.rollback()
        if endpoint.present and isinstance(error, _AT_ODDS) and not isinstance(error, Clash):
            error.current = endpoint.present(call)  # type: ignore[union-attr]
        raise
    return answer


def _sent(endpoint: Endpoint, answer: Answer) -> Response:
    if answer.body is None:
        return Response(b"", answer.status, dict(answer.headers))
    made = Response(answer.body, answer.status, dict(answer.headers), content_type="application/json")
    if endpoint.conditional:
        made.headers["Cache-Control"] = "private, no-cache"
        made.make_conditional(request)
    return made


def _note(response: Response) -> Response:
    doors.note_use(clock.now())
    return response


jobs.sweep(idempotency.sweep)

__all__ = ["Any", "install", "problems"]
