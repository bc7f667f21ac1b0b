"""Column types that carry their own rule, so that forms, API and imports check the same thing."""

import enum
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import nh3
import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect

Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite, which drops zones, holds it naive."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a zone reached the database")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        # PostgreSQL's come in UTC, which is our connections' zone (see db.CONNECT): a page has hundreds of them.
        return None if dialect.name == "postgresql" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.replace(tzinfo=UTC)


class Ruled(sa.types.TypeDecorator[str]):
    """A string type with a rule; ``clean`` answers the value to keep or raises ValueError in words."""

    impl = sa.String
    cache_ok = True
    kind = "text"

    @staticmethod
    def clean(value: str) -> str:
        return value


_UNFIT = ("Cc", "Cs")  # control characters, and surrogates, which JSON can hold one by one and no database


class PlainText(Ruled):
    """One line of plain text: control characters and halves of characters go, what remains is kept as typed."""

    cache_ok = True

    @staticmethod
    def clean(value: str) -> str:
        return "".join(c for c in value if unicodedata.category(c) not in _UNFIT).strip()


class LongText(Ruled):
    """Plain text of several lines."""

    cache_ok = True
    impl = sa.Text
    kind = "textarea"

    @staticmethod
    def clean(value: str) -> str:
        text = value.replace("\r\n", "\n").replace("\r", "\n")
        return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in _UNFIT).strip()


class RichText(Ruled):
    """Text with a small safe set of tags; everything else is taken out."""

    cache_ok = True
    impl = sa.Text
    kind = "rich"
    tags = frozenset({"p", "br", "b", "strong", "i", "em", "u", "ul", "ol", "li", "a", "blockquote"})

    @staticmethod
    def clean(value: str) -> str:
        return nh3.clean(LongText.clean(value), tags=set(RichText.tags), url_schemes={"http", "https", "mailto"})

    @staticmethod
    def lines(value: str) -> str:
        """``value`` cleaned, as HTML; what was typed without tags keeps its lines."""
        clean = RichText.clean(value)
        return clean if "<" in clean else clean.replace("\n", "<br>")

    @staticmethod
    def plain(value: str) -> str:
        """Rich text as plain text reads: a line for each paragraph and item, addresses after their links."""
        reader = _Plain()
        reader.feed(RichText.clean(value))
        reader.close()
        return reader.text()


class _Plain(HTMLParser):
    """Reads cleaned rich text; lists may stand within lists."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.lists: list[int | None] = []  # of each list that is open, the number of its last item; None for bullets
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("p", "br", "blockquote"):
            self.parts.append("\n" if tag == "br" else "\n\n")
        elif tag in ("ul", "ol"):
            self.parts.append("" if self.lists else "\n")
            self.lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self.parts.append("\n" + "  " * (len(self.lists) - 1) + self._mark())
        elif tag == "a":
            self.links.append(dict(attrs).get("href") or "")

    def _mark(self) -> str:
        number = self.lists[-1] if self.lists else None
        if number is None:
            return "- "
        self.lists[-1] = number + 1
        return f"{number + 1}. "

    def handle_endtag(self, tag: str) -> None:
        if tag in ("ul", "ol") and self.lists:
            self.lists.pop()
        if tag in ("p", "blockquote", "ul", "ol") and not self.lists:
            self.parts.append("\n\n")
        if tag == "a" and self.links:
            href = self.links.pop()
            self.parts.append(f" ({href})" if href and not "".join(self.parts).endswith(href) else "")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def text(self) -> str:
        lines = [line.rstrip() for line in "".join(self.parts).split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class EmailAddress(Ruled):
    """A valid address in lower case, since people do not tell addresses apart by case."""

    cache_ok = True
    kind = "email"

    @staticmethod
    def clean(value: str) -> str:
        try:
            return validate_email(value.strip(), check_deliverability=False).normalized.lower()
        except EmailNotValidError as error:
            raise ValueError(f"This is not an e-mail address: {error}") from None


class WebUrl(Ruled):
    """An http or https address with a host."""

    cache_ok = True
    kind = "url"

    @staticmethod
    def clean(value: str) -> str:
        value = value.strip()
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and bool(parts.hostname)
            _ = parts.port
        except ValueError:
            good = False
        if not good or re.search(r"[\s<>\"]", value):
            raise ValueError("Write a full web address that starts with http:// or https://.")
        return value


class Zone(Ruled):
    """The name of an IANA time zone."""

    cache_ok = True
    kind = "zone"

    @staticmethod
    def clean(value: str) -> str:
        value = value.strip()
        if value not in zone_names():
            raise ValueError(f"“{value}” is not a time zone. Choose one such as Europe/Berlin.")
        return value


class Choice(sa.types.TypeDecorator[str]):
    """One value of a StrEnum, held as text under a CHECK constraint (added when the table is built)."""

    impl = sa.String
    cache_ok = True

    def __init__(self, members: type[enum.StrEnum]) -> None:
        self.members = members
        super().__init__(32)

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return sa.String()


class Rating(sa.types.TypeDecorator[int]):
    """A whole number from 1 to 5."""

    impl = sa.SmallInteger
    cache_ok = True


_zones: frozenset[str] = frozenset()


def zone_names() -> frozenset[str]:
    """The zones people may choose, without the aliases of the operating system."""
    global _zones
    if not _zones:
        _zones = frozenset(
            name for name in available_timezones() if name == "UTC" or ("/" in name and not name.startswith("Etc/"))
        )
    return _zones


# ZoneInfo keeps the last eight, and reads the others from their files each time: people sit in more zones than that.
@lru_cache(maxsize=1024)
def zone(name: str | None, default: str = "UTC") -> ZoneInfo:
    """The zone called ``name``; the default where it is missing or unknown."""
    return ZoneInfo(name if name in zone_names() and name else default)


def days_later(at: datetime, days: int, zone_name: str) -> datetime:
    """The moment at which the clocks of a zone show the same time ``days`` later (earlier with a minus).

    A time that the clocks skip that day moves on by as much as they do, one that they show twice is the first
    (RFC 5545, 3.3.5).
    """
    here = zone(zone_name)
    wall = at.astimezone(here).replace(tzinfo=None) + timedelta(days=days)
    return wall.replace(tzinfo=here).astimezone(UTC)


def fold(text: str) -> str:
    """Text as the search compares it: without case and accents."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


def number(count: int, noun: str, plural: str = "") -> str:
    """``1,200 applications``; ``plural`` where it is not the noun with an s."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


@lru_cache(maxsize=1024)  # states and choices, of which a page has hundreds
def words(name: str) -> str:
    """``no_show`` as people read it: ``No show``."""
    return name.replace("_", " ").capitalize()
