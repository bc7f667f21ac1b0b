"""Where the portal's own processes come from in the tests of bad days: real workers and schedulers, on a clock of ours.

    python -m tests.support.nursery CLOCK_FILE

To import the portal takes seconds, so one process imports it and forks a child for each line of JSON that it reads:
`{"command": "worker", "environ": {…}, "log": "…"}`; it answers with the child's process id. The child then is what
`flask --app wsgi worker` is, but that the wall clock, and the seconds the scheduler counts, are read from CLOCK_FILE.
The product has no door for that: it is done here, before the command begins.
"""

import ctypes
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask.cli import cli

import portal.app  # noqa: F401 - what the children need not import again
from portal import loops
from portal.core import clock
from portal.leash import PR_SET_PDEATHSIG
from tests.support.sharedclock import SharedClock

TICK_SECONDS = 0.01


def main(file: Path) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children: the kernel buries them
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(file, **asked)
        print(child, flush=True)


def _become(file: Path, command: str, environ: dict[str, str], log: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.environ.update(environ)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(written, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = 1
    try:
        live_by(SharedClock(file))
        cli.main(args=["--app", "wsgi", command], prog_name="flask")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def live_by(shared: SharedClock) -> None:
    """Wall clock and counted seconds; the scheduler looks more often, as its seconds may be over sooner. The clock is
    held for the length of each job and each of the scheduler's rounds."""
    clock.set_clock(lambda: shared.now)
    there: Any = loops
    there.time = SimpleNamespace(monotonic=shared.passed)
    there.TICK_SECONDS = TICK_SECONDS
    there.Scheduler.tick = shared.held()(loops.Scheduler.tick)
    there.Worker.perform_job = shared.held()(loops.Worker.perform_job)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
