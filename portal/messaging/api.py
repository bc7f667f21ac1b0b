"""Notifications in the API: everybody's own, whatever their role. A token's scope may be narrower."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.admin.grid import Grid
from portal.api.components import Component
from portal.api.endpoint import Answer, Call, Endpoint, Param
from portal.api.fields import Fields, Flag, Key, OneOf, Whole, listed
from portal.api.listing import PAGING, page_of
from portal.api.resource import Resource
from portal.core.errors import Invalid
from portal.messaging import reading
from portal.messaging.choices import LABELS
from portal.messaging.inbox import Notification

_READ, _WRITE = "read:notifications", "write:notifications"
_SOME_KEY = "0192f3a4-5b6c-7d8e-9f01-23456789abcd"
MOST = 200

_GRID = Grid(Notification, "notifications", "Notifications", "notification", "bell", "", ())  # it has no page
NOTIFICATIONS_API = Resource(
    "notifications", "Notification", _GRID,
    {
        "type": "What sort of message it is.", "title": "What happened, in a line.", "message": "More about it.",
        "link": "The page of the portal that it is about, as a path; empty where there is none.",
        "meta": "For programs: the event, and the subject's type and key.",
        "quiet": "Whether it came in your quiet hours, so that nothing popped up.",
        "read_at": "When you first read it; null: not yet.",
        "clicked_at": "When you first opened what it leads to; null: not yet.",
        "created_at": "When it was made.",
    },
    only=(), verbs_by="", hides=frozenset({"user_id", "idem_key"}),
)  # fmt: skip


def _list(call: Call) -> Answer:
    mine = reading.of(call.user.id, call.args.get("read"), call.args.get("type", ()))
    keys = mine.with_only_columns(Notification.id).order_by(Notification.id.desc())
    return page_of(call, keys, NOTIFICATIONS_API.shape)


def _mark(call: Call) -> Answer:
    _check_own(call, call.body["ids"])
    return _marked(call, keys=call.body["ids"])


def _check_own(call: Call, keys: list[UUID]) -> None:
    """Raises Invalid, by place in the list, for what is not the user's own as for what never was."""
    mine = reading.of(call.user.id).where(Notification.id.in_(keys)).with_only_columns(Notification.id)
    known = set(call.session.scalars(mine))
    errors = {f"ids.{n}": "You have no such notification." for n, key in enumerate(keys) if key not in known}
    if errors:
        raise Invalid(errors)


def _mark_one(call: Call) -> Answer:
    reading.one(call.session, call.user.id, call.keys[0])
    reading.mark_read(call.session, call.user.id, call.change.at, keys=call.keys)
    return Answer(NOTIFICATIONS_API.one(call, call.keys[0]))


def _mark_all(call: Call) -> Answer:
    return _marked(call, types=call.body.get("type", ()), upto=call.body.get("upto"))


def _marked(call: Call, **which: Any) -> Answer:
    changed = reading.mark_read(call.session, call.user.id, call.change.at, **which)
    return Answer({"changed": changed, **_count(call)})


def _unread(call: Call) -> Answer:
    return Answer(_count(call))


def _count(call: Call) -> dict[str, Any]:
    unread = reading.of(call.user.id, read=False).with_only_columns(Notification.id)
    counted = call.session.scalar(sa.select(sa.func.count()).select_from(unread.limit(_CAP + 1).subquery()))
    return {"unread": min(counted, _CAP), "unread_is_capped": counted > _CAP}


_CAP = 10_000
_COUNT: Fields = {
    "unread": Whole("How many notifications you have not read."),
    "unread_is_capped": Flag("Whether there are more than unread, which stops counting at 10,000."),
}
_TYPES = OneOf(LABELS, "Which sort of message.")
_PARAMS = (
    *PAGING,
    Param("read", Flag("Those that you have read, or those that you have not.")),
    Param("type", _TYPES, many=True),
)

RESOURCES = (NOTIFICATIONS_API,)
COMPONENTS = {
    "UnreadCount": Component(_COUNT),
    "MarkedRead": Component({"changed": Whole("How many were unread until now."), **_COUNT}),
}
ENDPOINTS = (
    Endpoint("GET", "notifications", "list_notifications", "notifications", _list, "List your notifications",
             "The newest first.", answer="NotificationList", scope=_READ, params=_PARAMS),
    Endpoint("PATCH", "notifications", "mark_notifications_read", "notifications", _mark,
             "Mark some of your notifications as read",
             "When they were first read is kept. Where one of them is not yours, nothing is done.",
             body={"ids": listed(Key("One of them."), "Which ones.", MOST, required=True)}, body_name="MarkRead",
             example={"ids": [_SOME_KEY]}, answer="MarkedRead", scope=_WRITE),
    Endpoint("PATCH", "notifications/{id}/read", "mark_notification_read", "notifications", _mark_one,
             "Mark one of your notifications as read", "When it was first read is kept.", answer="Notification",
             scope=_WRITE),
    Endpoint("POST", "notifications/read-all", "mark_all_notifications_read", "notifications", _mark_all,
             "Mark all of your notifications as read", "All, or all of some sorts.",
             body={"type": listed(_TYPES, "Only of these sorts."),
                   "upto": Key("The newest that you have seen: what came after it stays unread.")},
             body_name="MarkAllRead", example={"upto": _SOME_KEY}, answer="MarkedRead", scope=_WRITE),
    Endpoint("GET", "notifications/unread-count", "count_unread_notifications", "notifications", _unread,
             "Count your unread notifications", answer="UnreadCount", scope=_READ),
)  # fmt: skip
