"""What people want to be told, and how: the catalogue's channels, and what they chose otherwise."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core.types import zone
from portal.messaging.catalog import CATALOGUE, OWN_APPOINTMENT, Message
from portal.messaging.facts import Facts, Person
from portal.messaging.inbox import NotificationPreference, QuietHours
from portal.messaging.models import Channel
from portal.messaging.subjects import Known

CHANNELS = (Channel.IN_APP, Channel.EMAIL)


@dataclass(frozen=True)
class Wishes:
    """What some users chose: by user, type and channel; and their quiet hours."""

    chosen: Mapping[tuple[UUID, str, str], bool] = field(default_factory=dict)
    quiet: Mapping[UUID, tuple[time, time]] = field(default_factory=dict)

    def channels(self, message: Message, known: Known, reader: Person, at: datetime) -> list[Channel]:
        """Through which channels ``reader`` gets ``message``: what is usual, less what they turned off, and what
        they asked for. Of their own appointment today they are told as usual, whatever they chose."""
        if reader.is_candidate or is_today(message, known, reader, at):
            return list(message.channels)
        wanted = (*message.channels, *message.offers)
        return [c for c in wanted if self.chosen.get((reader.id, message.type, c), c in message.channels)]

    def is_quiet(self, reader: Person, at: datetime) -> bool:
        """Whether nothing shall pop up before ``reader`` at ``at``."""
        if reader.id not in self.quiet:
            return False
        (since, until), now = self.quiet[reader.id], at.astimezone(zone(reader.timezone)).time()
        return since <= now < until if since <= until else now >= since or now < until


def is_today(message: Message, known: Known, reader: Person, at: datetime) -> bool:
    """Whether ``message`` is about an appointment of the reader's own on their present day."""
    if message.type not in OWN_APPOINTMENT or not isinstance(known, Facts):
        return False
    here = zone(reader.timezone)
    return known.start.astimezone(here).date() == at.astimezone(here).date()


def of(session: Any, users: Collection[UUID]) -> Wishes:
    """What ``users`` of the present tenant chose."""
    if not users:
        return Wishes()
    chosen = sa.select(NotificationPreference).where(NotificationPreference.user_id.in_(users))
    quiet = sa.select(QuietHours).where(QuietHours.user_id.in_(users))
    return Wishes(
        {(row.user_id, row.type, row.channel): row.wanted for row in session.scalars(chosen)},
        {row.user_id: (time.fromisoformat(row.since), time.fromisoformat(row.until)) for row in session.scalars(quiet)},
    )


def choices() -> dict[str, dict[Channel, bool]]:
    """What a user may choose: by type, each channel with whether it is on by itself."""
    found: dict[str, dict[Channel, bool]] = {}
    for message in CATALOGUE:
        if Channel.IN_APP in message.channels:  # what goes to candidates alone is theirs, not a user's
            found[message.type] = {
                c: c in message.channels for c in CHANNELS if c in (*message.channels, *message.offers)
            }
    return found


def save(session: Any, user: UUID, wanted: Mapping[tuple[str, Channel], bool], quiet: tuple[time, time] | None) -> None:
    """Keep what ``user`` wants: only what differs from the catalogue is a row, so that a new type starts as usual."""
    mine = NotificationPreference.user_id == user
    session.execute(sa.delete(NotificationPreference).where(mine))
    session.execute(sa.delete(QuietHours).where(QuietHours.user_id == user))
    session.add_all(
        NotificationPreference(user_id=user, type=type_, channel=channel, wanted=want)
        for type_, usual in choices().items()
        for channel, on in usual.items()
        if (want := wanted.get((type_, channel), on)) != on
    )
    if quiet is not None:
        since, until = (f"{each:%H:%M}" for each in quiet)
        session.add(QuietHours(user_id=user, since=since, until=until))
