"""Sockets to open pages. A page asks for one at ``/socket.io/``: ``door.py`` is the page that admits, ``hub.py`` keeps
all sockets of a web process in one loop, ``listening.py`` hears what ``messaging/push.py`` says."""

from flask import Flask

from portal.sockets import door


def install(app: Flask) -> None:
    """Open the door; without a hub behind it (see ``worker.py``) it lets nobody in."""
    door.install(app)
