"""An office with all its machines, before something goes wrong."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from tests.baddays.ledger import Line
from tests.support.cast import Person
from tests.support.machinery import Machinery
from tests.support.office import Applied, Office, open_office

HOUR = timedelta(hours=1)


@dataclass
class Day:
    """``bob`` in New York interviews candidates in Dubai."""

    machinery: Machinery
    office: Office
    bob: Person
    cancelled: dict[UUID, float] = field(default_factory=dict)
    """When each cancellation was surely committed, by the clock that never jumps."""
    _candidates: int = 0

    @property
    def now(self) -> datetime:
        return self.machinery.clock.now

    def candidate(self) -> Applied:
        self._candidates += 1
        return self.office.candidates(["Asia/Dubai"], self._candidates)[0]

    def interview(self, ahead: timedelta | None = None) -> tuple[UUID, str]:
        """A new interview with Bob on its panel, each an hour later; its key, and the candidate's address."""
        applied = self.candidate()
        ahead = ahead or (99 + self._candidates) * HOUR
        key = self.office.schedule(applied, self.now + ahead, [(self.bob, "lead")])
        return key, applied.email

    def cancel(self, interview: UUID) -> None:
        """From here on nobody must hear of it as if it stood."""
        self.office.verb(interview, "cancel", reason="The ward is closed")
        self.cancelled[interview] = time.monotonic()

    def told(self, candidate: str, *types: str) -> list[Line]:
        """What both are told: the candidate by mail, Bob by mail and through the portal."""
        return [
            line
            for type_ in types
            for line in (
                (candidate, "email", type_),
                (self.bob.email, "email", type_),
                (self.bob.email, "in_app", type_),
            )
        ]


@pytest.fixture
def day(machinery: Machinery) -> Day:
    """Monday morning; nothing runs yet."""
    office = open_office(machinery.app)
    return Day(machinery, office, office.colleague("Bob Baker", "America/New_York"))
