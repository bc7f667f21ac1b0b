"""What pops up in browsers at once; who is not there finds it in the list.

It is said on one channel of Redis, which the web processes hear (see ``portal/sockets``). Whether anybody hears it
does not matter to who says it: nothing here raises, and where Redis does not answer it takes half a second at most.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from flask import current_app, has_app_context

from portal.core.queue import JobQueue

CHANNEL = "push"
NEW, READ, END = "notification:new", "notification:read", "end"
"""The events; the last one is for the web processes alone."""


def announce(notifications: Sequence[Mapping[str, Any]]) -> None:
    """Tell the open pages of their users, after the commit. A quiet one moves the count, and nothing pops up."""
    _say([_message(each["tenant_id"], each["user_id"], NEW, _shown(each)) for each in notifications])


def tell_read(tenant_id: UUID, user_id: UUID) -> None:
    """Tell the user's open pages that notifications were read, so that all their counts agree; after the commit."""
    _say([_message(tenant_id, user_id, READ, {})])


def end_log_in(tenant_id: UUID, user_id: UUID, mark: str) -> None:
    """End the sockets of one log-in of a user, known by its mark."""
    _say([_message(tenant_id, user_id, END, {"mark": mark})])


def room(tenant_id: UUID, user_id: UUID) -> str:
    """Whom a message is for: the pages of one user."""
    return f"{tenant_id}/{user_id}"


def _shown(note: Mapping[str, Any]) -> dict[str, Any]:
    # By way of its own address, so that a click is known of.
    told = {name: note[name] for name in ("id", "type", "title", "message", "created_at")}
    told["link"] = f"/notifications/{note['id']}/open"
    return told | {"quiet": True} if note["quiet"] else told


def _message(tenant_id: UUID, user_id: UUID, event: str, data: Mapping[str, Any]) -> bytes:
    told = {"to": room(tenant_id, user_id), "event": event, "data": data}
    return orjson.dumps(told, option=orjson.OPT_UTC_Z)


def _say(messages: Sequence[bytes]) -> None:
    if messages and has_app_context():
        queue: JobQueue = current_app.extensions["jobs"]
        queue.publish(CHANNEL, messages)
