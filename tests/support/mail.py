"""A real SMTP server on a loopback port that keeps what it is given."""

import asyncio
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller

from tests.support.postgres import free_port

WAIT_SECONDS = 10.0


class MailServer:
    """`messages` holds the mails in the order of their arrival; `refuse` names who is turned away."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.refuse: dict[str, str] = {}
        """Answers by recipient, e.g. {"gone@x.example": "550 no such mailbox"}."""
        self.slow = 0.0
        """Seconds before each mail is accepted."""
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())

    @property
    def url(self) -> str:
        """What SMTP_URL would say."""
        return f"smtp://127.0.0.1:{self._controller.port}"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails that were handed over for `address`, whatever their headers say."""
        return [message for message in self.messages if address in message["X-Rcpt-To"].split(", ")]

    def wait_for(self, count: int) -> list[EmailMessage]:
        """The mails, once there are `count` of them: for senders in another process."""
        deadline = time.monotonic() + WAIT_SECONDS
        while len(self.messages) < count:
            assert time.monotonic() < deadline, f"{len(self.messages)} of {count} mails arrived"
            time.sleep(0.02)
        return self.messages

    def clear(self) -> None:
        self.messages.clear()
        self.refuse.clear()
        self.slow = 0.0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if answer := self.refuse.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        await asyncio.sleep(self.slow)
        message = message_from_bytes(envelope.content, policy=policy.default)
        message["X-Rcpt-To"] = ", ".join(envelope.rcpt_tos)
        self.messages.append(message)
        return "250 OK"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()
