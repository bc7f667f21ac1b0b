"""What takes people's time, in few lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event

from portal.core.db import db, new_id
from portal.hiring.models import Candidate
from portal.scheduling.models import WEEKDAYS, Engagement, SubjectType, TimeOff, WorkingHours

HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    """``2026-03-02 09:00`` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(user: Any, *week: str, **limits: int) -> WorkingHours:
    """The working hours of seven days from Monday on; those left out are off."""
    row = WorkingHours(user_id=user.id, **dict(zip(WEEKDAYS, week, strict=False)), **limits)
    db.session.add(row)
    db.session.flush()
    return row


def away(user: Any, start: str, end: str, **values: Any) -> TimeOff:
    row = TimeOff(user_id=user.id, start=at(start), end=at(end), **values)
    db.session.add(row)
    db.session.flush()
    return row


def engage(person: Any, start: str, length: timedelta = HOUR, **values: Any) -> Engagement:
    who = "candidate_id" if isinstance(person, Candidate) else "user_id"
    row = Engagement(
        **{"subject_type": SubjectType.INTERVIEW, "subject_id": new_id(), "person_id": person.id, who: person.id,
           "start": at(start), "end": at(start) + length, **values}
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that the block sends."""
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        if not statement.startswith(("SET", "SELECT set_config", "SAVEPOINT", "RELEASE", "BEGIN")):
            sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
