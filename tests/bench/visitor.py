"""A person at a browser, as far as measuring needs one: a connection that is kept, cookies, forms."""

import re
import time
from dataclasses import dataclass
from html.parser import HTMLParser
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

PATIENCE = 1.0
"""Seconds without a request after which a connection is made anew: gunicorn closes one after two."""


@dataclass(frozen=True)
class Answer:
    """An answer with its times in seconds, from the request to its first and to its last byte.

    ``second_block`` is when more came than the first block: of a file, the first row after the header.
    """

    status: int
    location: str
    body: bytes
    first_byte: float
    second_block: float
    seconds: float
    size: int

    @property
    def text(self) -> str:
        return self.body.decode()

    def expect(self, *statuses: int) -> "Answer":
        """This answer; raises RuntimeError where its status is none of these, so that no error page is measured."""
        if self.status not in statuses:
            told = re.sub(r"<[^>]+>|\s+", " ", self.body[:20_000].decode(errors="replace"))
            raise RuntimeError(f"answered {self.status} instead of {statuses}: {told[-600:]}")
        return self


class Visitor:
    """One person with one connection; not for several threads at once."""

    def __init__(self, address: str, token: str = "") -> None:
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=300)
        self._token = token
        self._cookies: dict[str, str] = {}
        self._used = 0.0

    def log_in(self, email: str, password: str) -> "Visitor":
        """Through the form, as everyone does."""
        fields = {"email": email, "password": password, "csrf_token": self.get("/login").expect(200).token}
        self.post("/login", fields).expect(302)
        return self

    def get(self, path: str, *, keep: bool = True) -> "Page":
        return self._send("GET", path, None, keep)

    def post(self, path: str, fields: dict[str, str] | list[tuple[str, str]]) -> "Page":
        return self._send("POST", path, urlencode(fields), True)

    def close(self) -> None:
        self._connection.close()

    def _send(self, method: str, path: str, body: str | None, keep: bool) -> "Page":
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if time.perf_counter() - self._used > PATIENCE:
            self._connection.close()  # the server has, or is about to
        began = time.perf_counter()
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        blocks, size, first, second = [], 0, 0.0, 0.0
        while block := response.read1(1 << 20):
            second = second or (time.perf_counter() - began if first else 0.0)
            first = first or time.perf_counter() - began
            size += len(block)
            if keep:
                blocks.append(block)
        response.read()  # nothing is left, but only this frees the connection for the next request
        self._used = time.perf_counter()
        ended = self._used - began
        for line in response.headers.get_all("Set-Cookie") or []:
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        location = response.headers.get("Location", "")
        return Page(response.status, location, b"".join(blocks), first or ended, second or ended, ended, size)


class Page(Answer):
    """An answer with forms in it."""

    def expect(self, *statuses: int) -> "Page":
        super().expect(*statuses)
        return self

    @property
    def token(self) -> str:
        """What its forms carry against forgery."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.text)
        if found is None:
            raise RuntimeError("there is no form on this page")
        return found[1]

    def fields(self, action: str) -> list[tuple[str, str]]:
        """What the form that goes to ``action`` would send as it stands."""
        reader = _FormReader(action)
        reader.feed(self.text)
        return reader.fields


class _FormReader(HTMLParser):
    def __init__(self, action: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self._action, self._inside = action, False
        self._select = self._textarea = ""
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("action", "").split("?")[0] == self._action
        if not self._inside:
            return
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "input" and name and given.get("type") not in ("submit", "button"):
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self.fields.append((name, value))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.fields.append((self._select, value))
        elif tag == "textarea":
            self._textarea, self._text = name, []

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = ""
        elif tag == "textarea" and self._textarea:
            self.fields.append((self._textarea, "".join(self._text).removeprefix("\n")))
            self._textarea = ""
