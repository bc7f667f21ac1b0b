"""One round of all that waits: due reminders, events, deliveries. Whoever has a moment may do it: the worker when
it is rung for, the scheduler when the queue does not answer."""

import time
from dataclasses import dataclass
from typing import Any

from portal.core import clock, logs
from portal.messaging import deliveries, outbox, reminders
from portal.messaging.channels import Down, post
from portal.settings import Settings


@dataclass
class Done:
    """How much was dealt with; ``left`` says that the time was up before the work was."""

    reminders: int = 0
    events: int = 0
    deliveries: int = 0
    left: bool = False


def queue_reminders(session: Any, seconds: float = 10.0) -> int:
    """Turn all reminders that are due into deliveries; how many there were."""
    done, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline and (count := reminders.queue_due(session, clock.now())):
        done += count
    return done


def work(session: Any, settings: Settings, seconds: float = 15.0) -> Done:
    """Tell of all events and make all deliveries that are due, for some ``seconds`` at most."""
    done, deadline = Done(), time.monotonic() + seconds
    while time.monotonic() < deadline and (count := outbox.make_deliveries(session, clock.now())):
        done.events += count
    try:
        with post(settings) as way_out:
            while time.monotonic() < deadline and (count := deliveries.deliver(session, way_out)):
                done.deliveries += count
    except Down as down:
        logs.get().warning("messages cannot leave", reason=str(down))
        return done
    done.left = time.monotonic() >= deadline
    return done
