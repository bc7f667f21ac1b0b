"""Notifications within the portal: they are made together with the deliveries that tell of them, in one transaction,
since nothing lies between the two that could fail."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core.db import new_id
from portal.core.events import OutboxEvent
from portal.messaging import mail, telling
from portal.messaging.catalog import ARRANGING, Moment, Told, rule
from portal.messaging.facts import Person
from portal.messaging.inbox import Notification
from portal.messaging.models import Channel, Delivery, DeliveryStatus
from portal.messaging.preferences import Wishes
from portal.messaging.sql import inserting
from portal.messaging.subjects import Known

Row = dict[str, Any]
NOTIFICATIONS: sa.Table = sa.inspect(Notification).local_table  # type: ignore[assignment]


def settle(
    session: Any, deliveries: Sequence[Row], known: Mapping[UUID, Known], readers: Mapping[UUID, Person],
    wishes: Wishes, at: datetime,
) -> list[Row]:  # fmt: skip
    """Say of each delivery to the portal itself whether it is sent now or void, as those by mail are asked when they
    are handed over; answers the notifications of those that are sent. ``known`` is locked."""
    mine = [row for row in deliveries if row["channel"] == Channel.IN_APP]
    told = _told(session, mine, at)
    made = []
    for row in mine:
        subject, reader = known[row["subject_id"]], readers[row["recipient_id"]]
        moment = Moment(subject, row["schedule_version"], reader, told(row), at)
        if why := rule(row["event"]).holds(moment):
            row |= {"status": DeliveryStatus.VOID.value, "last_error": why}
        else:
            row |= {"status": DeliveryStatus.SENT.value, "sent_at": at, "attempts": 1}
            made.append(_note(row, moment, wishes.is_quiet(reader, at)))
    return made


def _note(row: Row, moment: Moment, quiet: bool) -> Row:
    text = mail.note(row["kind"], moment.known, moment.reader, row["payload"], event=row["event"], at=moment.at,
                     told_start=moment.told.start)  # fmt: skip
    return {
        "tenant_id": row["tenant_id"], "id": new_id(), "user_id": row["user_id"], "type": row["kind"],
        "title": text.title[:300], "message": text.message, "link": text.link,
        "meta": {"event": row["event"], "subject_type": row["subject_type"], "subject_id": str(row["subject_id"])},
        "idem_key": row["idem_key"], "quiet": quiet, "created_at": moment.at,
    }  # fmt: skip


def insert(session: Any, notifications: Sequence[Row]) -> None:
    """Write what is not there yet."""
    if notifications:
        session.execute(inserting(session, NOTIFICATIONS).on_conflict_do_nothing(), list(notifications))


def _told(session: Any, rows: Sequence[Row], at: datetime) -> Any:
    """How to find what the reader of a row was told of its subject before, by any channel; read for all at once."""
    subjects, readers = ({row[name] for row in rows} for name in ("subject_id", "recipient_id"))
    earlier: dict[tuple[UUID, UUID], list[Delivery]] = defaultdict(list)
    query = sa.select(Delivery).where(Delivery.subject_id.in_(subjects), Delivery.recipient_id.in_(readers))
    for each in session.scalars(query.order_by(Delivery.id)) if rows else ():
        earlier[each.subject_id, each.recipient_id].append(each)
    arranged = _arranged(session, subjects) if rows else set()

    def told(row: Row) -> Told:
        before = earlier[row["subject_id"], row["recipient_id"]]
        return telling.told(before, Channel.IN_APP, unknown=lambda: row["subject_id"] not in arranged)

    return told


def _arranged(session: Any, subjects: set[UUID]) -> set[UUID]:
    """Those of whose arrangement we know: who was told of them is in the deliveries, and nowhere else."""
    query = sa.select(OutboxEvent.subject_id).where(
        OutboxEvent.subject_id.in_(subjects), OutboxEvent.name.in_(ARRANGING)
    )
    return set(session.scalars(query.distinct()))
