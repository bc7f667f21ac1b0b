"""The API as one person: `api = caller(app, person)`, then `api.get("/interviews")` and so on.

answer = api.patch(f"/interviews/{key}", {"title": "Anew"}, **{"If-Match": etag})
assert (answer.status_code, answer.json["title"]) == (200, "Anew")
"""

import json
from collections.abc import Sequence
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.core import clock
from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.people.actions import issue_token
from portal.people.models import User
from tests.support.cast import Person


class ApiCaller:
    """Requests with a token; ``token`` is its secret."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client, self.token = client, token

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.ask("GET", path, None, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.ask("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.ask("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> TestResponse:
        return self.ask("DELETE", path, None, **headers)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """``body`` is sent as JSON; bytes as they are."""
        given = {
            "Authorization": f"Bearer {self.token}",
            **({"Content-Type": "application/json"} if body is not None else {}),
        }
        data = body if isinstance(body, bytes | None) else json.dumps(body, default=str).encode()
        return self.client.open(f"/api{path}", method=method, data=data, headers={**given, **headers})


def caller(app: Flask, person: Person, scope: Sequence[str] | None = None) -> ApiCaller:
    """Calls with a new token of ``person``."""
    with app.app_context(), tenant_scope(person.tenant_id, db.session()):
        user = db.session.get_one(User, (person.tenant_id, person.id))
        token = issue_token(db.session, user, "for a test", at=clock.now(), scope=scope)
        db.session.commit()
    return ApiCaller(app.test_client(), token)
