"""Sends what waits: several receivers at a time, a few requests to each, so that a slow one holds up nobody else.

No lock and no transaction is open while a receiver is spoken to. A worker that is killed between the receiver's yes and
our note of it leaves a delivery that is sent again, under the same id, once its lease has ended.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import clock, logs
from portal.core.tenancy import everywhere
from portal.messaging.settling import MAX_ATTEMPTS
from portal.settings import Settings
from portal.webhooks import claiming, noting, signing
from portal.webhooks.claiming import Claim
from portal.webhooks.models import Webhook, WebhookDelivery
from portal.webhooks.sending import Outcome, send

AT_ONCE = 16
"""Requests that one worker has open."""
LOOK_AGAIN = 0.5  # seconds

Flying = dict["Future[Outcome]", Claim]
Request = tuple[str, bytes, Mapping[str, str]]
_OTHER_KEY = "SECRET_KEY has changed since its secret was made. Make a new secret."
_WORN_OUT = "It was begun many times and never ended."


def work(session: Any, settings: Settings, seconds: float = 5.0) -> bool:
    """Send what is due, beginning nothing more after ``seconds``; whether something is left. Some ten seconds later it
    has ended."""
    deadline = time.monotonic() + seconds
    with everywhere(session), ThreadPoolExecutor(AT_ONCE) as threads:
        flying: Flying = {}
        while True:
            in_time = time.monotonic() < deadline
            begun = _begin(session, settings, threads, flying) if in_time else 0
            if not flying and not begun:
                return not in_time
            if flying:
                _land(session, flying)


def _begin(session: Any, settings: Settings, threads: ThreadPoolExecutor, flying: Flying) -> int:
    """Claim what there is room for and let it fly; how many were claimed."""
    at, busy = clock.now(), Counter(claim.webhook_id for claim in flying.values())
    claims = claiming.claim(session, at, AT_ONCE - len(flying), busy)
    letters = _letters(session, claims)
    for mine in claims:
        outcome, request = _made(mine, letters.get(mine.id), settings, at)
        if outcome is not None:
            noting.note(session, mine, outcome, at)
        elif request is not None:
            flying[threads.submit(send, *request, settings.webhook_allow_inside)] = mine
    session.commit()  # nothing of ours is open while they fly
    return len(claims)


def _letters(session: Any, claims: Sequence[Claim]) -> dict[UUID, Any]:
    """What the requests are made of, by delivery."""
    columns = (WebhookDelivery.id.label("key"), WebhookDelivery.body, Webhook.id, Webhook.url, Webhook.generation,
               Webhook.rotated_at, Webhook.mark)  # fmt: skip
    theirs = sa.and_(Webhook.tenant_id == WebhookDelivery.tenant_id, Webhook.id == WebhookDelivery.webhook_id)
    query = sa.select(*columns).join(Webhook, theirs)
    mine = sa.tuple_(WebhookDelivery.tenant_id, WebhookDelivery.id).in_([(c.tenant_id, c.id) for c in claims])
    return {row.key: row for row in session.execute(query.where(mine))} if claims else {}


def _made(mine: Claim, letter: Any, settings: Settings, at: datetime) -> tuple[Outcome | None, Request | None]:
    """The request; or why there is none. Neither for a delivery that was deleted meanwhile."""
    if letter is None:
        return None, None
    if mine.attempt > MAX_ATTEMPTS:  # whatever it does to us, it does no more
        return Outcome(error=_WORN_OUT), None
    try:
        secrets = signing.secrets_of(letter, settings.secret_key, at)
    except signing.OtherKey:
        return Outcome(error=_OTHER_KEY), None
    body = letter.body.encode()
    return None, (letter.url, body, signing.headers(letter.key, body, secrets, at))


def _land(session: Any, flying: Flying) -> None:
    """Note those that have come back; waits for the first, but not for long: others may have come up meanwhile."""
    done, _ = wait(flying, LOOK_AGAIN, return_when=FIRST_COMPLETED)
    for future in done:
        mine, outcome = flying.pop(future), future.result()
        noting.note(session, mine, outcome, clock.now())
        if outcome.error:
            logs.get().info("a webhook did not arrive", delivery_id=str(mine.id), reason=outcome.error)
    session.commit()
