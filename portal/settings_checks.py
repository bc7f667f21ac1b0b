"""One check for each kind of setting: text in, value out, or a ValueError that says what to write.

The messages finish a sentence that begins with the setting's name. None repeats a value that may
hold a password.
"""

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from limits import parse_many
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

DATABASE_EXAMPLE = "postgresql://user:password@host:5432/greenroom"
REDIS_EXAMPLE = "redis://host:6379/0"
BASE_URL_EXAMPLE = "the address people open, like https://greenroom.example"
SECRET_EXAMPLE = (
    "at least 32 random characters, like those of python -c 'import secrets; print(secrets.token_urlsafe(48))'"
)
SMTP_EXAMPLE = "smtp://host:port or smtps://user:password@host:port"

# sun_path of a Unix socket holds 104 bytes on macOS and 108 on Linux, its end mark included.
SOCKET_PATH_BYTES = 100


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mails are handed over; `tls` means TLS from the first byte (smtps)."""

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Inside:
    """Networks, and names of hosts in lower case."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    hosts: frozenset[str] = frozenset()


def one_of(choices: Sequence[str]) -> Callable[[str], str]:
    """Accepts one of `choices`."""

    def check(text: str) -> str:
        if text not in choices:
            raise ValueError(f"is {text!r}: write one of {', '.join(choices)}.")
        return text

    return check


def whole(least: int, most: int) -> Callable[[str], int]:
    """Accepts a whole number from `least` to `most`."""

    def check(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(f"is {text!r}: write a whole number from {least} to {most}.")
        return int(text)

    return check


def folder(text: str) -> Path:
    """An absolute path that is a folder or can become one."""
    path = Path(text).expanduser().absolute()
    if any(part.exists() and not part.is_dir() for part in (path, *path.parents)):
        raise ValueError(f"is {text!r}, where a file is in the way: write the path of a folder.")
    return path


def sqlite_url(path: Path) -> str:
    """The SQLAlchemy URL of the SQLite database file at `path`."""
    return URL.create("sqlite", database=str(path)).render_as_string()


def postgres_url(text: str) -> str:
    """A PostgreSQL URL, turned to the psycopg 3 driver."""
    if not text.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        raise ValueError(f"must be PostgreSQL in production: write {DATABASE_EXAMPLE}.")
    return database_url(text)


def database_url(text: str) -> str:
    """A URL of PostgreSQL, turned to the psycopg 3 driver, or of a SQLite file, made absolute."""
    wrong = ValueError(f"is not understood: write {DATABASE_EXAMPLE} or sqlite:////path/of/greenroom.db.")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise wrong from None
    if url.drivername == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise ValueError(
                "is a SQLite database in memory, which web and worker cannot share:"
                " write sqlite:////path/of/greenroom.db."
            )
        url = url.set(database=str(Path(url.database).expanduser().absolute()))
    elif url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        if not url.database:
            raise ValueError(f"names no database: write {DATABASE_EXAMPLE}.")
        url = url.set(drivername="postgresql+psycopg")
    else:
        raise wrong
    return url.render_as_string(hide_password=False)


def redis_url(text: str) -> str:
    """A URL that redis-py understands."""
    url = _split(text)
    if url is None or not (
        (url.scheme in ("redis", "rediss") and url.hostname) or (url.scheme == "unix" and url.path.startswith("/"))
    ):
        raise ValueError(f"is not understood: write {REDIS_EXAMPLE} or unix:///path/of/redis.sock.")
    return text


def embedded_queue_url(data_dir: Path) -> str:
    """Where the embedded queue of `data_dir` listens."""
    return "unix://" + quote(str(queue_socket(data_dir)))


def queue_socket(data_dir: Path) -> Path:
    """The socket of the embedded queue: in `data_dir`, or where that path is too long for a socket,
    in a private folder of this user below the system's temporary one, named after `data_dir`, so
    that every process finds the same.
    """
    path = data_dir / "redis.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
        return path
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"greenroom-{os.getuid()}" / f"{name}.sock"


def smtp_url(text: str) -> str:
    """A mail server's URL; `smtp_server` gives its parts."""
    smtp_server(text)
    return text


def smtp_server(text: str) -> SmtpServer:
    """`smtp://` or `smtps://[user:password@]host:port` in its parts."""
    url = _split(text)
    if (
        url is None
        or url.scheme not in ("smtp", "smtps")
        or not (url.hostname and url.port)
        or (url.username is None) != (url.password is None)
        or url.path not in ("", "/")
        or url.query
        or url.fragment
    ):
        raise ValueError(f"is not understood: write {SMTP_EXAMPLE}.")
    return SmtpServer(
        host=url.hostname,
        port=url.port,
        tls=url.scheme == "smtps",
        user=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
    )


def base_url(text: str) -> str:
    """An http or https address, without the slash at its end."""
    url = _split(text)
    if url is None or url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError(f"is {text!r}: write {BASE_URL_EXAMPLE}.")
    if url.query or url.fragment or url.username:
        raise ValueError(f"holds more than an address: write {BASE_URL_EXAMPLE}.")
    return text.rstrip("/")


def host(text: str) -> str:
    """An address or name to listen on."""
    if not re.fullmatch(r"[A-Za-z0-9.-]+|[0-9A-Fa-f:.]+", text):
        raise ValueError(f"is {text!r}: write an address alone, like 127.0.0.1 or 0.0.0.0.")
    return text


def local_url(listening_host: str, port: int) -> str:
    """The address at which this machine reaches a server that listens on `listening_host`."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listening_host, listening_host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def default_sender(address: str) -> str:
    """The From line for a portal at `address`: its host's, or an example where that is local."""
    name = (_split(address) or SplitResult("", "", "", "", "")).hostname or ""
    with suppress(ValueError):
        ip_address(name)
        name = ""
    return f"Greenroom <no-reply@{name if '.' in name else 'greenroom.example'}>"


def sender(text: str) -> str:
    """A From line: an address, or a name with the address in angle brackets."""
    address = parseaddr(text)[1]
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
        raise ValueError(f"is {text!r}: write Greenroom <no-reply@greenroom.example>.")
    return text


def address(text: str) -> str:
    """An e-mail address alone."""
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", text):
        raise ValueError(f"is {text!r}: write an address alone, like interviews@greenroom.example.")
    return text


def token(text: str) -> str:
    """A secret that can stand in a header."""
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError("holds spaces or letters outside ASCII: write letters and digits alone.")
    return text


def long_secret(text: str) -> str:
    """A key that cannot be guessed."""
    if len(text) < 32:
        raise ValueError(f"is too short: write {SECRET_EXAMPLE}.")
    return text


def inside(text: str) -> Inside:
    """A list of networks and names of hosts, with commas between."""
    networks, hosts = [], set()
    for part in filter(None, (part.strip().lower() for part in text.split(","))):
        try:
            networks.append(ip_network(part))
        except ValueError:
            if not re.fullmatch(r"(?=.*[a-z])[a-z0-9]([a-z0-9.-]*[a-z0-9])?", part):
                raise ValueError(f"holds {part!r}: write networks and hosts, like 10.1.0.0/16, hooks.local.") from None
            hosts.add(part)
    return Inside(tuple(networks), frozenset(hosts))


def rate(text: str) -> str:
    """A rate limit as Flask-Limiter reads it."""
    try:
        parse_many(text)
    except ValueError:
        raise ValueError(f"is {text!r}: write a rate like 10 per minute.") from None
    return text


def kept_secret(data_dir: Path) -> str:
    """The secret kept in `data_dir`, made at the first call; readable by its owner alone."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "secret_key"
    if not path.exists():
        # Two processes may start at once: each writes a whole file of its own, one link wins.
        handle, mine = tempfile.mkstemp(dir=data_dir, prefix=".secret_key-")
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(mine, path)
        os.unlink(mine)
    return path.read_text().strip()


def _split(text: str) -> SplitResult | None:
    """The parts of a URL; None where it is none (urlsplit defers some of its errors)."""
    try:
        url = urlsplit(text)
        _ = url.port, url.hostname
    except ValueError:
        return None
    return url
