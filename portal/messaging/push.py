"""What pops up in browsers at once; who is not there finds it in the list."""

from collections.abc import Mapping, Sequence
from typing import Any


def announce(notifications: Sequence[Mapping[str, Any]]) -> None:
    """Tell the open pages of their users, after the commit."""
