"""What a person can do with messages: send again what failed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import access
from portal.core.errors import Missing, WrongState
from portal.core.events import want_bell
from portal.core.tenancy import everywhere
from portal.core.types import words
from portal.core.workflow import Change, Result
from portal.messaging.making import DELIVERIES
from portal.messaging.models import Delivery, DeliveryStatus

RESEND = ("write:messages",)
AGAIN = (DeliveryStatus.DEAD, DeliveryStatus.FAILED)


def resend(session: Any, ids: Sequence[UUID], change: Change) -> Result:
    """Try the deliveries ``ids`` again at once; one that did not fail is refused. What is no longer true by then
    becomes void instead."""
    assert change.by is not None
    access.require(change.by, *RESEND)
    query = access.scope(sa.select(Delivery), Delivery, change.by, *RESEND).where(Delivery.id.in_(ids))
    rows = {row.id: row for row in session.scalars(query.with_for_update(of=Delivery))}
    result = Result()
    for key in ids:
        row = rows.get(key)
        if row is None:
            result.refused[key] = Missing()
        elif row.status not in AGAIN:
            what = f"This message is {words(row.status).lower()}; only one that failed can be sent again."
            result.refused[key] = WrongState(what, state=row.status)
        elif row.claimed_until is not None and row.claimed_until > change.at:
            result.refused[key] = WrongState("This message is being sent just now.", state=row.status)
        else:
            result.done[key] = None
    _queue_again(session, DELIVERIES.c.id.in_(result.done), *_tenants(rows), change=change)
    return result


def resend_all(session: Any, change: Change) -> int:
    """Try every dead delivery of every tenant again; how many there were."""
    with everywhere(session):
        return _queue_again(session, DELIVERIES.c.status == DeliveryStatus.DEAD.value, change=change)


def _tenants(rows: dict[UUID, Delivery]) -> Sequence[sa.ColumnElement[bool]]:
    return [DELIVERIES.c.tenant_id.in_({row.tenant_id for row in rows.values()})]


def _queue_again(session: Any, *which: sa.ColumnElement[bool], change: Change) -> int:
    # Attempts of which nobody knows the end still count: the message may have arrived.
    again = sa.update(DELIVERIES).where(*which).values(
        status=DeliveryStatus.QUEUED.value, attempts=DELIVERIES.c.attempts - DELIVERIES.c.refusals, refusals=0,
        next_at=change.at, claimed_until=None,
    )  # fmt: skip
    count = session.execute(again).rowcount
    want_bell(session)
    return int(count)
