"""One round of all that waits: due reminders, events, deliveries. Whoever has a moment may do it: the worker when
it is rung for, the scheduler when the queue does not answer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal.core import clock, logs
from portal.messaging import deliveries, falling_due, outbox
from portal.messaging.channels import Down, Post, post
from portal.messaging.handing import Pace
from portal.settings import Settings

EVENTS_SECONDS, MAILS_SECONDS = 2.0, 0.5
"""How long one sort of work goes on while the other waits: what is read within the portal goes first, and never waits
for a long row of mails."""


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


def work(
    session: Any, settings: Settings, seconds: float = 15.0, *, reminders: bool = False,
    call_others: Callable[[], object] = lambda: None,
) -> Done:  # fmt: skip
    """Tell of all events and make all deliveries that are due, for some ``seconds`` at most: a little of the one and
    a little of the other in turn, with ``reminders`` of those that fall due as well. ``call_others`` is called once
    there is more than one can do at once."""
    done, deadline = Done(), time.monotonic() + seconds
    with post(settings) as way_out:
        turns = _Turns(session, way_out, Pace.of(session), call_others)
        while time.monotonic() < deadline:
            if reminders:
                queue_reminders(session, EVENTS_SECONDS)
            done.events += (events := turns.events(deadline))
            done.deliveries += (sent := turns.mails())
            if not events and not sent:
                return done
    done.left = not turns.down
    return done


@dataclass
class _Turns:
    session: Any
    post: Post
    pace: Pace
    call_others: Callable[[], object]
    down: bool = False
    called: bool = False

    def events(self, deadline: float) -> int:
        return _tell_of_events(self.session, min(deadline, time.monotonic() + EVENTS_SECONDS))

    def mails(self) -> int:
        """Some mails, until the next turn; none once the way out turned out to be shut."""
        if self.down:
            return 0
        try:
            count = deliveries.deliver(self.session, self.post, seconds=MAILS_SECONDS, pace=self.pace)
        except Down as down:
            logs.get().warning("messages cannot leave", reason=str(down))
            self.down = True
            return 0
        if count == deliveries.BATCH and not self.called:
            self.called = True
            self.call_others()
        return count


def _tell_of_events(session: Any, deadline: float) -> int:
    return _all(lambda: outbox.make_deliveries(session, clock.now()), deadline)


def _all(some: Callable[[], int], deadline: float) -> int:
    """Batch after batch until one is empty or the time is up; how many rows there were."""
    done = 0
    while time.monotonic() < deadline and (count := some()):
        done += count
    return done
