"""One request to one receiver: to the very address that was judged, within ten seconds in all, no redirect followed."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from portal.core.types import LongText
from portal.settings_checks import Inside
from portal.webhooks.gate import Destination, Refused, destination

CONNECT_SECONDS = 3.0
WHOLE_SECONDS = 10.0
KEPT = 2_000  # characters of an answer
_READ = 4 * KEPT  # bytes, of which a character has four at most
_AGENT = "Greenroom-Webhooks/1"


@dataclass(frozen=True)
class Outcome:
    """``error`` is '' where the receiver took it. ``silent`` says that nobody answered at all; ``wait`` are the
    seconds for which the receiver wants to be left alone."""

    code: int | None = None
    answer: str = ""
    error: str = ""
    silent: bool = False
    wait: int = 0


def send(url: str, body: bytes, headers: Mapping[str, str], allowed: Inside) -> Outcome:
    """POST ``body`` to ``url``; whatever happens is an Outcome."""
    try:
        return _sent(destination(url, allowed), body, headers)
    except Refused as refused:
        return Outcome(error=str(refused))
    except TimeoutError:
        return Outcome(error=f"No answer within {WHOLE_SECONDS:.0f} seconds.", silent=True)
    except socket.gaierror:
        return Outcome(error="The name of the host is not known.", silent=True)
    except ssl.SSLCertVerificationError as error:
        return Outcome(error=f"Its certificate does not hold: {error.verify_message}.", silent=True)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Outcome(error=f"It could not be reached: {_plainly(error)}.", silent=True)


def _plainly(error: Exception) -> str:
    return (getattr(error, "strerror", None) or type(error).__name__)[:200]


def _sent(to: Destination, body: bytes, headers: Mapping[str, str]) -> Outcome:
    ends = time.monotonic() + WHOLE_SECONDS
    connection = _Direct(to)
    try:
        connection.reach()
        with _ended_at(connection, ends):
            connection.greet()
            return _answered(connection, to, body, headers)
    finally:
        connection.close()


def _answered(connection: http.client.HTTPConnection, to: Destination, body: bytes, headers: Any) -> Outcome:
    given = {"Content-Type": "application/json", "User-Agent": _AGENT, "Connection": "close", **headers}
    connection.request("POST", to.path, body, {"Host": to.authority, **given})
    response = connection.getresponse()
    said = LongText.clean(response.read(_READ).decode("utf-8", "replace"))[:KEPT]
    return Outcome(response.status, said, _why_not(response), wait=_wait(response))


def _why_not(response: http.client.HTTPResponse) -> str:
    if 200 <= response.status < 300:
        return ""
    if 300 <= response.status < 400:
        return f"It answered {response.status}: a redirect, which is not followed."
    return f"It answered {response.status}."


def _wait(response: http.client.HTTPResponse) -> int:
    """What Retry-After says in seconds, an hour at most; dates are not read."""
    said = response.getheader("Retry-After", "") if response.status in (429, 503) else ""
    return min(int(said), 3600) if said.isascii() and said.isdecimal() and len(said) < 9 else 0


@contextlib.contextmanager
def _ended_at(connection: "_Direct", ends: float) -> Iterator[None]:
    """Cut the connection at ``ends``, whatever it is at, and raise TimeoutError then: a socket's own time begins anew
    with each byte that drips in."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connection.wire, socket.SHUT_RDWR)  # TLS would first want to say goodbye

    timer = threading.Timer(max(ends - time.monotonic(), 0), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException):
        if not late.is_set():
            raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError


class _Direct(http.client.HTTPConnection):
    """A connection to one of the addresses of ``to``. TLS is still asked for by the host's name, and the certificate
    judged by it. ``wire`` is its socket, also when the answer is all that is left to be read."""

    wire: socket.socket

    def __init__(self, to: Destination) -> None:
        super().__init__(to.host, to.port)
        self._to = to

    def reach(self) -> None:
        """Connect to the first address that answers, within three seconds in all."""
        ends = time.monotonic() + CONNECT_SECONDS
        failure: OSError = OSError("it has no address")
        for address in self._to.addresses:
            if (left := ends - time.monotonic()) <= 0:
                break
            try:
                self.wire = self.sock = socket.create_connection((address, self._to.port), timeout=left)
                self.wire.settimeout(WHOLE_SECONDS)
                return
            except OSError as error:
                failure = error
        raise failure

    def greet(self) -> None:
        if self._to.tls:
            self.wire = self.sock = _tls().wrap_socket(self.wire, server_hostname=self._to.host)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """With the certificates that the machine trusts; SSL_CERT_FILE names others."""
    return ssl.create_default_context()
