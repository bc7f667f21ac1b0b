"""What is done outside of requests: the jobs that a worker is asked for, and what the scheduler does by the clock.

The queue makes things quick, the scheduler makes them sure: whatever a lost or missing Redis leaves undone stands
in the database, and the next sweep finds it.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask, current_app, has_app_context

from portal.core import clock, events, logs
from portal.core.context import act
from portal.core.db import db
from portal.core.queue import JobQueue
from portal.messaging import inboundfolder, queries, round

Job = Callable[..., None]
Sweep = Callable[[], None]
PATIENCE = timedelta(seconds=15)
"""How long the scheduler leaves a message that is due to the workers."""

_jobs: dict[str, tuple[Job, str]] = {}
_sweeps: list[Sweep] = []


def install(app: Flask) -> None:
    """Give ``app`` its queue, and hang the bell that events ring when they are committed."""
    queue = JobQueue(app.extensions["greenroom"].redis_url)
    app.extensions["jobs"] = queue
    app.extensions["queue_answers"] = queue.answers
    events.hang_bell(_bell)


# --- for the other features -------------------------------------------------------------------------


def job(name: str, queue: str = "default") -> Callable[[Job], Job]:
    """Make a function a job under ``name``. It gets keys only, looks up what it needs, and may run twice."""

    def register(function: Job) -> Job:
        _jobs[name] = (function, queue)
        return function

    return register


def sweep(function: Sweep) -> Sweep:
    """Have the scheduler call ``function`` regularly, to find what no job came for."""
    if function not in _sweeps:
        _sweeps.append(function)
    return function


def enqueue(name: str, **keys: str) -> bool:
    """Ask for the job ``name``; False where Redis does not answer, and then a sweep has to find the work."""
    return _queue().put(_jobs[name][1], "portal.jobs.run", name, keys)


def ring() -> bool:
    """Have a worker look for messages now; never raises, and takes half a second at most."""
    return has_app_context() and _queue().ring("portal.jobs.deliver")


def ring_for(name: str) -> bool:
    """Have a worker do the job ``name`` soon, which has a queue of its own and says ``heard``; likewise."""
    return has_app_context() and _queue().ring("portal.jobs.run", name, {}, queue=_jobs[name][1])


def heard(name: str) -> None:
    """The job ``name`` begins: what is committed from now on needs a ring of its own."""
    _queue().heard(_jobs[name][1])


def _bell() -> None:
    ring()  # whether it was heard does not matter to who committed


def _queue() -> JobQueue:
    found: JobQueue = current_app.extensions["jobs"]
    return found


# --- what a worker calls ----------------------------------------------------------------------------


def deliver() -> None:
    """Tell of all events and make all deliveries that are due."""
    with _alone("deliver"):
        _queue().heard()
        if round.work(db.session(), current_app.extensions["greenroom"], call_others=ring).left:
            ring()


def run(name: str, keys: dict[str, str]) -> None:
    """Do the job ``name``."""
    with _alone(name):
        _jobs[name][0](**keys)


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    """A context, and so a database session, of its own for each job."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with app.app_context(), act(label=f"job {name}"):
        yield


# --- what the scheduler does ------------------------------------------------------------------------


def see_to_messages() -> None:
    """Let reminders that are due go their way, and what nobody came for. Does itself what the queue cannot pass on."""
    session, settings = db.session(), current_app.extensions["greenroom"]
    overdue = queries.oldest_due(session, clock.now()) > PATIENCE
    round.queue_reminders(session)
    if queries.something_waits(session, clock.now()) and (overdue or not ring()):
        round.work(session, settings, seconds=10, reminders=True)


def take_inbound_mail() -> None:
    """Take the mails that lie in the inbound folder."""
    folder = current_app.extensions["greenroom"].data_dir / "inbound"
    inboundfolder.take_all(db.session, folder, clock.now())


def run_sweeps() -> None:
    """Call what the features registered; one that fails does not stop the others."""
    for function in _sweeps:
        try:
            function()
        except Exception as error:
            db.session.rollback()
            logs.get().error("a sweep failed", sweep=function.__name__, exc_info=error)


@dataclass(frozen=True)
class Duty:
    """``every`` is in seconds."""

    every: float
    does: Callable[[], Any]


DUTIES: tuple[Duty, ...] = (
    Duty(5, see_to_messages),
    Duty(10, take_inbound_mail),
    Duty(30, run_sweeps),
)
