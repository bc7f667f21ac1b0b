"""The supervisor: who is told to end and when, and what happens after a crash."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from portal.supervisor import Failed, Supervisor

Supervising = Callable[[str], "subprocess.Popen[str]"]
SCRIPT = """
import pathlib, sys
from portal.supervisor import Supervisor, environment
supervisor = Supervisor(environment(), pathlib.Path.cwd())
supervisor.listen()
supervisor.start({"one": [sys.executable, "-u", "-c", sys.argv[1]]})
supervisor.keep_running()
supervisor.end()
print("all ended", flush=True)
"""
POLITE = """
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: print("interrupted"))
signal.signal(signal.SIGTERM, lambda *_: (print("asked to end"), sys.exit()))
print("up")
while True: time.sleep(0.1)
"""


@pytest.fixture
def supervising() -> Iterator[Supervising]:
    """Starts a supervisor of one child, in a process group of its own, as a terminal does."""
    with ExitStack() as stack:

        def start(child: str) -> "subprocess.Popen[str]":
            command = [sys.executable, "-c", SCRIPT, child]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
            stack.enter_context(process)
            stack.callback(process.kill)  # only after a failure is it still there
            return process

        yield start


def until_it_says(process: "subprocess.Popen[str]", words: str) -> None:
    assert process.stdout is not None
    assert any(words in line for line in process.stdout), f"it ended without saying {words!r}"


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_ctrl_c_ends_each_process_once_and_by_asking(supervising: Supervising) -> None:
    process = supervising(POLITE)
    until_it_says(process, "up")
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does: to the whole group
    out, _ = process.communicate(timeout=20)
    assert out.splitlines() == ["one | asked to end", "all ended"]
    assert process.returncode == 0


def test_a_crashed_process_is_started_again(supervising: Supervising) -> None:
    process = supervising(POLITE)
    until_it_says(process, "up")
    (child,) = psutil.Process(process.pid).children()
    child.kill()
    until_it_says(process, "ended with code -9; starting again in 1 s")
    until_it_says(process, "up")
    process.terminate()
    out, _ = process.communicate(timeout=20)
    assert out.splitlines() == ["one | asked to end", "all ended"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_no_process_outlives_a_killed_supervisor(supervising: Supervising) -> None:
    process = supervising(POLITE)
    until_it_says(process, "up")
    (child,) = psutil.Process(process.pid).children()
    process.kill()
    process.communicate(timeout=20)
    assert eventually(lambda: gone(child.pid))


def test_a_second_ctrl_c_does_not_wait_for_a_stubborn_process(supervising: Supervising) -> None:
    process = supervising(POLITE.replace("sys.exit()", "None"))
    until_it_says(process, "up")
    process.send_signal(signal.SIGINT)
    until_it_says(process, "asked to end")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=10)
    assert out.splitlines() == ["all ended"]


def test_a_process_that_ends_at_the_start_ends_everything(tmp_path: Path) -> None:
    out = io.StringIO()
    supervisor = Supervisor(os.environ, tmp_path, out)
    supervisor.start({"web": [sys.executable, "-c", "raise SystemExit('no such module')"]})
    with pytest.raises(Failed, match=r"^web ended with code 1; its own words are above\.$"):
        _ = [supervisor.pause(0.05) for _ in range(200)]
    supervisor.end()
    assert out.getvalue() == "web | no such module\n"


def test_a_step_that_fails_says_so_after_its_own_words(tmp_path: Path) -> None:
    out = io.StringIO()
    supervisor = Supervisor(os.environ, tmp_path, out)
    with pytest.raises(Failed, match=r"^migrations failed with code 3"):
        supervisor.step("migrations", [sys.executable, "-c", "print('why'); raise SystemExit(3)"])
    assert out.getvalue() == "migrations | why\n"
