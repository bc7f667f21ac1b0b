"""The job that sends webhooks, and what the scheduler sees to."""

from datetime import timedelta

from flask import current_app

from portal import jobs
from portal.core import clock, events
from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.webhooks import actions, claiming, courier
from portal.webhooks.fanout import BELL

PATIENCE = timedelta(seconds=60)
"""How long the scheduler leaves what is due to the workers; it looks every half minute."""


@jobs.job(BELL, queue="webhooks")
def send() -> None:
    """Send what is due for some seconds, and ask for another turn where that was not enough."""
    jobs.heard(BELL)
    if courier.work(db.session(), current_app.extensions["greenroom"]):
        jobs.ring_for(BELL)


@jobs.sweep
def see_to_webhooks() -> None:
    """Have what is due sent; do it ourselves where no worker comes."""
    waited = claiming.something_waits(db.session(), clock.now())
    if waited is not None and (waited > PATIENCE or not jobs.ring_for(BELL)):
        courier.work(db.session(), current_app.extensions["greenroom"], seconds=2)


@jobs.sweep
def forget_old_deliveries() -> None:
    with everywhere(db.session):
        actions.forget_old(db.session, clock.now())
        db.session.commit()


def _ring() -> None:
    jobs.ring_for(BELL)  # whether it was heard does not matter to who committed


events.hang_bell(_ring, BELL)
