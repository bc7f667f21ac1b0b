"""The folder into which a mail server may drop what comes back: ``inbound`` in the data folder, a file for each mail.

There is no claim on a file. It is taken, and then moved away: who dies between the two, or takes it while another
does, finds that the mail was taken before, and that changes nothing.
"""

import contextlib
import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from portal.core import logs
from portal.messaging import inbound
from portal.messaging.mailreading import LARGEST, Unreadable

MOST = 100
"""Files in one round."""


def take_all(session: Any, folder: Path, at: datetime) -> int:
    """Take up to MOST mails that lie in ``folder``; how many there were. Done ones end in ``done``, those of no use
    in ``failed``. A database that does not answer leaves the rest where it is, and raises."""
    files = sorted(file for file in folder.glob("*.eml") if not file.name.startswith("."))[:MOST]
    for file in files:
        with contextlib.suppress(FileNotFoundError):  # another took it meanwhile
            _take(session, file, at)
    return len(files)


def _take(session: Any, file: Path, at: datetime) -> None:
    digest, why = "0" * 12, ""
    try:
        raw = _read(file)
        digest = hashlib.sha256(raw).hexdigest()[:12]
        outcome = inbound.take(session, raw, at)
        why = "" if outcome.used else outcome.words
    except (FileNotFoundError, sa.exc.OperationalError, sa.exc.InterfaceError):
        session.rollback()
        raise
    except Exception as error:  # a mail that we stumble over must not hold up those behind it
        session.rollback()
        why = str(error) if isinstance(error, Unreadable) else repr(error)
    if why:
        logs.get().warning("a mail could not be used", file=file.name, reason=why)
    target = file.parent / ("failed" if why else "done")
    target.mkdir(exist_ok=True)
    file.replace(target / f"{digest}-{file.name}")  # two mails may come under one name


def _read(file: Path) -> bytes:
    if file.is_symlink() or not file.is_file():
        raise Unreadable("It is no file.")
    if file.stat().st_size > LARGEST:
        raise Unreadable("It is too large.")
    return file.read_bytes()
