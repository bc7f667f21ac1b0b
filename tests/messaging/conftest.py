"""A world with interviews to be had, on both databases, with real queue and mail server."""

from collections.abc import Callable

import pytest
from flask import Flask

from portal import jobs as portal_jobs
from tests.messaging.world import World, make_world
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.mail import MailServer

Act = Callable[[], None]


@pytest.fixture
def world(app: Flask, cast: Cast, clock: Clock, mailbox: MailServer) -> World:
    """Alice's tenant; the clock stands at Monday, 2 March 2026, 09:00 UTC."""
    return make_world(app, cast.alice, clock)


@pytest.fixture
def tick(app: Flask, deliver: Act) -> Act:
    """What the scheduler does every few seconds, and then the workers: all that is due goes out."""

    def tick() -> None:
        with app.app_context():
            portal_jobs.see_to_messages()
        deliver()

    return tick


@pytest.fixture
def deliver(app: Flask) -> Act:
    """What a worker does when it is rung for."""

    def deliver() -> None:
        with app.app_context():
            portal_jobs.deliver()

    return deliver
