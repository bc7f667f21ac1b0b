"""The queue makes things quick, the scheduler makes them sure."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from flask import Flask

from portal import jobs as portal_jobs
from portal.core import clock as portal_clock
from portal.core.db import db
from portal.core.events import record
from portal.jobs import Duty
from portal.loops import Scheduler
from portal.messaging import leases
from tests.conftest import MakeApp
from tests.messaging.world import HOUR, World, make_world
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.jobs import JobRunner
from tests.support.mail import MailServer

ROOT = Path(__file__).resolve().parent.parent
NOWHERE = "unix:///nonexistent/redis.sock"


@pytest.fixture
def world(app: Flask, cast: Cast, clock: Clock, mailbox: MailServer) -> World:
    return make_world(app, cast.alice, clock)


@pytest.fixture
def _registries() -> Iterator[None]:
    known, sweeps = dict(portal_jobs._jobs), list(portal_jobs._sweeps)
    yield
    portal_jobs._jobs.clear()
    portal_jobs._jobs.update(known)
    portal_jobs._sweeps[:] = sweeps


def test_many_events_ring_once_and_again_when_the_worker_has_begun(world: World, jobs: JobRunner) -> None:
    for _ in range(3):
        world.interview(world.clock.now + 90 * HOUR)
    assert jobs.waiting == ["portal.jobs.deliver"]
    jobs.drain()
    assert jobs.waiting == []
    world.interview(world.clock.now + 90 * HOUR)
    assert jobs.waiting == ["portal.jobs.deliver"]


def test_what_is_rolled_back_does_not_ring(world: World, jobs: JobRunner) -> None:
    with world.session() as session:
        record(session, "InterviewScheduled", world.job, world.clock.now)
        session.rollback()
    assert jobs.waiting == []


def test_without_redis_a_ring_costs_little_and_the_scheduler_sends_itself(
    world: World, make_app: MakeApp, mailbox: MailServer
) -> None:
    alone = make_app(REDIS_URL=NOWHERE)
    started = time.monotonic()
    World(alone, world.person, world.clock, world.job).interview(world.clock.now + 90 * HOUR)
    with alone.app_context():
        assert not portal_jobs.ring()
        assert not alone.extensions["queue_answers"]()
    assert time.monotonic() - started < 2
    with alone.app_context():
        portal_jobs.see_to_messages()
    assert len(mailbox.messages) == 1


def test_what_the_workers_leave_too_long_the_scheduler_does(world: World, app: Flask, mailbox: MailServer) -> None:
    world.interview(world.clock.now + 90 * HOUR)
    with app.app_context():
        portal_jobs.see_to_messages()
        assert mailbox.messages == []  # a worker is about to
        world.clock.forward(seconds=16)
        portal_jobs.see_to_messages()
    assert len(mailbox.messages) == 1


@pytest.mark.usefixtures("_registries")
def test_a_feature_registers_a_job_and_asks_for_it(app: Flask, jobs: JobRunner, make_app: MakeApp) -> None:
    done = []

    @portal_jobs.job("count", queue="exports")
    def count(**keys: str) -> None:
        done.append(keys)

    with app.app_context():
        assert portal_jobs.enqueue("count", tenant="t", run="r") is True
    jobs.drain()
    assert done == [{"tenant": "t", "run": "r"}]
    with make_app(REDIS_URL=NOWHERE).app_context():
        assert portal_jobs.enqueue("count", tenant="t", run="r") is False


@pytest.mark.usefixtures("_registries")
def test_a_sweep_that_fails_does_not_stop_the_others(app: Flask) -> None:
    done = []

    @portal_jobs.sweep
    def failing() -> None:
        raise RuntimeError("on purpose")

    @portal_jobs.sweep
    def counting() -> None:
        done.append(1)

    with app.app_context():
        portal_jobs.run_sweeps()
    assert done == [1]


def test_of_two_schedulers_one_is_active_until_it_ends(app: Flask, clock: Clock) -> None:
    done: list[str] = []
    first, second = (Scheduler(app, [Duty(0, partial(done.append, name))]) for name in ("first", "second"))
    assert (first.tick(), second.tick(), first.tick()) == (True, False, True)
    first.end()
    assert second.tick()
    assert done == ["first", "first", "second"]


def test_a_lease_whose_holder_died_goes_to_another(app: Flask, clock: Clock) -> None:
    with app.app_context():
        session, length = db.session(), timedelta(seconds=30)
        assert leases.hold(session, "work", "one", clock.now, length)
        assert not leases.hold(session, "work", "two", clock.now + timedelta(seconds=29), length)
        assert leases.hold(session, "work", "two", clock.now + timedelta(seconds=30), length)
        assert not leases.hold(session, "work", "one", clock.now + timedelta(seconds=31), length)


def test_a_duty_that_fails_is_tried_again(app: Flask, clock: Clock) -> None:
    done = []

    def fail_once() -> None:
        done.append(1)
        if len(done) == 1:
            raise RuntimeError("on purpose")

    scheduler = Scheduler(app, [Duty(0, fail_once)])
    assert (scheduler.tick(), scheduler.tick()) == (False, True)


@pytest.mark.slow
def test_real_worker_and_scheduler_send_what_is_due_and_end_when_told(
    app: Flask, cast: Cast, mailbox: MailServer
) -> None:
    settings = app.extensions["greenroom"]
    environ = os.environ | {
        "ENV": "test", "GREENROOM_DATA": str(settings.data_dir), "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url, "SMTP_URL": mailbox.url,
    }  # fmt: skip
    commands = [[sys.executable, "-m", "flask", "--app", "wsgi", name] for name in ("worker", "scheduler")]
    running = [subprocess.Popen(command, env=environ, cwd=ROOT) for command in commands]
    try:
        clock = Clock(portal_clock.now())
        world = make_world(app, cast.alice, clock)
        world.interview(clock.now + 24 * HOUR - timedelta(minutes=1))
        deadline = time.monotonic() + 60  # two processes have to start first
        while len(mailbox.messages) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert [str(m["Subject"]).split()[0] for m in mailbox.messages] == ["Video", "In"]
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(20) for process in running]
    assert codes == [0, 0]
