"""Free common times of a panel of five over fourteen days (issue 3: under 50 ms), all of them busy."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.bench.figures import Figure, beside, measure
from tests.bench.stage import Stage

_DAYS, _A_DAY = 14, 6  # engagements of each person on each day


@measure("free")
def free(stage: Stage, times: int) -> Iterator[Figure]:
    """With their statements, for people whose days are half full; nothing of it is kept."""
    from portal.core.db import db
    from portal.core.tenancy import tenant_scope
    from portal.scheduling.queries import free_times

    at = datetime.now(UTC)
    with stage.app.app_context(), tenant_scope(stage.tenant, db.session()):
        users = _fill(db.session, at)

        def ask(number: int) -> float:
            db.session.expunge_all()
            began = time.perf_counter()
            free_times(db.session, users, (), 60, at, at + timedelta(days=_DAYS), at)
            return time.perf_counter() - began

        yield beside("free times of 5 over 14 days", 50, times, None, ask)
        db.session.rollback()


def _fill(session: Any, at: datetime) -> list[UUID]:
    """Five people, each with hours, limits, time off, and what they are engaged in; all in this transaction."""
    import sqlalchemy as sa

    from portal.core.db import new_id
    from portal.people.models import User
    from portal.scheduling.models import WEEKDAYS, Engagement, TimeOff, WorkingHours

    users = list(session.scalars(sa.select(User.id).order_by(User.id).limit(5)))
    for model in (WorkingHours, TimeOff):
        session.execute(sa.delete(model).where(model.user_id.in_(users)))
    session.execute(sa.delete(Engagement).where(Engagement.person_id.in_(users)))
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    for user in users:
        week = dict.fromkeys(WEEKDAYS, "08:00-12:30, 13:30-18:00")
        session.add(WorkingHours(user_id=user, max_per_day=_A_DAY + 1, max_per_week=7 * _A_DAY + 1, **week))
        session.add(TimeOff(user_id=user, start=at + timedelta(days=3), end=at + timedelta(days=3, hours=2)))
    for day in range(-7, _DAYS + 7):
        for number in range(_A_DAY):
            start = midnight + timedelta(days=day, hours=8 + 1.5 * number)
            for user in users:
                session.add(
                    Engagement(subject_type="interview", subject_id=new_id(), person_id=user, user_id=user,
                               start=start, end=start + timedelta(minutes=45))
                )  # fmt: skip
    session.flush()
    return users
