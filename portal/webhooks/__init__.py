"""Webhooks: tells an organisation's own programs of what happens, signed and tried again until they have it."""

from flask import Flask

from portal.core import events
from portal.webhooks import fanout
from portal.webhooks import models as _models  # noqa: F401 - its tables


def install(app: Flask) -> None:
    """Follow the outbox."""
    events.follow(fanout.queue)
