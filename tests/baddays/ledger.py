"""What must hold after every bad day: all events are processed, each reader has each message once, and the portal's
own notes say just what the mail server and the readers have seen."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core.events import OutboxEvent
from portal.messaging.inbox import Notification
from portal.messaging.models import Delivery
from portal.people.models import User
from tests.support.machinery import Machinery
from tests.support.moodymail import Taken

Line = tuple[str, str, str]
"""A reader's address, the channel, the type of the message."""


def assert_all_is_well(
    machinery: Machinery,
    expected: Iterable[Line],
    *,
    cancelled: Mapping[UUID, float] | None = None,
    may_repeat: Collection[str] = (),
) -> None:
    """``expected`` are all the messages there must be. ``may_repeat`` are the Message-IDs of mails in the hands of
    who was killed: they, and they alone, may have come twice. ``cancelled`` says when interviews surely were."""
    made = {row.message_id: row for row in machinery.look.execute(sa.select(Delivery.__table__))}
    taken = machinery.mail.taken
    once = {each.message_id: each for each in taken}
    assert _undone(machinery) == []
    assert _repeated(taken) <= set(may_repeat)
    assert Counter(_lines(machinery, made, once)) == Counter(expected)
    assert {key for key, row in made.items() if row.channel == "email" and row.status == "sent"} == set(once)
    assert {key: each.address for key, each in once.items()} == {key: made[key].address for key in once}
    assert list(_after_cancellation(taken, made, cancelled or {})) == []


def _undone(machinery: Machinery) -> list[str]:
    """Events and messages that are still to be dealt with, or were given up."""
    events = sa.select(OutboxEvent.name).where(OutboxEvent.processed_at.is_(None))
    messages = sa.select(Delivery.kind).where(Delivery.status.not_in(("sent", "void")))
    return [*machinery.look.scalars(events), *machinery.look.scalars(messages)]


def _repeated(taken: list[Taken]) -> set[str]:
    return {key for key, count in Counter(each.message_id for each in taken).items() if count > 1}


def _lines(machinery: Machinery, made: Mapping[str, Any], once: Mapping[str, Taken]) -> Iterable[Line]:
    """What readers have: the mails that were taken, each once, and the notifications."""
    for each in once.values():
        yield each.address, "email", made[each.message_id].kind
    notes = sa.select(User.email, Notification.type).join(User, User.id == Notification.user_id)
    for email, type_ in machinery.look.execute(notes):
        yield email, "in_app", type_


def _after_cancellation(
    taken: Iterable[Taken], made: Mapping[str, Any], cancelled: Mapping[UUID, float]
) -> Iterable[Taken]:
    """What speaks of an interview as if it stood, and was taken after its cancellation was committed."""
    for each in taken:
        row = made[each.message_id]
        if row.kind != "interview_cancelled" and each.moment > cancelled.get(row.subject_id, each.moment):
            yield each
