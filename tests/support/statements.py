"""How many statements something sends to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask import Flask

from portal.core.db import db


class Counted:
    """``number`` of the statements so far, and their ``texts``."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    @property
    def number(self) -> int:
        return len(self.texts)

    @property
    def selects(self) -> int:
        return sum(text.lstrip().startswith("SELECT") for text in self.texts)


@contextmanager
def counted(engine: sa.Engine) -> Iterator[Counted]:
    """Counts while the block lasts: `with counted(db.engine) as told: …; assert told.number == 3`."""
    told = Counted()

    def tick(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        told.texts.append(statement)

    sa.event.listen(engine, "before_cursor_execute", tick)
    try:
        yield told
    finally:
        sa.event.remove(engine, "before_cursor_execute", tick)


def of_page(app: Flask, client: Any, url: str) -> int:
    """What it takes to show the page at `url`, which must be there."""
    with app.app_context():
        engine = db.engine
    with counted(engine) as told:
        assert client.get(url).status_code == 200
    return told.number
