"""A real browser on a real server: the portal of the test, in threads of this process."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from portal.sockets.door import Door
from portal.sockets.worker import hub_of
from tests.support.chromium import Chromium

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


_ANSWER = "greenroom.answer"


class _Handler(WSGIRequestHandler):
    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        self.close_connection = True  # it is gone, or the hub's
        # Werkzeug forgets to close the answer of a connection that ended with an error: a file would stay open.
        if close := getattr((environ or {}).get(_ANSWER), "close", None):
            close()


def _keeping_the_answer(app: Any) -> Any:
    def answering(environ: Any, start_response: Any) -> Any:
        environ[_ANSWER] = answer = app(environ, start_response)
        return answer

    return answering


@contextmanager
def serving(app: Flask, port: int) -> Iterator[str]:
    """Serves `app` on the loopback address for the length of the block; gives its address.

    In this process, so that a stopped clock and the database are the test's own. Pages get sockets as in production.
    """
    hub = hub_of(app)
    hub.start()
    server = make_server(
        "127.0.0.1", port, _keeping_the_answer(Door(app, hub)), threaded=True, request_handler=_Handler
    )
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        hub.stop()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def chromium_running(chromium: Chromium) -> Iterator[Browser]:
    """A browser for many tests; each takes a context of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.program, args=ARGUMENTS, env={**os.environ, **chromium.env}
        )
        yield browser
        browser.close()


@dataclass
class Visit:
    """One person's browser: cookies of its own, and a list of what went wrong in its pages."""

    context: BrowserContext
    faults: list[str] = field(default_factory=list)

    def open(self) -> Page:
        page = self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        # A refused request is told there as well; that is the server's matter, and the test's.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.faults.append(message.text)


@contextmanager
def visit(browser: Browser, address: str, **options: Any) -> Iterator[Visit]:
    """A browser context on `address`; a script's error or a violated CSP in it fails the test."""
    settings = {"locale": "en-GB", "viewport": {"width": 1280, "height": 800}, **options}
    context = browser.new_context(base_url=address, **settings)
    context.set_default_timeout(10_000)
    mine = Visit(context)
    try:
        yield mine
    finally:
        context.close()
    assert mine.faults == []
