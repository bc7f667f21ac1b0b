"""What became of a delivery, and what that means for its webhook: it rests when nobody answers, and is switched off
when it says so or when nothing has worked for days."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal.core import audit
from portal.messaging.settling import MAX_ATTEMPTS, pause
from portal.webhooks.claiming import Claim
from portal.webhooks.fanout import DELIVERIES
from portal.webhooks.models import UNDONE, HookStatus, Webhook
from portal.webhooks.sending import Outcome

GONE = 410
GIVEN_UP_AFTER = timedelta(days=3)
LONGEST_REST = timedelta(hours=1)
WEBHOOKS: sa.Table = sa.inspect(Webhook).local_table  # type: ignore[assignment]


def note(session: Any, mine: Claim, outcome: Outcome, at: datetime) -> None:
    """Write it down, uncommitted; nothing where our lease had ended and somebody else has the delivery."""
    said = {"status_code": outcome.code, "answer": outcome.answer, "error": outcome.error}
    if not outcome.error:
        if _write(session, mine, status=HookStatus.SENT.value, sent_at=at, **said):
            _recovered(session, mine)
        return
    wait = max(pause(mine.attempt, None), timedelta(seconds=outcome.wait))
    dead = outcome.code == GONE or mine.attempt >= MAX_ATTEMPTS
    status = HookStatus.DEAD if dead else HookStatus.FAILED
    if _write(session, mine, status=status.value, next_at=at + wait, **said):
        _failed(session, mine, outcome, at)


def _write(session: Any, mine: Claim, **values: Any) -> bool:
    swap = sa.update(DELIVERIES).where(
        DELIVERIES.c.tenant_id == mine.tenant_id, DELIVERIES.c.id == mine.id,
        DELIVERIES.c.attempts == mine.attempt, DELIVERIES.c.status.in_(UNDONE),
    )  # fmt: skip
    return bool(session.execute(swap.values(claimed_until=None, **values)).rowcount)


def _ours(mine: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    return WEBHOOKS.c.tenant_id == mine.tenant_id, WEBHOOKS.c.id == mine.webhook_id


def _recovered(session: Any, mine: Claim) -> None:
    was = sa.or_(WEBHOOKS.c.failing_since.is_not(None), WEBHOOKS.c.silences > 0)
    session.execute(
        sa.update(WEBHOOKS).where(*_ours(mine), was).values(failing_since=None, silences=0, rests_until=None)
    )


def _failed(session: Any, mine: Claim, outcome: Outcome, at: datetime) -> None:
    row = session.execute(sa.select(WEBHOOKS).where(*_ours(mine)).with_for_update()).one()
    values: dict[str, Any] = {"failing_since": row.failing_since or at}
    if outcome.silent:
        rest = min(timedelta(seconds=30) * 2 ** min(row.silences, 10), LONGEST_REST)
        values |= {"silences": row.silences + 1, "rests_until": at + rest}
    elif outcome.wait:
        values["rests_until"] = at + timedelta(seconds=outcome.wait)
    session.execute(sa.update(WEBHOOKS).where(*_ours(mine)).values(**values))
    if why := _end(row, outcome, at):
        _switch_off(session, row, why, at)


def _end(row: Any, outcome: Outcome, at: datetime) -> str:
    """Why the webhook is switched off now; '' where it is not."""
    if not row.active:
        return ""
    if outcome.code == GONE:
        return "Its receiver answered 410: it is gone."
    if row.failing_since is not None and at - row.failing_since >= GIVEN_UP_AFTER:
        return f"Nothing has reached it for {GIVEN_UP_AFTER.days} days. The last failure: {outcome.error}"
    return ""


def _switch_off(session: Any, row: Any, why: str, at: datetime) -> None:
    session.execute(
        sa.update(WEBHOOKS)
        .where(WEBHOOKS.c.tenant_id == row.tenant_id, WEBHOOKS.c.id == row.id)
        .values(active=False, off_reason=why, version=WEBHOOKS.c.version + 1, updated_at=at)
    )
    changes = {"active": [True, False], "off_reason": ["", why]}
    audit.write(session, row.tenant_id, WEBHOOKS.name, "switched off", [(row.id, changes)], at=at, reason=why)
