"""Where messages leave the portal. A channel takes one message or says which of three things went wrong."""

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol

from portal.settings import Settings
from portal.settings_checks import SmtpServer

TIMEOUT = 10.0
"""Seconds that a mail server may take for one answer."""


class NotSent(Exception):
    """``in_doubt`` is whether the message may have arrived all the same."""

    def __init__(self, reason: str, *, in_doubt: bool = False) -> None:
        super().__init__(reason)
        self.in_doubt = in_doubt


class Refused(NotSent):
    """For good: the address does not exist, or the message is not wanted there."""


class Deferred(NotSent):
    """For now: this message may be tried again later."""


class Broken(Deferred):
    """The connection ended in the middle: the message may have arrived, and the next one needs a new connection."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, in_doubt=True)


class Down(NotSent):
    """The other side is not there, or takes nothing from us: there is no use in trying further messages."""


class Post(Protocol):
    def send(self, address: str, message: EmailMessage) -> None:
        """Hand ``message`` over to ``address``; raises Refused, Deferred or Down."""


@contextlib.contextmanager
def post(settings: Settings) -> Iterator[Post]:
    """The way out for mails: the mail server of SMTP_URL, on one connection, else the outbox folder."""
    if settings.smtp is None:
        yield Folder(settings.data_dir / "outbox")
        return
    server = MailServer(settings.smtp)
    try:
        yield server
    finally:
        server.close()


class Folder:
    """Mails as files that any mail program opens; the same mail again replaces its file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, address: str, message: EmailMessage) -> None:
        name = str(message["Message-ID"]).strip("<>").partition("@")[0]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part = self._folder / f".{name}.part"
            part.write_bytes(message.as_bytes())
            part.replace(self._folder / f"{name}.eml")
        except OSError as error:
            raise Down(f"The outbox folder cannot be written: {error}") from error


class MailServer:
    """An SMTP connection that is opened with the first mail."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._connection: smtplib.SMTP | None = None

    def send(self, address: str, message: EmailMessage) -> None:
        connection = self._connection or self._connect()
        sender = message["From"].addresses[0].addr_spec
        recipient = ascii_domain(address)
        try:
            with _translated():
                connection.sendmail(sender, [recipient], *_content(message, recipient))
        except (Down, Broken):
            self.close()
            raise

    def check(self) -> None:
        """Connect and log in, and send nothing; raises Down."""
        self._connect()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                connection.quit()
            connection.close()

    def _connect(self) -> smtplib.SMTP:
        to = self._server
        try:
            if to.tls:
                connection: smtplib.SMTP = smtplib.SMTP_SSL(
                    to.host, to.port, timeout=TIMEOUT, context=ssl.create_default_context()
                )
            else:
                connection = smtplib.SMTP(to.host, to.port, timeout=TIMEOUT)
        except (OSError, smtplib.SMTPException) as error:
            raise Down(f"The mail server {to.host}:{to.port} does not answer: {error}") from error
        self._connection = connection
        try:
            connection.ehlo_or_helo_if_needed()
            if not to.tls and connection.has_extn("starttls"):
                connection.starttls(context=self._context())
                connection.ehlo()
            if to.user is not None:
                connection.login(to.user, to.password or "")
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Down(f"The mail server {to.host}:{to.port} does not let us in: {error}") from error
        return connection

    def _context(self) -> ssl.SSLContext:
        """A password is shown only to the server that was meant; without one, any encryption beats none."""
        if self._server.user is not None:
            return ssl.create_default_context()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


def ascii_domain(address: str) -> str:
    """The address with its domain as DNS writes it, so that only a local part may need SMTPUTF8."""
    local, _, domain = address.rpartition("@")
    return address if domain.isascii() else f"{local}@{domain.encode('idna').decode()}"


def _content(message: EmailMessage, recipient: str) -> tuple[bytes, list[str]]:
    if recipient.isascii():
        return message.as_bytes(), []
    # Only a local part beyond ASCII needs the extension: everything else is encoded.
    spelt_out: Any = message.policy.clone(utf8=True)  # type: ignore[call-arg]
    return message.as_bytes(policy=spelt_out), ["SMTPUTF8", "BODY=8BITMIME"]


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """What smtplib raises, as one of ours."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise _by_code(code, text) from error
    except smtplib.SMTPDataError as error:
        raise _by_code(error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Refused(f"The mail server cannot take this address: {error}") from error
    except smtplib.SMTPResponseException as error:  # it refuses us as the sender, or our log-in
        raise Down(_words(error.smtp_code, error.smtp_error)) from error
    except (OSError, smtplib.SMTPException) as error:  # the connection broke: nobody knows what arrived
        raise Broken(f"The connection to the mail server broke: {error}") from error


def _by_code(code: int, text: bytes | str) -> NotSent:
    if code == 421:
        return Down(_words(code, text))
    return Refused(_words(code, text)) if code >= 500 else Deferred(_words(code, text))


def _words(code: int, text: bytes | str) -> str:
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"The mail server answered {code} {said}".strip()
