"""Workers and schedulers as processes of their own, which a test may kill at any moment."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from portal.leash import leashed
from portal.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
WAIT_SECONDS = 30.0


def wait_until(true: Callable[[], object], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Looks until it is so; fails, saying ``what`` did not come, when the time is up."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"within {seconds:.0f} s this did not come: {what}"
        time.sleep(0.005)


@dataclass
class Running:
    """One process of the portal."""

    command: str
    pid: int

    @property
    def alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self) -> None:
        """Ends it as a power cut does, and waits until it is gone."""
        self._send(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it as an operator does: it finishes what it is at."""
        self._send(signal.SIGTERM)

    def freeze(self) -> None:
        """Stops it where it stands, until ``thaw``."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _send(self, number: int) -> None:
        if self.alive:
            os.kill(self.pid, number)
        wait_until(lambda: not self.alive, f"the end of the {self.command}")


class Nursery:
    """Starts processes of the portal on the clock in ``clock_file``; a context manager that ends them all."""

    def __init__(self, clock_file: Path, log: Path) -> None:
        self.clock_file, self.log = clock_file, log
        self._made: list[Running] = []

    def start(self, command: str, settings: Settings, **environ: str) -> Running:
        """`start("worker", settings)`: on the same database, queue and mail server as an app with these settings."""
        asked = {"command": command, "environ": _environ(settings) | environ, "log": str(self.log)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the nursery ended: {self.log.read_text()[-2000:]}"
        self._made.append(Running(command, int(answer)))
        return self._made[-1]

    def end_all(self) -> None:
        """Kills what still runs."""
        for one in self._made:
            one.kill()
        self._made.clear()

    def __enter__(self) -> Self:
        command = leashed([sys.executable, "-m", "tests.support.nursery", str(self.clock_file)])
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.end_all()
        with self._process:
            self._process.terminate()


def _environ(settings: Settings) -> dict[str, str]:
    return {
        "ENV": settings.env, "GREENROOM_DATA": str(settings.data_dir), "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url, "SMTP_URL": settings.smtp_url or "", "SECRET_KEY": settings.secret_key,
        "PORT": str(settings.port),
    }  # fmt: skip
