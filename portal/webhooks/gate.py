"""Where a webhook may lead: out of the house, by https. What lies inside is refused, unless WEBHOOK_ALLOW_INSIDE lets
it through, by its name or its network; and what is let through may be spoken to by http as well.

Names are resolved here, and what is answered is the very addresses that were judged: who connects uses these, and asks
no name server again, whose answer might be another one by then.
"""

import ipaddress
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from portal.settings_checks import Inside

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
SAVING_SECONDS = 2.0
"""How long who saves a webhook waits for a name server. What is not known by then is judged when it is sent."""

# What Python counts as public and yet leads inside, or to somewhere that no receiver is.
_MORE = tuple(ipaddress.ip_network(text) for text in (
    "100.64.0.0/10",  # carriers' own
    "168.63.129.16/32",  # Azure's metadata
    "192.0.0.0/24", "192.88.99.0/24",
    "64:ff9b::/96", "64:ff9b:1::/48",  # IPv4 behind IPv6
    "2001::/23", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
))  # fmt: skip


class Refused(Exception):
    """Webhooks may not be sent there; in words for who keeps them, without an address of ours."""


@dataclass(frozen=True)
class Destination:
    """``addresses`` are what to connect to, for ``host``, as whose name the server must show itself."""

    host: str
    port: int
    tls: bool
    path: str
    addresses: tuple[str, ...]

    @property
    def authority(self) -> str:
        """The Host header."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.tls else 80) else f"{name}:{self.port}"


def destination(url: str, allowed: Inside) -> Destination:
    """Where ``url`` leads now. Raises Refused, or OSError where its name is not known."""
    parts = urlsplit(url)
    host, tls = (parts.hostname or "").rstrip("."), parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    found = tuple(dict.fromkeys(_resolve(host, port)))
    _judge(host, [ipaddress.ip_address(text) for text in found], tls, allowed)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return Destination(host, port, tls, path, found)


def check(url: str, allowed: Inside) -> None:
    """For who saves a webhook: raises Refused where it is known already that nothing may be sent there."""
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise Refused("Leave out the name and the password: the signature says who is calling.")
    if not url.isascii():
        raise Refused("Write the address in ASCII letters, its name as in xn--….")
    try:
        _within(SAVING_SECONDS, lambda: destination(url, allowed))
    except OSError:
        if parts.scheme != "https" and (parts.hostname or "") not in allowed.hosts:
            raise Refused(_ONLY_HTTPS) from None


def is_inside(address: Address) -> bool:
    """Whether an address is not one of the open internet: our own, somebody's private, or none at all."""
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return is_inside(mapped)
    if address.is_multicast or address.is_reserved or address.is_unspecified or not address.is_global:
        return True
    return any(address in network for network in _MORE if network.version == address.version)


_ONLY_HTTPS = "Write an address that starts with https://: what is sent tells of people."


def _judge(host: str, addresses: list[Address], tls: bool, allowed: Inside) -> None:
    if host.lower() in allowed.hosts:
        return
    through = [any(_plain(a) in network for network in allowed.networks) for a in addresses]
    if any(is_inside(address) and not let for address, let in zip(addresses, through, strict=True)):
        raise Refused(f"{host} points inside the network, where webhooks are not sent.")
    if not tls and not all(through):
        raise Refused(_ONLY_HTTPS)


def _plain(address: Address) -> Address:
    return getattr(address, "ipv4_mapped", None) or address


def _resolve(host: str, port: int) -> list[str]:
    """All addresses of a host; whatever way an address is written (0x7f.1, 2130706433), it comes out as one."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError(f"{host} is no name of a host") from None
    return [str(entry[4][0]).partition("%")[0] for entry in found]


def _within(seconds: float, question: Callable[[], object]) -> None:
    """Ask, but wait for so long only: a name server that is silent cannot be interrupted."""
    raised: list[Exception] = []

    def ask() -> None:
        try:
            question()
        except (Refused, OSError) as error:
            raised.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    if thread.is_alive():
        raise OSError("the name server is silent")
