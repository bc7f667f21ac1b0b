"""All sockets of one web process, in one loop of one thread: a socket costs some memory, and no thread.

Requests hand sockets over from their threads (``take``). All else happens within the loop, so nothing here is locked
but the count of who has how many.
"""

import asyncio
import contextlib
import resource
import socket
import threading
from collections import Counter
from collections.abc import Callable, Collection, Coroutine
from typing import Any
from uuid import UUID

import orjson
import socketio
from uvicorn.server import ServerState

from portal.core import logs
from portal.messaging import push
from portal.sockets import connection
from portal.sockets.connection import GOING_AWAY, NOT_ALLOWED, Connection
from portal.sockets.listening import Listener
from portal.sockets.seats import SOCKETS, Seat

NAMESPACE = "/notifications"
MOST_OF_ONE_USER = 20
"""Sockets in one process: so many pages are open at once in few browsers."""
CHECK_SECONDS = 15.0
"""How often it is asked whether all log-ins still hold, and all pages take what they are told."""
ASKS_WITHIN_SECONDS = 10.0
"""How long after its handshake a page may take to ask for the namespace."""
DEAF_SECONDS = 5.0
"""How long Redis may be away before pages are left to ask for themselves."""
START_SECONDS = 1.0
END_SECONDS = 3.0
LogIn = tuple[UUID, UUID, int]


class Hub:
    """The sockets of this process; ``still_valid`` tells which of some log-ins hold, and may take its time."""

    def __init__(self, url: str, channel: str, still_valid: Callable[[Collection[LogIn]], set[LogIn]]) -> None:
        self._still_valid = still_valid
        self._listener = Listener(url, channel, self._heard, self._hears_again, self._hears_no_more)
        self._count: Counter[tuple[UUID, UUID]] = Counter()
        self._lock = threading.Lock()
        self._most = _half_of_the_files()
        self._open, self._begun, self._hears = True, threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="sockets", daemon=True)

    # --- from other threads ---------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; comes back once what is said is heard, or after a second without Redis."""
        self._thread.start()
        self._hears.wait(START_SECONDS)

    def has_room_for(self, seat: Seat) -> bool:
        """Whether a socket would be worth having: what is said is heard, and there are not too many."""
        with self._lock:
            few = self._count[seat.user] < MOST_OF_ONE_USER and self._count.total() < self._most
        return few and self._open and self._listener.hears

    def take(self, connected: socket.socket, head: bytes, seat: Seat) -> None:
        """Make ``connected`` the socket of ``seat``; ``head`` is the handshake that came by it."""
        connected.setblocking(False)
        try:
            self._loop.call_soon_threadsafe(self._take, connected, head, seat)
        except RuntimeError:  # the loop has just ended
            connected.close()
            return
        self._counted(seat, 1)

    def say_goodbye(self) -> None:
        """Close all sockets, and take no more. Does not wait: a signal's handler may call it."""
        self._open = False
        if self._begun.is_set() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ended.set)

    def stop(self) -> None:
        """Close all sockets and end, within some seconds."""
        with contextlib.suppress(RuntimeError):  # it has just ended by itself
            self.say_goodbye()
        self._thread.join(END_SECONDS)

    def _counted(self, seat: Seat, one: int) -> None:
        with self._lock:
            self._count[seat.user] += one
            if not self._count[seat.user]:
                del self._count[seat.user]
        SOCKETS.inc(one)

    # --- within the loop: begin and end ---------------------------------------------------------------

    async def _run(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._later: asyncio.TimerHandle | None = None
        self._state, self._tasks = ServerState(), set[asyncio.Task[None]]()
        self._server = socketio.AsyncServer(
            async_mode="asgi", transports=["websocket"], cors_allowed_origins=[], namespaces=[NAMESPACE],
            http_compression=False, max_http_buffer_size=connection.LARGEST_MESSAGE,
        )  # fmt: skip
        self._server.on("connect", self._joined, namespace=NAMESPACE)
        self._settings = connection.config(socketio.ASGIApp(self._server))
        self._begun.set()
        for work in (self._listener.listen(), self._look_after()):
            self._spawn(work)
        await self._ended.wait()
        await self._end()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)  # the loop itself does not hold it
        task.add_done_callback(self._tasks.discard)

    async def _end(self) -> None:
        until = self._loop.time() + 1
        while self._connections and self._loop.time() < until:
            self._end_all()
            await asyncio.sleep(0.02)
        for slow in self._connections:
            slow.transport.abort()
        await asyncio.sleep(0)

    @property
    def _connections(self) -> list[Connection]:
        return list(self._state.connections)  # type: ignore[arg-type]

    def _end_all(self) -> None:
        for each in self._connections:
            each.end(GOING_AWAY)

    # --- within the loop: who comes and who has to go -------------------------------------------------

    def _take(self, connected: socket.socket, head: bytes, seat: Seat) -> None:
        self._spawn(self._serve(connected, head, seat))

    async def _serve(self, connected: socket.socket, head: bytes, seat: Seat) -> None:
        made = Connection(self._settings, self._state, seat, self._parted)
        try:
            await self._loop.connect_accepted_socket(lambda: made, connected)
        except OSError:  # it went away on the way here
            connected.close()
            self._counted(seat, -1)
        else:
            made.data_received(head)

    def _parted(self, gone: Connection) -> None:
        self._counted(gone.seat, -1)

    async def _joined(self, sid: str, environ: object, auth: object = None) -> None:
        # The environment is the server's own, not the argument: any page may send an event called "connect".
        mine: Connection = self._server.get_environ(sid, NAMESPACE)["asgi.scope"]["state"]["connection"]
        mine.sid = sid
        await self._server.enter_room(sid, mine.seat.room, namespace=NAMESPACE)

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self._check()
            except Exception as error:  # the database is away, say: then nobody could log out either
                logs.get().warning("the sockets' log-ins could not be checked", error=repr(error))

    async def _check(self) -> None:
        log_ins = {each.seat.log_in for each in self._connections}
        valid = await asyncio.to_thread(self._still_valid, log_ins) if log_ins else log_ins
        now = self._loop.time()
        for each in self._connections:
            if each.is_stuck():
                each.transport.abort()  # who takes nothing would keep what waits for them
            elif each.seat.log_in in log_ins - valid:
                await self._dismiss(each)
            # A page whose log-in still lasts comes again, with the cookie that it has by now.
            elif now - each.since > (each.seat.seconds if each.sid else ASKS_WITHIN_SECONDS):
                each.end(GOING_AWAY)

    async def _dismiss(self, each: Connection) -> None:
        """End a socket for good: told in the words of Socket.IO, its page does not come again."""
        if each.sid:
            await self._server.disconnect(each.sid, namespace=NAMESPACE)
        self._loop.call_later(1, each.end, NOT_ALLOWED)

    # --- within the loop: what is said ----------------------------------------------------------------

    async def _heard(self, message: bytes) -> None:
        try:
            told = orjson.loads(message)
            if told["event"] == push.END:
                for each in self._connections:
                    if (each.seat.room, each.seat.mark) == (told["to"], told["data"]["mark"]):
                        await self._dismiss(each)
            else:
                await self._server.emit(told["event"], told["data"], room=told["to"], namespace=NAMESPACE)
        except Exception as error:
            logs.get().error("what was said to the sockets is not understood", error=repr(error))

    async def _hears_again(self) -> None:
        self._hears.set()
        if self._later:  # something was missed meanwhile: the pages look for themselves
            self._later.cancel()
            self._later = None
            await self._server.emit(push.READ, {}, namespace=NAMESPACE)

    def _hears_no_more(self) -> None:
        # A page without a socket asks every half minute; one with a deaf socket would not.
        self._later = self._loop.call_later(DEAF_SECONDS, self._end_all)


def _half_of_the_files() -> int:
    """How many sockets there may be: a server that can open no more files answers nobody."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 10_000 if files == resource.RLIM_INFINITY else files // 2
