"""How notifications read on pages and to scripts."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from portal.admin.cells import day, when
from portal.core.types import zone
from portal.messaging.inbox import Notification
from portal.messaging.reading import COUNTED

HOME = "/notifications/"

LOOKS = {
    "mock_interview_pending": ("person-workspace", "purple"),
    "candidate_approved_for_client_interview": ("check2-circle", "green"),
    "candidate_failed_mock_interview": ("x-circle", "orange"),
    "interview_scheduled": ("calendar-event", "blue"),
    "interview_rescheduled": ("arrow-repeat", "yellow"),
    "interview_cancelled": ("calendar-x", "red"),
    "interview_confirmed": ("calendar-check", "green"),
    "interview_declined": ("person-x", "orange"),
    "interview_reminder": ("clock", "cyan"),
    "feedback_requested": ("chat-left-text", "indigo"),
    "feedback_overdue": ("exclamation-triangle", "red"),
}
"""Icon and tone of each type."""


def written(unread: int) -> str:
    """The number of unread ones as the bell has it, such as ``99+``."""
    return f"{unread}" if unread < COUNTED else f"{COUNTED - 1}+"


def told(row: Notification, zone_name: str) -> dict[str, Any]:
    """A notification for a reader in this zone; its link leads over the page that notes the click."""
    icon, tone = LOOKS.get(row.type, ("bell", "grey"))
    return {
        "id": str(row.id), "type": row.type, "title": row.title, "message": row.message,
        "link": f"{HOME}{row.id}/open", "created_at": row.created_at.isoformat(),
        "when": when(row.created_at, zone_name), "read": row.read_at is not None, "quiet": row.quiet,
        "icon": icon, "tone": tone,
    }  # fmt: skip


def by_day(rows: Iterable[Notification], zone_name: str, at: datetime) -> list[tuple[str, list[dict[str, Any]]]]:
    """The rows, which are in order, under the days of the reader's own calendar."""
    here = zone(zone_name)

    def named(row: Notification) -> str:
        its_day = row.created_at.astimezone(here).date()
        return {0: "Today", 1: "Yesterday"}.get((at.astimezone(here).date() - its_day).days, day(its_day))

    return [(name, [told(row, zone_name) for row in those]) for name, those in groupby(rows, named)]
