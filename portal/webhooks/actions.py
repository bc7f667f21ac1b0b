"""What people do with webhooks: keep them, make a new secret, send a test, send something again."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import current_app

from portal.core import access, records
from portal.core.db import new_id
from portal.core.errors import Invalid, Missing, WrongState
from portal.core.events import Occurred, want_bell
from portal.core.types import words
from portal.core.workflow import Change, Result
from portal.webhooks import fanout, gate, kinds, signing
from portal.webhooks.fanout import BELL, DELIVERIES
from portal.webhooks.models import HookStatus, Webhook, WebhookDelivery

WRITE = ("write:webhooks",)
AGAIN = (HookStatus.SENT, HookStatus.DEAD, HookStatus.FAILED)
AT_MOST = 50
"""Webhooks of one organisation."""
KEPT_FOR = timedelta(days=90)


def create(session: Any, values: Mapping[str, Any], change: Change) -> Webhook:
    """A new webhook; its secret is asked for once (``show_secret``). Raises Invalid."""
    if session.scalar(sa.select(sa.func.count()).select_from(Webhook)) >= AT_MOST:
        raise Invalid({"": f"An organisation has {AT_MOST} webhooks at most."})
    row = Webhook(id=new_id(), generation=1)
    known = {"id": row.id, "mark": signing.mark(secret_of(row)), "created_by_id": change.actor}
    made: Webhook = records.create(session, Webhook, {**_checked(values), **known})
    return made


def update(session: Any, row: Webhook, values: Mapping[str, Any], version: int, change: Change) -> Webhook:
    """Change it. One that is switched on again begins anew, and is not held to what failed before."""
    given = _checked(values)
    if given.get("active") and not row.active:
        given |= {"failing_since": None, "silences": 0, "rests_until": None, "off_reason": ""}
    if "url" in given and given["url"] != row.url:
        given |= {"silences": 0, "rests_until": None}
    records.update(session, row, given, version)
    want_bell(session, BELL)
    return row


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    given = dict(values)
    if "events" in given:
        given["events"] = _events(given["events"] or [])
    if "url" in given:
        given |= records.clean(Webhook, {"url": given["url"]})
        try:
            gate.check(given["url"], current_app.extensions["greenroom"].webhook_allow_inside)
        except gate.Refused as refused:
            raise Invalid({"url": str(refused)}) from None
    return given


def _events(names: Sequence[str]) -> list[str]:
    known = (*kinds.families(), *kinds.kinds())
    if unknown := [name for name in names if name not in known]:
        raise Invalid({"events": f"There is no event “{unknown[0]}”."})
    return [name for name in known if name in names]


# --- the secret -------------------------------------------------------------------------------------


def secret_of(row: Webhook) -> str:
    """The present secret; for who has just made it, and for nobody else."""
    return signing.secret_of(current_app.extensions["greenroom"].secret_key, row.id, row.generation)


def show_secret(session: Any, row: Webhook, change: Change) -> str:
    """The secret, this once; raises WrongState where somebody has seen it."""
    session.refresh(row, with_for_update=True)
    if row.shown_at is not None:
        raise WrongState("Its secret was shown already. Make a new one.")
    row.shown_at = change.at
    session.flush()
    return secret_of(row)


def rotate_secret(session: Any, row: Webhook, change: Change, *, version: int | None = None) -> str:
    """A new secret, shown this once. The old one signs beside it for a day, and the one before that no more. Raises
    Stale where ``version`` is not the row's."""
    session.refresh(row, with_for_update=True)
    if version is not None and version != row.version:
        raise records.Stale(row)
    row.generation, row.rotated_at, row.shown_at = row.generation + 1, change.at, change.at
    row.mark = signing.mark(secret_of(row))
    session.flush()
    return secret_of(row)


# --- sending ----------------------------------------------------------------------------------------


def send_test(session: Any, row: Webhook, change: Change) -> UUID:
    """Have a test sent, whatever the webhook wants; answers the delivery's key. Raises WrongState for one that is
    switched off."""
    if not row.active:
        raise WrongState("This webhook is switched off. Switch it on first.")
    actor = change.actor_text
    told = Occurred(row.tenant_id, new_id(), kinds.TEST, row.id, {"actor": actor}, change.at)
    made = fanout.delivery(row.tenant_id, row.id, kinds.TEST, told, change.at)
    fanout.insert(session, [made])
    key: UUID = made["id"]
    return key


def replay(session: Any, ids: Sequence[UUID], change: Change) -> Result:
    """Send the deliveries ``ids`` again at once, each under its own id and with its own body; one that waits for its
    first attempt is refused."""
    assert change.by is not None
    access.require(change.by, *WRITE)
    query = access.scope(sa.select(WebhookDelivery), WebhookDelivery, change.by, *WRITE)
    query = query.where(WebhookDelivery.id.in_(ids)).order_by(WebhookDelivery.id)
    rows = {row.id: row for row in session.scalars(query.with_for_update(of=WebhookDelivery))}
    result = Result()
    for key in ids:
        if (refusal := _refusal(rows.get(key), change.at)) is not None:
            result.refused[key] = refusal
        else:
            result.done[key] = None
    tenants = {row.tenant_id for row in rows.values()}
    again = sa.update(DELIVERIES).where(DELIVERIES.c.tenant_id.in_(tenants), DELIVERIES.c.id.in_(result.done))
    session.execute(again.values(
        status=HookStatus.QUEUED.value, attempts=0, next_at=change.at, claimed_until=None, sent_at=None
    ))  # fmt: skip
    want_bell(session, BELL)
    return result


def _refusal(row: WebhookDelivery | None, at: datetime) -> Missing | WrongState | None:
    if row is None:
        return Missing()
    if row.claimed_until is not None and row.claimed_until > at:
        return WrongState("This is being sent just now.", state=row.status)
    if row.status not in AGAIN:
        return WrongState(f"This is {words(row.status).lower()} already and will be sent.", state=row.status)
    return None


def forget_old(session: Any, at: datetime) -> int:
    """Remove from the log, of all organisations, what was done with long ago."""
    theirs = DELIVERIES.c.tenant_id.in_(sa.select(Webhook.tenant_id).distinct())
    done = DELIVERIES.c.status.in_((HookStatus.SENT.value, HookStatus.DEAD.value))
    old = sa.delete(DELIVERIES).where(theirs, DELIVERIES.c.created_at < at - KEPT_FOR, done)
    return int(session.execute(old).rowcount)
