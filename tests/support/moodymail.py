"""A real SMTP server that has bad days: it can be away, refuse, hang at a step, or hang up after it took a mail.

Its steps, in their order: EHLO, MAIL, RCPT, DATA (the mail is there, and not yet taken), TAKEN (it is taken, and its
sender does not know yet). What it has taken stands in `taken`, in the order in which it took it.
"""

import asyncio
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from portal.core import clock
from tests.support.mail import MailServer
from tests.support.processes import WAIT_SECONDS

STEPS = ("EHLO", "MAIL", "RCPT", "DATA", "TAKEN")


@dataclass(frozen=True)
class Taken:
    """One mail that the server took: for whom, when by the portal's clock, and by the one that never jumps."""

    address: str
    message_id: str
    message: EmailMessage
    at: datetime
    moment: float


@dataclass
class Gate:
    """Holds the first who comes to a step until it is let through or turned out."""

    reached: threading.Event = field(default_factory=threading.Event)
    _decided: threading.Event = field(default_factory=threading.Event)
    _through: bool = False

    def wait(self) -> None:
        """Until somebody stands at the gate."""
        assert self.reached.wait(WAIT_SECONDS), "nobody came to the gate"

    def let_through(self) -> None:
        self._through = True
        self._decided.set()

    def turn_out(self) -> None:
        """Hangs up on who stands there: for one who was killed, and to whom nothing more must happen."""
        self._decided.set()

    async def passes(self) -> bool:
        self.reached.set()
        await asyncio.to_thread(self._decided.wait, WAIT_SECONDS)
        return self._through


class MoodyMailServer(MailServer):
    """`answers` is what it says at a step instead of yes, e.g. {"DATA": "451 later"}."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[Taken] = []
        self.answers: dict[str, str] = {}
        self.hangs_up: set[str] = set()
        """The steps at which it breaks the connection without a word."""
        self.is_down = False
        self._gates: dict[str, Gate] = {}

    def hold(self, step: str) -> Gate:
        """The next who comes to ``step`` waits there."""
        self._gates[step] = Gate()
        return self._gates[step]

    def go_down(self) -> None:
        """Nothing listens any more, and who was connected no longer is."""
        self._controller.stop()
        self.is_down = True

    def come_up(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self._controller.port)
        self._controller.start()
        self.is_down = False

    def clear(self) -> None:
        if self.is_down:
            self.come_up()
        super().clear()
        for kept in (self.taken, self.answers, self.hangs_up, self._gates):
            kept.clear()

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, host: str, said: list[str]) -> list[str]:
        session.host_name = host
        answer = await self._mood("EHLO", server)
        return [answer] if answer else said

    async def handle_HELO(self, server: Any, session: Any, envelope: Any, host: str) -> str:
        session.host_name = host
        return await self._mood("EHLO", server) or "250 hello"  # who was refused as EHLO tries it this way

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if answer := await self._mood("MAIL", server):
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        answer = await self._mood("RCPT", server)
        return answer or await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if answer := await self._mood("DATA", server):
            return answer
        said = await super().handle_DATA(server, session, envelope)
        mail = self.messages[-1]
        at, moment = clock.now(), time.monotonic()
        self.taken += [Taken(one, str(mail["Message-ID"]), mail, at, moment) for one in envelope.rcpt_tos]
        return await self._mood("TAKEN", server) or said

    async def _mood(self, step: str, server: Any) -> str:
        """'' where all is well; 421 to one who is hung up on, and will not hear it."""
        gate = self._gates.pop(step, None)
        out = gate is not None and not await gate.passes()
        if out or step in self.hangs_up:
            server.transport.abort()
            return "421 closing"
        return self.answers.get(step, "")
