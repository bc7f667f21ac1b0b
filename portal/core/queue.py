"""The queue, as the portal uses it: it makes things quick, and nothing depends on it.

Every call answers within half a second whether or not Redis does, and none raises. After a failure the queue is
left alone for some seconds, so that a Redis that is down slows nobody down.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from portal.core import logs

T = TypeVar("T")
QUEUES = ("default", "exports", "webhooks")
ANSWER_SECONDS = 0.25
REST_SECONDS = 3.0
RUNG = "greenroom:rung"
RUNG_SECONDS = 30
JOB_SECONDS = {"default": 600, "exports": 3600, "webhooks": 600}


def channel(url: str, name: str) -> str:
    """What the channel ``name`` is called in Redis. Channels know no databases: who shares a Redis would hear us."""
    database = redis.connection.parse_url(url).get("db", 0)  # type: ignore[no-untyped-call]
    return f"greenroom:{database}:{name}"


class JobQueue:
    """The queues of one Redis."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._redis = redis.Redis.from_url(
            url, socket_connect_timeout=ANSWER_SECONDS, socket_timeout=ANSWER_SECONDS, retry=Retry(NoBackoff(), 0)
        )
        self._rests_until = 0.0

    def answers(self) -> bool:
        """Whether Redis answers now."""
        self._rests_until = 0.0
        return bool(self._ask(lambda connection: connection.ping()))

    def put(self, queue: str, function: str, *args: Any) -> bool:
        """Have a worker call ``function`` (its dotted name) with JSON values; False where Redis does not answer."""
        return self._ask(lambda connection: self._enqueue(connection, queue, function, args)) is not None

    def ring(self, function: str, *args: Any, queue: str = "default") -> bool:
        """Have ``function`` called soon. Rings of a queue that come before a worker has heard the first are one with
        it."""
        return bool(self._ask(lambda connection: self._ring(connection, queue, function, args)))

    def heard(self, queue: str = "default") -> None:
        """A worker begins to look: what is committed from now on needs a ring of its own."""
        self._ask(lambda connection: connection.delete(f"{RUNG}:{queue}"))

    def publish(self, name: str, messages: Sequence[bytes]) -> bool:
        """Say ``messages`` to whoever hears the channel ``name`` now; False where Redis does not answer."""
        return self._ask(lambda connection: self._publish(connection, channel(self._url, name), messages)) is not None

    def close(self) -> None:
        self._redis.close()

    def _ring(self, connection: "redis.Redis", queue: str, function: str, args: tuple[Any, ...]) -> bool:
        # The mark ends by itself: a job that was lost on its way keeps the bell silent for that long only, and
        # meanwhile the scheduler finds what waits.
        if connection.set(f"{RUNG}:{queue}", 1, nx=True, ex=RUNG_SECONDS):
            self._enqueue(connection, queue, function, args)
        return True

    def _publish(self, connection: "redis.Redis", name: str, messages: Sequence[bytes]) -> Any:
        with connection.pipeline(transaction=False) as pipeline:
            for message in messages:
                pipeline.publish(name, message)
            return pipeline.execute()

    def _enqueue(self, connection: "redis.Redis", queue: str, function: str, args: tuple[Any, ...]) -> Any:
        return Queue(queue, connection=connection, serializer=JSONSerializer).enqueue_call(
            function, args=args, timeout=JOB_SECONDS[queue], result_ttl=0, failure_ttl=7 * 86400
        )

    def _ask(self, question: Callable[["redis.Redis"], T]) -> T | None:
        if time.monotonic() < self._rests_until:
            return None
        try:
            return question(self._redis)
        except (redis.RedisError, OSError) as error:
            self._rests_until = time.monotonic() + REST_SECONDS
            logs.get().warning("the queue does not answer", error=str(error))
            return None
