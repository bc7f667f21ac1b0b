"""What one person was told of one subject so far, read from the deliveries."""

from collections.abc import Callable, Sequence

from portal.messaging.catalog import OVERDUE, REMINDER, Told
from portal.messaging.models import Channel, Delivery, DeliveryStatus

_TELLS_NO_SCHEDULE = (REMINDER, OVERDUE, "FeedbackRequested", "InterviewConfirmed", "InterviewDeclined")


def told(earlier: Sequence[Delivery], channel: Channel, unknown: Callable[[], bool]) -> Told:
    """What ``earlier``, all deliveries about the subject to its reader in order, have told: the schedule through
    ``channel``, and through any whether they know of it at all. ``unknown`` is asked where nothing tells: whether it
    may have been arranged before messages were written down."""
    known = Told(perhaps=unknown)
    for each in earlier:
        known = _after(known, each, each.channel == channel)
    return known


def _after(known: Told, each: Delivery, same: bool) -> Told:
    sent = each.status == DeliveryStatus.SENT
    if each.kind == "interview_cancelled":
        return Told(perhaps=lambda: False) if sent and same else known
    if sent and same and each.event not in _TELLS_NO_SCHEDULE:
        return Told(each.schedule_version, each.about_at)
    return Told(known.schedule, known.start) if each.may_have_arrived else known
