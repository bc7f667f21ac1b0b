"""What happens in a simulated week, as data: the people, the acts with their times, and what breaks down when.

The generator writes it, the driver does it to the portal, and the model says what it must lead to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

Seat = tuple[str, str]
"""Who (a reader's name) and as what: lead, panelist or shadow."""


@dataclass(frozen=True)
class Reader:
    """Somebody who gets messages. ``unwanted`` are pairs of a message's type and a channel that they switched off,
    ``quiet`` the wall times between which nothing pops up ('' and '' where there are none)."""

    name: str
    zone: str
    unwanted: frozenset[tuple[str, str]] = frozenset()
    quiet: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Act:
    """Something done to interview ``number`` at ``at``; each kind uses what it needs of the rest.

    create (start, panel, organizer), confirm, move (start), seat (panel), cancel, start, complete, no_show, decline
    (who), feedback (who)
    """

    at: datetime
    number: int
    kind: str
    start: datetime | None = None
    panel: tuple[Seat, ...] = ()
    who: str = ""

    @property
    def begins(self) -> datetime:
        """The start that it sets."""
        assert self.start is not None
        return self.start


@dataclass(frozen=True)
class Outage:
    """``what`` is away (scheduler or mail) from ``since`` to ``until``; ``calm`` is when all that was held up is
    surely gone, and until then no interview that is held up changes."""

    what: str
    since: datetime
    until: datetime
    calm: datetime

    def covers(self, at: datetime) -> bool:
        return self.since <= at < self.until


@dataclass(frozen=True)
class Week:
    """All that is going to happen, in order, from ``begin`` to ``end``."""

    begin: datetime
    end: datetime
    users: Mapping[str, Reader]
    candidates: Mapping[int, Reader]
    acts: Sequence[Act]
    outages: Sequence[Outage]
    kills: frozenset[datetime] = frozenset()
    """At which acts' times a worker is killed while it has work to do."""

    def away(self, what: str, at: datetime) -> Outage | None:
        return next((outage for outage in self.outages if outage.what == what and outage.covers(at)), None)

    def readers(self) -> Iterator[Reader]:
        yield from self.users.values()
        yield from self.candidates.values()


@dataclass(frozen=True, order=True)
class Told:
    """One message as a reader has it: through which channel, of which type, about which interview, naming which
    start."""

    reader: str
    channel: str
    type: str
    interview: int
    start: datetime
    quiet: bool = field(default=False)
    """Of a notification: that it came within the reader's quiet hours."""
