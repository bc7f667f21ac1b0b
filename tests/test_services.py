"""The embedded queue: what it keeps, what it leaves behind, and who may start it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import redis

from portal.services import QueueServer, ServiceError, only_supervisor

KILLED_SUPERVISOR = """
import os, pathlib, signal, sys
from portal.services import QueueServer
server = QueueServer(pathlib.Path(sys.argv[1])).start()
print(server.process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_queue_keeps_what_it_was_given(tmp_path: Path) -> None:
    for expected in (None, b"kept"):
        with QueueServer(tmp_path) as server, redis.Redis.from_url(server.url) as client:
            assert client.get("key") == expected
            client.set("key", "kept")
    assert not server.socket.exists()
    assert server.process.returncode == 0


def test_the_queue_listens_on_no_port(tmp_path: Path) -> None:
    with QueueServer(tmp_path) as server:
        assert psutil.Process(server.process.pid).net_connections("inet") == []


def test_ctrl_c_in_the_terminal_does_not_reach_the_queue(tmp_path: Path) -> None:
    with QueueServer(tmp_path) as server:
        assert os.getsid(server.process.pid) != os.getsid(0)


def test_a_socket_left_behind_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "redis.sock").touch()
    with QueueServer(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        assert client.ping()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_the_queue_ends_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_SUPERVISOR, str(tmp_path)]
    killed = subprocess.run(command, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while _runs(int(killed.stdout)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(int(killed.stdout))


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)


def test_a_queue_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "queue" / "appendonlydir").mkdir(parents=True)
    (tmp_path / "queue" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(ServiceError, match=r"does not start\. It wrote:\n(.*\n)*.*manifest"):
        QueueServer(tmp_path).start()


def test_a_second_supervisor_on_the_same_folder_is_refused_in_words(tmp_path: Path) -> None:
    with (
        only_supervisor(tmp_path),
        pytest.raises(ServiceError, match=rf"already runs on .* \(process {os.getpid()}\)"),
        only_supervisor(tmp_path),
    ):
        pytest.fail("both hold the folder")
    with only_supervisor(tmp_path):
        assert True, "free again"
