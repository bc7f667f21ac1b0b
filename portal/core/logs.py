"""One structured line per thing that happened, with the request's or job's id and never a secret."""

import logging
import sys

import structlog

from portal.core.context import acting

_SECRET = ("password", "secret", "token", "authorization", "cookie")


def _who(logger: object, name: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    who = acting()
    if who.request_id:
        line["request_id"] = who.request_id
    return line


def _hide(logger: object, name: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for key in line:
        if any(word in key.lower() for word in _SECRET):
            line[key] = "•••"
    return line


def configure(level: str = "INFO", *, json: bool = False) -> None:
    """Set logging up once per process; JSON lines in production, readable ones elsewhere."""
    renderer = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.add_log_level,
            _who,
            _hide,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def get() -> structlog.typing.FilteringBoundLogger:
    return structlog.get_logger()  # type: ignore[no-any-return]
