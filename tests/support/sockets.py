"""Pages' sockets without a page: one by the library's own client, or hundreds in one loop."""

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from typing import Any, Self

import socketio
from flask import Flask
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from tests.support.cast import Person
from tests.support.client import PortalClient

NAMESPACE = "/notifications"
WAIT_SECONDS = 10.0


def cookie(client: PortalClient) -> str:
    """The session of `client`, as a browser sends it."""
    found = client.get_cookie("session")
    assert found is not None
    return f"session={found.value}"


def cookie_of(app: Flask, person: Person) -> str:
    """A session of `person`."""
    client = app.test_client()
    assert isinstance(client, PortalClient)
    client.log_in(person)
    return cookie(client)


class Ear:
    """What one page hears: `heard` has events with their data and when each came (`time.monotonic`)."""

    def __init__(self, address: str, session: str = "", **options: Any) -> None:
        self._address, self._session = address, session
        self._client = socketio.Client(
            reconnection_delay=0.1, reconnection_delay_max=0.5, randomization_factor=0, **options
        )
        self._client.on("*", self._hear, namespace=NAMESPACE)
        self._client.on("disconnect", self._part, namespace=NAMESPACE)
        self._changed = threading.Condition()
        self.heard: list[tuple[str, Any]] = []
        self.times: list[float] = []
        self.parted: list[str] = []

    def __enter__(self) -> Self:
        self._client.connect(
            self._address, headers={"Cookie": self._session}, transports=["websocket"], namespaces=[NAMESPACE],
            wait_timeout=5,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self._client.shutdown()

    @property
    def is_open(self) -> bool:
        return NAMESPACE in self._client.namespaces

    def wait_for(self, count: int) -> list[tuple[str, Any]]:
        """All that was heard, once it is `count` events."""
        with self._changed:
            told = self._changed.wait_for(lambda: len(self.heard) >= count, WAIT_SECONDS)
        assert told, f"{len(self.heard)} of {count} events came"
        return self.heard

    def wait_until_parted(self) -> str:
        """Why the socket ended, once it has."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.parted, WAIT_SECONDS), "the socket is still open"
        return self.parted[0]

    def _hear(self, event: str, data: Any) -> None:
        with self._changed:
            self.times.append(time.monotonic())
            self.heard.append((event, data))
            self._changed.notify_all()

    def _part(self, reason: str) -> None:
        if reason == self._client.reason.TRANSPORT_ERROR:
            self._client.eio.ws.shutdown()  # the client forgets to close what the server has closed
        with self._changed:
            self.parted.append(reason)
            self._changed.notify_all()


class Crowd:
    """A socket for each of `sessions`; `heard` has of each what came, with its time (`time.perf_counter`)."""

    def __init__(self, address: str, sessions: Sequence[str]) -> None:
        self._address, self._sessions = address, sessions
        self.heard: list[list[tuple[float, Any]]] = [[] for _ in sessions]
        self.codes: list[int | None] = []
        """How sockets ended."""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(60), "the sockets did not open"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def count(self) -> int:
        """How many events came in all."""
        return sum(map(len, self.heard))

    def wait_until_closed(self) -> list[int | None]:
        """How the sockets ended, once all have."""
        deadline = time.monotonic() + WAIT_SECONDS
        while len(self.codes) < len(self._sessions):
            assert time.monotonic() < deadline, f"{len(self.codes)} of {len(self._sessions)} sockets ended"
            time.sleep(0.01)
        return self.codes

    async def _run(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        few = asyncio.Semaphore(20)
        joined = await asyncio.gather(*(self._open(session, few) for session in self._sessions))
        listening = [asyncio.create_task(self._listen(number, one)) for number, one in enumerate(joined)]
        self._ready.set()
        await self._over.wait()
        for one in joined:
            await one.close()
        await asyncio.gather(*listening)

    async def _open(self, session: str, few: asyncio.Semaphore) -> ClientConnection:
        url = self._address.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        async with few:
            made = await connect(
                url, origin=Origin(self._address), additional_headers={"Cookie": session}, compression=None, proxy=None,
                ping_interval=None,
            )  # fmt: skip
            assert str(await made.recv()).startswith("0{")
            await made.send(f"40{NAMESPACE},")
            assert str(await made.recv()).startswith(f"40{NAMESPACE},{{")
        return made

    async def _listen(self, number: int, one: ClientConnection) -> None:
        async for message in one:
            if message == "2":
                await one.send("3")
            elif str(message).startswith(f"42{NAMESPACE},"):
                self.heard[number].append((time.perf_counter(), json.loads(str(message).partition(",")[2])))
        self.codes.append(one.close_code)
