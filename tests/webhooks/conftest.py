"""A receiver that is a real HTTP server, and a webhook that leads to it."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import jobs as portal_jobs
from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.webhooks.models import Webhook, WebhookDelivery
from tests.messaging.world import World, make_world
from tests.support import api
from tests.support.cast import Cast, Person
from tests.support.clock import Clock
from tests.support.jobs import JobRunner


@dataclass(frozen=True)
class Got:
    """One request, as the receiver saw it."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """``answers`` are given in turn, then 204: a status, or a status with headers and body. It ``sleeps`` seconds
    first, or ``drips``: a byte at a time."""

    url: str
    got: list[Got] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    sleeps: float = 0
    drips: bool = False

    @property
    def types(self) -> list[str]:
        return [each.json["type"] for each in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""A key and a certificate for “localhost”, good for a hundred years and for nothing but these tests."""


class receiving:
    """A receiver for the length of a block; with ``tls`` it speaks https, and ``named`` is as whom it was asked."""

    def __init__(self, *, tls: bool = False) -> None:
        self.tls = tls
        self.named: list[str | None] = []

    def _secure(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        context.sni_callback = lambda sock, name, own: self.named.append(name)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    def __enter__(self) -> Receiver:
        made = Receiver("")
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
        self.server.daemon_threads = True
        made.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        if self.tls:
            made.url = f"https://localhost:{self.server.server_port}/hook"
            self._secure()
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return made

    def __exit__(self, *raised: Any) -> None:
        self.server.shutdown()
        self.server.server_close()


def _handler(mine: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            mine.got.append(Got({name.lower(): value for name, value in self.headers.items()}, body))
            time.sleep(mine.sleeps)
            answer = mine.answers.pop(0) if mine.answers else 204
            status, headers, text = answer if isinstance(answer, tuple) else (answer, {}, "")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self._say(text.encode(), mine.drips)

        def _say(self, text: bytes, drips: bool) -> None:
            for byte in text if drips else ():
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.1)
            if not drips:
                self.wfile.write(text)

        def log_message(self, *args: Any) -> None:
            """Nothing on the terminal."""

    return Handler


@dataclass
class Hooks:
    """What Alice does with webhooks, and what becomes of it."""

    app: Flask
    api: Any
    jobs: JobRunner

    def make(self, url: str, events: Any = (), **more: Any) -> Any:
        """A webhook, as the API answers it."""
        given = {"name": f"Hook {url} {events}"[:120], "url": url, "events": list(events), **more}
        answer = self.api.post("/webhooks", given)
        assert answer.status_code == 201, answer.json
        return answer.json

    def deliver(self) -> None:
        """What workers do when they are rung for."""
        self.jobs.drain()

    def sweep(self) -> None:
        """What the scheduler does every half minute, and then the workers."""
        with self.app.app_context():
            portal_jobs.run_sweeps()
        self.jobs.drain()

    def deliveries(self, *columns: str) -> list[Any]:
        names = columns or ("type", "status", "tries", "status_code")
        with self.app.app_context(), everywhere():
            query = sa.select(*(getattr(WebhookDelivery, name) for name in names)).order_by(WebhookDelivery.id)
            rows = [tuple(row) for row in db.session.execute(query)]
        return [row[0] for row in rows] if len(names) == 1 else rows

    def webhook(self, key: str) -> Webhook:
        with self.app.app_context(), everywhere():
            return db.session.scalars(sa.select(Webhook).where(Webhook.id == UUID(key))).one()


def caller(app: Flask, person: Person) -> Any:
    """Calls with a token of ``person``; what is answered is taken as it comes."""
    return api.caller(app, person)


@pytest.fixture
def hooks(app: Flask, cast: Cast, jobs: JobRunner) -> Hooks:
    return Hooks(app, caller(app, cast.alice), jobs)


@pytest.fixture
def world(app: Flask, cast: Cast) -> World:
    """Alice's tenant, by the real clock, which receivers look at too."""
    return make_world(app, cast.alice, Clock(datetime.now(UTC)))


def ahead(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)
