"""One round of all that waits: due reminders, events, deliveries. Whoever has a moment may do it: the worker when
it is rung for, the scheduler when the queue does not answer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal.core import clock, logs
from portal.messaging import deliveries, falling_due, outbox
from portal.messaging.channels import Down, post
from portal.settings import Settings


@dataclass
class Done:
    """How much was dealt with; ``left`` says that the time was up before the work was."""

    events: int = 0
    deliveries: int = 0
    left: bool = False


def queue_reminders(session: Any, seconds: float = 10.0) -> int:
    """Turn all reminders that are due into deliveries; how many there were.

    Events go first: who is told of an interview and reminded of it at once reads it in that order.
    """
    deadline = time.monotonic() + seconds
    _tell_of_events(session, deadline)
    return _all(lambda: falling_due.queue_due(session, clock.now()), deadline)


def work(session: Any, settings: Settings, seconds: float = 15.0) -> Done:
    """Tell of all events and make all deliveries that are due, for some ``seconds`` at most."""
    deadline = time.monotonic() + seconds
    done = Done(events=_tell_of_events(session, deadline))
    try:
        with post(settings) as way_out:
            done.deliveries = _all(lambda: deliveries.deliver(session, way_out), deadline)
    except Down as down:
        logs.get().warning("messages cannot leave", reason=str(down))
        return done
    done.left = time.monotonic() >= deadline
    return done


def _tell_of_events(session: Any, deadline: float) -> int:
    return _all(lambda: outbox.make_deliveries(session, clock.now()), deadline)


def _all(some: Callable[[], int], deadline: float) -> int:
    """Batch after batch until one is empty or the time is up; how many rows there were."""
    done = 0
    while time.monotonic() < deadline and (count := some()):
        done += count
    return done
