"""What users have been told in the portal, and have read of it. Everybody reads their own notifications, whatever
their roles permit; nobody reads another's. When one was first read and first opened is kept."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from portal.core.errors import Missing
from portal.core.tenancy import tenant_id
from portal.messaging import push
from portal.messaging.inbox import Notification

COUNTED = 100
"""The bell says “99+”, and need not count further."""
OVERLAP = timedelta(minutes=1)


def counting(user: sa.BindParameter[UUID]) -> sa.Select[Any]:
    """How many notifications ``user`` has not read, at most ``COUNTED``: a probe of an index."""
    unread = sa.select(Notification.id).where(Notification.user_id == user, Notification.read_at.is_(None))
    # In order, which nobody needs: else PostgreSQL may look for the first hundred through the whole table, by luck.
    some = unread.order_by(Notification.id.desc()).limit(COUNTED)
    return sa.select(sa.func.count()).select_from(some.subquery())


def newest(user: sa.BindParameter[UUID]) -> sa.Select[Any]:
    """The key of the last notification that ``user`` was given: another probe."""
    return sa.select(Notification.id).where(Notification.user_id == user).order_by(Notification.id.desc()).limit(1)


_USER = sa.bindparam("user", type_=sa.Uuid())
_STANDING = sa.select(counting(_USER).scalar_subquery(), newest(_USER).scalar_subquery())


def standing(session: Any, user: UUID) -> tuple[int, UUID | None]:
    """How many notifications the user has not read, at most ``COUNTED``, and the key of the newest of all."""
    unread, last = session.execute(_STANDING, {"user": user}).one()
    return unread, last


def latest(
    session: Any, user: UUID, most: int, *, before: UUID | None = None, after: UUID | None = None,
    read: bool | None = None, types: Collection[str] = (),
) -> Sequence[Notification]:  # fmt: skip
    """The user's notifications, the newest first, older than ``before``, newer than ``after``.

    Keys are given in the order of making, and what was made first may be committed last. So ``after`` is taken a
    minute early: who asks gets some that they know already, and misses none.
    """
    query = of(user, read, types).order_by(Notification.id.desc())
    if before is not None:
        query = query.where(Notification.id < before)
    if after is not None:
        query = query.where(Notification.id > _earlier(after))
    return session.scalars(query.limit(most)).all()  # type: ignore[no-any-return]


def of(user: UUID, read: bool | None = None, types: Collection[str] = ()) -> sa.Select[Any]:
    """The user's notifications: those that were read, or were not (None: either), of these types (none: of any)."""
    query = sa.select(Notification).where(Notification.user_id == user)
    if read is not None:
        query = query.where(Notification.read_at.is_not(None) if read else Notification.read_at.is_(None))
    return query.where(Notification.type.in_(types)) if types else query


def _earlier(key: UUID) -> UUID:
    """The least UUIDv7 of ``OVERLAP`` before ``key``; the first 48 bits are milliseconds."""
    moment = max((key.int >> 80) - OVERLAP // timedelta(milliseconds=1), 0)
    return UUID(int=moment << 80)


def one(session: Any, user: UUID, key: UUID) -> Notification:
    """The user's notification; raises Missing for another's as for one that never was."""
    found = session.scalar(of(user).where(Notification.id == key))
    if found is None:
        raise Missing
    return found  # type: ignore[no-any-return]


# --- what becomes of them ----------------------------------------------------------------------------


def mark_read(
    session: Any, user: UUID, at: datetime, *, keys: Collection[UUID] | None = None, upto: UUID | None = None,
    types: Collection[str] = (),
) -> int:  # fmt: skip
    """Note that the user has read those of ``keys`` (None: all), none that came after ``upto``: who says “all” means
    those that they have before their eyes. Answers how many were unread; their other pages hear of it after the
    commit."""
    query = sa.update(Notification).where(Notification.user_id == user, Notification.read_at.is_(None))
    if keys is not None:
        query = query.where(Notification.id.in_(keys))
    if upto is not None:
        query = query.where(Notification.id <= upto)
    if types:
        query = query.where(Notification.type.in_(types))
    changed = _changed(session, query.values(read_at=at))
    if changed:
        (session() if callable(session) else session).info["read_by"] = (tenant_id(), user)
    return changed


def note_click(session: Any, user: UUID, key: UUID, at: datetime) -> None:
    """The user opened what the notification leads to, and so has read it."""
    mark_read(session, user, at, keys=[key])
    first = (Notification.user_id == user, Notification.id == key, Notification.clicked_at.is_(None))
    _changed(session, sa.update(Notification).where(*first).values(clicked_at=at))


@event.listens_for(Session, "after_commit")
def _tell(session: Session) -> None:
    if reader := session.info.pop("read_by", None):
        push.tell_read(*reader)


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop("read_by", None)


def _changed(session: Any, query: sa.Update) -> int:
    return int(session.execute(query.execution_options(synchronize_session=False)).rowcount)
