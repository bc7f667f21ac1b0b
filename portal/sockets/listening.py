"""Hears what is said on the channel of one Redis, for as long as it is there, and again once it is back."""

import asyncio
from collections.abc import Awaitable, Callable

import redis.asyncio
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from portal.core import logs

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
ASK_SECONDS = 10.0
"""After this long without a word Redis is asked whether it is there; without an answer in as long again, it is not."""


class Listener:
    """``hears`` says whether what is said now is heard; ``heard`` gets each message, ``back`` is called each time that
    hearing begins, ``lost`` when it ends."""

    def __init__(
        self, url: str, channel: str, heard: Callable[[bytes], Awaitable[None]],
        back: Callable[[], Awaitable[None]], lost: Callable[[], None],
    ) -> None:  # fmt: skip
        self._url, self._channel = url, channel
        self._heard, self._back, self._lost = heard, back, lost
        self.hears = False

    async def listen(self) -> None:
        """Until it is cancelled."""
        pause = FIRST_PAUSE
        while True:
            try:
                await self._listen()
            except (redis.RedisError, OSError) as error:
                pause = FIRST_PAUSE if self.hears else min(2 * pause, LONGEST_PAUSE)
                logs.get().warning("the sockets do not hear the queue", error=str(error), again_in=pause)
            finally:
                if self.hears:
                    self.hears = False
                    self._lost()
            await asyncio.sleep(pause)

    async def _listen(self) -> None:
        there = redis.asyncio.Redis.from_url(
            self._url, socket_connect_timeout=2, socket_timeout=None, retry=Retry(NoBackoff(), 0)
        )
        async with there, there.pubsub() as channel:
            await channel.subscribe(self._channel)
            asked = False
            while True:
                message = await channel.get_message(timeout=ASK_SECONDS)
                if message is None:
                    await self._ask(channel, asked)
                    asked = True
                    continue
                asked = False
                await self._take(message)

    async def _take(self, message: dict[str, object]) -> None:
        if message["type"] == "subscribe":
            self.hears = True
            await self._back()
        elif message["type"] == "message" and isinstance(message["data"], bytes):
            await self._heard(message["data"])

    async def _ask(self, channel: PubSub, asked: bool) -> None:
        # A line that is cut without a word is one on which nothing comes: nobody else would notice.
        if asked:
            raise redis.ConnectionError("no answer")
        await channel.ping()
