"""Messages: reads the events that features record, and tells those who should know."""

from flask import Flask

from portal.messaging import inbox as _inbox  # noqa: F401 - its tables
from portal.messaging import overdue, reminders, texts


def install(app: Flask) -> None:
    """Hang the reminders on the events, and prepare the mails' templates."""
    reminders.install()
    overdue.install()
    texts.install(app)
