"""The portal as `make run` serves it: gunicorn's processes on a port."""

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

from portal.leash import leashed
from portal.run import ROOT, web_command
from portal.settings import Settings
from tests.support.postgres import free_port

START_SECONDS = 60.0
STOP_SECONDS = 20.0


class WebServer:
    """`workers` processes on a port of their own; a context manager that ends them."""

    def __init__(self, environ: Mapping[str, str], workers: int = 1, threads: int = 8) -> None:
        self._environ = dict(environ) | {"PORT": str(free_port())}
        self._settings = Settings.from_env(self._environ)
        self._command = web_command(self._settings, workers=workers, threads=threads)
        self._workers = workers
        self.address = self._settings.base_url

    def __enter__(self) -> "WebServer":
        self._process = subprocess.Popen(leashed(self._command), cwd=ROOT, env=os.environ | self._environ)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, "the web server has ended"
            assert time.monotonic() < deadline, "the web server does not answer"
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """Tell it to stop; its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
        return self._process.wait(STOP_SECONDS)

    def get(self, path: str) -> str:
        """What the page at `path` says to a visitor without a session."""
        with _direct.open(self.address + path, timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    @property
    def processes(self) -> list[psutil.Process]:
        """The workers."""
        return list(psutil.Process(self._process.pid).children())

    def sockets(self, process: psutil.Process) -> int:
        """How many connections clients hold open to `process`."""
        mine = (self._settings.host, self._settings.port)
        return sum(each.status == "ESTABLISHED" and each.laddr == mine for each in process.net_connections("tcp"))

    def _answers(self) -> bool:
        try:
            return bool(self.get("/healthz")) and len(self.processes) == self._workers
        except OSError:
            return False


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def worker_running(environ: Mapping[str, str]) -> Iterator[None]:
    """A worker process that does what waits in the queues."""
    from portal.run import FLASK

    process = subprocess.Popen(leashed([*FLASK, "worker"]), cwd=ROOT, env=os.environ | dict(environ))
    try:
        yield
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
