"""Runs a command that ends when its parent does, even when the parent is killed outright.

    python -I -S portal/leash.py PARENT_ID COMMAND [ARGUMENT…]

The process asks the kernel for a SIGTERM at its parent's death (Linux only; elsewhere this just runs
the command) and then becomes the command, so its process id stays the one the parent knows.
"""

import os
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def leashed(command: Sequence[str | os.PathLike[str]]) -> list[str]:
    """`command`, to be started by this process and to end with it.

    The leash hangs on the thread that starts the command: start it from one that lives as long.
    """
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *(os.fspath(part) for part in command)]


def main(parent: int, command: list[str]) -> None:
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the kernel was asked
        sys.exit("the process that started this one is gone")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
