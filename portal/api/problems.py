"""Refusals as problem+json (RFC 9457): what went wrong, field by field, and what to do about it."""

import json
from typing import Any

from flask import Response, g, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import MethodNotAllowed

from portal.api.jsontext import encode
from portal.core.errors import Invalid, PortalError, WrongState

TYPE = "application/problem+json"


class Malformed(PortalError):
    """A request that cannot even be read."""

    status = 400
    title = "This request cannot be read"


class Unknown(PortalError):
    """Nobody is known to ask."""

    status = 401
    title = "Who are you?"

    def __init__(self, message: str = "Send a token as “Authorization: Bearer gr_…”, or log in.") -> None:
        super().__init__(message)


class NotJson(PortalError):
    status = 415
    title = "This is not JSON"


_PLAIN = {
    404: ("Not found", "There is nothing here, or nothing you may see."),
    405: ("Not possible", "This address does not take that method; the Allow header names those it takes."),
    409: ("Somebody else was first", "Others changed the same rows just now. Please try again."),
    413: ("Too large", "A request to the API may have one million bytes at most."),
    415: ("This is not JSON", "Send the body as application/json."),
    429: ("Too many requests", "Please wait for as many seconds as the Retry-After header says."),
    500: ("Something went wrong", "It was noted. Nothing was half done; please try again."),
}


def concern() -> bool:
    """Whether the present request is one of the API, whose refusals are JSON."""
    return request.path.startswith("/api/") or request.path == "/api"


def of(error: Exception, code: int = 500) -> Response:
    """The answer to a refused or failed request; ``code`` where the error itself has none."""
    if isinstance(error, PortalError):
        return _refusal(error)
    if isinstance(error, CSRFError):
        told = "A request with the browser's session needs its token in the header X-CSRFToken. Or send an API token."
        return answer(400, "The form token is missing or has expired", told)
    title, told = _PLAIN.get(code, (getattr(error, "name", "This did not work"), "This did not work."))
    made = answer(code, title, told)
    if isinstance(error, MethodNotAllowed):
        made.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return made


def _refusal(error: PortalError) -> Response:
    more: dict[str, Any] = {}
    if isinstance(error, Invalid):
        more["errors"] = error.errors
    if isinstance(error, WrongState):
        more |= {"state": error.state, "possible": list(error.possible)}
    if (current := getattr(error, "current", None)) is not None:
        more["current"] = current
    made = answer(error.status, error.title, error.message, **more)
    if error.status == 401:
        made.headers["WWW-Authenticate"] = 'Bearer realm="Greenroom"'
    return made


def answer(code: int, title: str, told: str, **more: Any) -> Response:
    body = {"type": "about:blank", "title": title, "status": code, "detail": told, **more}
    body["request_id"] = g.get("request_id", "")
    return Response(encode(body), code, content_type=TYPE)


def read(text: bytes) -> Any:
    """What JSON says; raises Malformed in words for all that is none."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise Malformed("This JSON is nested too deeply.") from None
    except ValueError as error:
        raise Malformed(f"This is not valid JSON: {error}.") from None


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a number")
