"""A POST that is sent again with the same Idempotency-Key is done once and answered twice."""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import request
from flask_login import current_user
from sqlalchemy.exc import IntegrityError

from portal.api.endpoint import Answer, Call
from portal.api.models import IdempotentAnswer
from portal.api.problems import Malformed
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Conflict, Invalid
from portal.core.tenancy import everywhere

KEPT_FOR = timedelta(hours=24)
_KEY = re.compile(r"^[\x21-\x7e]{1,200}$")


def once(call: Call, do: Callable[[], Answer]) -> Answer:
    """Do it, unless the request's key says that it was done: then answer as then.

    The row of the key is written first of all: who sends the same key at the same moment waits there, on its unique
    key (on SQLite for the one writer), until the first has come to its end, and then finds its answer. Refused requests
    leave nothing behind, not even their key.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None or request.method != "POST":
        return do()
    if not _KEY.match(key):
        raise Malformed("An Idempotency-Key has 1 to 200 printable ASCII characters without spaces.")
    claimed, kept = _claim(call, key)
    if kept is not None:
        return _again(kept)
    answer = do()
    claimed.status, claimed.headers = answer.status, dict(answer.headers)
    claimed.body = answer.body.decode() if answer.body is not None else ""
    call.session.flush()
    return answer


def fingerprint(user: Any) -> str:
    """Of what was asked, and of what the token permits."""
    asked = (request.method, request.full_path, repr(user.grants.within))
    return hashlib.sha256("\n".join(asked).encode() + b"\n" + request.get_data(cache=True)).hexdigest()


def _claim(call: Call, key: str) -> tuple[Any, IdempotentAnswer | None]:
    """The new row of the key, or the one that is there."""
    at, mine = call.change.at, {"user_id": call.user.id, "key": key}
    row = IdempotentAnswer(**mine, fingerprint=fingerprint(call.user), expires_at=at + KEPT_FOR)
    if _insert(call.session, row):
        return row, None
    kept = call.session.scalar(sa.select(IdempotentAnswer).filter_by(**mine))
    if kept is not None and kept.expires_at > at:
        return None, kept
    if kept is not None:
        call.session.delete(kept)
        call.session.flush()
    row = IdempotentAnswer(**mine, fingerprint=fingerprint(call.user), expires_at=at + KEPT_FOR)
    if not _insert(call.session, row):
        raise Conflict("A request with this Idempotency-Key is being done. Please send it again in a moment.")
    return row, None


def _insert(session: Any, row: IdempotentAnswer) -> bool:
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        return False
    return True


def _again(kept: IdempotentAnswer) -> Answer:
    if kept.fingerprint != fingerprint(current_user):
        raise Invalid({"Idempotency-Key": "This key was used for another request. Take a new one."})
    return Answer(kept.body.encode() or None, kept.status or 200, {**kept.headers, "Idempotent-Replayed": "true"})


def forget_expired(session: Any, at: datetime) -> int:
    """Remove what may no longer be sent again."""
    return int(session.execute(sa.delete(IdempotentAnswer).where(IdempotentAnswer.expires_at <= at)).rowcount)


def sweep() -> None:
    with everywhere(db.session):
        forget_expired(db.session, clock.now())
        db.session.commit()
