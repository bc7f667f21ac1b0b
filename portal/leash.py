"""Runs a command that ends when its parent does, even when the parent is killed outright.

    python -I -S portal/leash.py PARENT_ID USER_ID COMMAND [ARGUMENT…]

The process asks the kernel for a SIGTERM at its parent's death (Linux only; elsewhere this just runs
the command) and then becomes the command, so its process id stays the one the parent knows.
"""

import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def leashed(command: Sequence[str | os.PathLike[str]], user: int | None = None) -> list[str]:
    """`command`, to be started by this process and to end with it; as another `user` where given.

    The leash hangs on the thread that starts the command: start it from one that lives as long.
    """
    words = [str(os.getpid()), "" if user is None else str(user), *(os.fspath(part) for part in command)]
    return [sys.executable, "-I", "-S", __file__, *words]


def main(parent: int, user: str, command: list[str]) -> None:
    import ctypes  # while this user may still read the standard library

    if user:
        become(int(user))
    if sys.platform == "linux":  # after the change of user, at which the kernel forgets it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the kernel was asked
        sys.exit("the process that started this one is gone")
    os.execvp(command[0], command)


def become(user: int) -> None:
    """Give up root for `user` and the group of the same number."""
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
