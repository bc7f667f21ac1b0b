"""From what has occurred to deliveries: one for each webhook that wants it, in the transaction that marks the event as
processed. Where nobody wants anything it costs one statement, whatever the number of events."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import current_app

from portal.core.db import new_id
from portal.core.events import want_bell
from portal.messaging.sql import inserting
from portal.webhooks import kinds
from portal.webhooks.models import HookStatus, Webhook, WebhookDelivery

BELL = "webhooks"
DELIVERIES: sa.Table = sa.inspect(WebhookDelivery).local_table  # type: ignore[assignment]
_PORTION = 500


def queue(session: Any, occurred: Sequence[Any], at: datetime) -> None:
    """Write the deliveries of ``occurred``, of any tenants, where they are not there yet."""
    wanting = _wanting(session, {each.tenant_id for each in occurred})
    rows = [
        delivery(each.tenant_id, webhook, name, each, at)
        for each in occurred
        for webhook, wanted in wanting[each.tenant_id]
        for name in kinds.wanted(kinds.names_of(each), wanted)
    ]
    insert(session, rows)


def _wanting(session: Any, tenants: set[UUID]) -> dict[UUID, list[tuple[UUID, list[str]]]]:
    """The webhooks in use of these tenants, and what each wants."""
    query = sa.select(Webhook.tenant_id, Webhook.id, Webhook.events)
    found: dict[UUID, list[tuple[UUID, list[str]]]] = defaultdict(list)
    for row in session.execute(query.where(Webhook.tenant_id.in_(tenants), Webhook.active).order_by(Webhook.id)):
        found[row.tenant_id].append((row.id, row.events))
    return found


def delivery(tenant: UUID, webhook: UUID, name: str, occurred: Any, at: datetime) -> dict[str, Any]:
    """The row that tells ``webhook`` of ``occurred`` as ``name``."""
    key = new_id()
    return {
        "tenant_id": tenant, "id": key, "webhook_id": webhook, "event_id": occurred.id, "type": name,
        "subject_id": occurred.subject_id, "status": HookStatus.QUEUED.value, "attempts": 0, "tries": 0, "next_at": at,
        "answer": "", "error": "", "created_at": at,
        "body": kinds.body(name, key, occurred, current_app.extensions["greenroom"].base_url),
    }  # fmt: skip


def insert(session: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Write what is not there yet, and have a worker look; who does the same work twice finds the keys taken."""
    for begin in range(0, len(rows), _PORTION):
        some = list(rows[begin : begin + _PORTION])
        session.execute(inserting(session, DELIVERIES).on_conflict_do_nothing(), some)
    if rows:
        want_bell(session, BELL)
