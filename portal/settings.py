"""Settings: read once from the environment, checked as a whole, then never changed (SPEC §9).

`Settings.from_env()` is the only reader of the environment. It reports every wrong value at once,
in words that say what to write, so that a start fails one time and not once per mistake.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from portal import settings_checks as checks

T = TypeVar("T")
Env = Literal["development", "test", "production"]
ENVS: tuple[Env, ...] = ("development", "test", "production")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(Exception):
    """Settings are wrong or missing: `problems` holds a sentence for each, and so does `str()`."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        count = "One setting is" if len(problems) == 1 else f"{len(problems)} settings are"
        super().__init__("\n  ".join([f"{count} wrong or missing:", *problems]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All that the portal is told from outside.

    Secrets, and URLs that may carry one, stay out of the repr.
    """

    env: Env
    data_dir: Path
    """Where the portal keeps its files: database, queue, outbox, exports (GREENROOM_DATA)."""
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    smtp_url: str | None = field(repr=False)
    """None: mails are kept in the outbox folder below `data_dir`."""
    mail_from: str
    inbound_address: str
    """Where calendars send the replies to invitations."""
    inbound_token: str | None = field(repr=False)
    """What a mail server that passes mails on must show; None: `/inbound-mail` does not exist."""
    base_url: str
    """What the links in mails begin with; no slash at its end."""
    host: str
    port: int
    metrics_token: str | None = field(repr=False)
    """None: `/metrics` answers the loopback address only."""
    session_hours: int
    """How long a log-in lasts without a request, in hours."""
    trusted_proxies: int
    """How many proxies of ours stand before the portal: their X-Forwarded headers are believed, no others."""
    login_rate: str
    """Log-ins from one address, as in "10 per minute"."""
    api_read_rate: str
    """Reads with one token, and below it writes, in the same form."""
    api_write_rate: str
    webhook_allow_inside: checks.Inside
    """Networks and hosts of our own side to which webhooks may be sent all the same, by http too."""
    log_level: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Settings from `environ`, or from the environment of this process.

        Outside production, a missing SECRET_KEY is made once and kept in the data folder.

        Raises:
            SettingsError: naming each wrong or missing setting and what to write instead.
        """
        reader = _Reader(os.environ if environ is None else environ)
        found = reader.read()
        if reader.problems:
            raise SettingsError(reader.problems)
        # Makes a file, so only now that nothing else stands in the way.
        found["secret_key"] = found["secret_key"] or checks.kept_secret(found["data_dir"])
        return cls(**found)

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    @property
    def uses_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def queue_is_embedded(self) -> bool:
        """Whether the queue is the server that `make run` starts, not one that REDIS_URL names."""
        return self.redis_url == checks.embedded_queue_url(self.data_dir)

    @property
    def smtp(self) -> checks.SmtpServer | None:
        """SMTP_URL in its parts; None where mails go to the outbox folder."""
        return checks.smtp_server(self.smtp_url) if self.smtp_url else None


class _Reader:
    """Reads one environment and collects what is wrong, instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def read(self) -> dict[str, Any]:
        """Values by field name; those that `problems` speaks of are None."""
        env = self._get("ENV", checks.one_of(ENVS), default="development")
        data_dir = self._get("GREENROOM_DATA", checks.folder, default="var")
        return {
            "env": env,
            "data_dir": data_dir,
            **self._services(env == "production", data_dir or Path("var")),
            **self._addresses(env == "production"),
            **self._limits(),
        }

    def _services(self, production: bool, data_dir: Path) -> dict[str, Any]:
        needed = partial(self._get, needed=production)
        return {
            "database_url": needed(
                "DATABASE_URL",
                checks.postgres_url if production else checks.database_url,
                default=checks.sqlite_url(data_dir / "greenroom.db"),
                example=checks.DATABASE_EXAMPLE,
            ),
            "redis_url": needed(
                "REDIS_URL",
                checks.redis_url,
                default=checks.embedded_queue_url(data_dir),
                example=checks.REDIS_EXAMPLE,
            ),
            "secret_key": needed(
                "SECRET_KEY",
                checks.long_secret if production else str,
                default=None,
                example=checks.SECRET_EXAMPLE,
            ),
        }

    def _addresses(self, production: bool) -> dict[str, Any]:
        host = self._get("HOST", checks.host, default="127.0.0.1")
        port = self._get("PORT", checks.whole(1, 65535), default="8000")
        base_url = self._get(
            "BASE_URL",
            checks.base_url,
            default=checks.local_url(host or "127.0.0.1", port or 8000),
            example=checks.BASE_URL_EXAMPLE,
            needed=production,
        )
        smtp_url = self._get("SMTP_URL", checks.smtp_url)
        sender = self._get("MAIL_FROM", checks.sender, default=checks.default_sender(base_url or ""))
        return {
            "host": host,
            "port": port,
            "base_url": base_url,
            "smtp_url": smtp_url,
            "mail_from": sender,
            "inbound_address": self._get("INBOUND_ADDRESS", checks.address, default=parseaddr(sender or "")[1]),
            "inbound_token": self._get("INBOUND_TOKEN", checks.token),
            "metrics_token": self._get("METRICS_TOKEN", checks.token),
        }

    def _limits(self) -> dict[str, Any]:
        return {
            "session_hours": self._get("SESSION_HOURS", checks.whole(1, 720), default="12"),
            "trusted_proxies": self._get("TRUSTED_PROXIES", checks.whole(0, 9), default="0"),
            "login_rate": self._get("LOGIN_RATE", checks.rate, default="10 per minute"),
            "api_read_rate": self._get("API_READ_RATE", checks.rate, default="600 per minute"),
            "api_write_rate": self._get("API_WRITE_RATE", checks.rate, default="120 per minute"),
            "webhook_allow_inside": self._get("WEBHOOK_ALLOW_INSIDE", checks.inside, default=","),
            "log_level": self._get("LOG_LEVEL", checks.one_of(LOG_LEVELS), default="INFO"),
        }

    def _get(
        self,
        name: str,
        check: Callable[[str], T],
        *,
        default: str | None = None,
        example: str = "",
        needed: bool = False,
    ) -> T | None:
        """The setting, checked. An empty one counts as not given; a `needed` one has no default."""
        text = self._environ.get(name, "").strip() or (None if needed else default)
        if text is None:
            if needed:
                self.problems.append(f"{name} is missing: write {example}.")
            return None
        try:
            return check(text)
        except ValueError as problem:
            self.problems.append(f"{name} {problem}")
            return None
