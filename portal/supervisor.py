"""Keeps several processes running until it is told to stop: the mechanism below `make run`.

The processes share this one's group, as a terminal expects, but start with SIGINT blocked: Ctrl-C
reaches the supervisor alone, which then ends each of them once, with SIGTERM. Sent to all at once it
would cut answers short in the web server, and count twice in the worker.

A process that ends before everything was up ends everything: such a set-up is broken, and restarting
would bury the reason. Later on a process that ends is started again, after 1, 2, 4 … 60 seconds.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from portal.leash import leashed

STOP_SECONDS = 20.0
"""How long a process may take to finish what it does, before it is killed."""
LONGEST_PAUSE = 60.0
STEADY_SECONDS = 60.0
"""A process that ran this long starts over with the shortest pause."""


class Failed(Exception):
    """A process ended that should not have; the message names it and its exit code."""


class Process:
    """One command, kept running; its lines are written with its name before them."""

    def __init__(self, name: str, command: Sequence[str], width: int, out: TextIO) -> None:
        self.name = name
        self.command = command
        self._prefix = f"{name:<{width}} | "
        self._out = out
        self._pause = 1.0
        self._due = 0.0
        self._running: subprocess.Popen[str] | None = None

    def start(self, env: Mapping[str, str], cwd: Path) -> None:
        """Starts the command; from the main thread, at which its leash is fastened."""
        with _sigint_blocked():
            self._running = subprocess.Popen(
                leashed(self.command),
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        self._started = time.monotonic()
        self._reader = threading.Thread(target=self._copy, args=(self._running,), daemon=True)
        self._reader.start()

    @property
    def running(self) -> bool:
        return self._running is not None and self._running.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs, or waits to."""
        return self._running.poll() if self._running else None

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None when it still runs after that time; its last lines are out by then."""
        assert self._running is not None
        try:
            code = self._running.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(1)
        return code

    def send(self, number: signal.Signals) -> None:
        if self._running and self._running.poll() is None:
            self._running.send_signal(number)

    def revive(self, env: Mapping[str, str], cwd: Path) -> None:
        """Starts it again once it has ended and its pause is over; call this every so often."""
        if self._running and self._running.poll() is not None:
            if time.monotonic() - self._started > STEADY_SECONDS:
                self._pause = 1.0
            self.say(f"ended with code {self._running.returncode}; starting again in {self._pause:.0f} s")
            self._due = time.monotonic() + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            self._running = None
        elif self._running is None and time.monotonic() >= self._due:
            self.start(env, cwd)

    def say(self, line: str) -> None:
        # One write a line: several threads share the terminal.
        self._out.write(f"{self._prefix}{line.rstrip()}\n")
        self._out.flush()

    def _copy(self, running: "subprocess.Popen[str]") -> None:
        assert running.stdout is not None
        with running.stdout as lines:
            for line in lines:
                self.say(line)


class Supervisor:
    """Runs steps one after the other, then processes side by side, until a signal says to stop."""

    def __init__(self, env: Mapping[str, str], cwd: Path, out: TextIO = sys.stdout) -> None:
        self._env = env
        self._cwd = cwd
        self._out = out
        self._processes: list[Process] = []
        self._stop = threading.Event()
        self._signals = 0

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def listen(self) -> None:
        """From here on Ctrl-C, a termination and a closed terminal mean: stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._told_to_stop)

    def step(self, name: str, command: Sequence[str]) -> None:
        """Runs `command` to its end; when told to stop, ends it early.

        Raises:
            Failed: it ended with an error, which it has written by then.
        """
        process = Process(name, command, width=len(name), out=self._out)
        process.start(self._env, self._cwd)
        while (code := process.wait(0.1)) is None:
            if self.stopping:
                process.send(signal.SIGTERM)
        if code and not self.stopping:
            raise Failed(f"{name} failed with code {code}; its own words are above.")

    def start(self, commands: Mapping[str, Sequence[str]]) -> None:
        """Starts all `commands`, by name."""
        width = max(map(len, commands))
        for name, command in commands.items():
            self._processes.append(Process(name, command, width, self._out))
            self._processes[-1].start(self._env, self._cwd)

    def pause(self, seconds: float) -> bool:
        """Waits; True when told to stop meanwhile.

        Raises:
            Failed: a process has ended.
        """
        told = self._stop.wait(seconds)
        for process in self._processes:
            if not told and process.exit_code is not None:
                process.wait(1)
                raise Failed(f"{process.name} ended with code {process.exit_code}; its own words are above.")
        return told

    def keep_running(self) -> None:
        """Starts again what ends, until told to stop."""
        while not self._stop.wait(0.5):
            for process in self._processes:
                process.revive(self._env, self._cwd)

    def end(self) -> None:
        """Ends all processes together and waits for them; a second signal kills them."""
        asked, deadline = self._signals, time.monotonic() + STOP_SECONDS
        for process in self._processes:
            process.send(signal.SIGTERM)
        for process in self._processes:
            while process.running:
                if self._signals > max(asked, 1) or time.monotonic() > deadline:
                    process.send(signal.SIGKILL)
                process.wait(0.1)
            if process.exit_code is not None:
                process.wait(1)  # it may have ended just before it was asked for; its last lines are out then

    def _told_to_stop(self, number: int, frame: object) -> None:
        self._signals += 1
        self._stop.set()


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """A child inherits the mask and keeps it through exec, whatever handler it installs."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def environment(**more: str) -> dict[str, str]:
    """This process's environment for its children, who are to write each line at once."""
    return os.environ | {"PYTHONUNBUFFERED": "1"} | more
