"""The worker in this process: it does what waits in the queues, then stops."""

from typing import Any

import redis
from flask import Flask
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

QUEUES = ("default", "exports", "webhooks")


class _Worker(SimpleWorker):
    def _install_signal_handlers(self) -> None:
        """Leaves Ctrl-C to pytest."""


class JobRunner:
    """The queues of `app`, and a worker for them."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        connection = redis.Redis.from_url(app.extensions["greenroom"].redis_url)
        self._queues = [Queue(name, connection=connection, serializer=JSONSerializer) for name in QUEUES]

    @property
    def waiting(self) -> list[str]:
        """The functions that wait, by name, e.g. `["portal.jobs.deliver"]`."""
        return [str(job.func_name) for queue in self._queues for job in queue.get_jobs()]

    def drain(self, *, may_fail: bool = False) -> None:
        """Does all that waits, and what that enqueues in turn; a job that fails fails the test."""
        worker = _Worker(self._queues, connection=self._queues[0].connection, serializer=JSONSerializer)
        with self._app.app_context():
            worker.work(burst=True, logging_level="WARNING")
        if not may_fail:
            assert self.failures() == []

    def failures(self) -> list[str]:
        """What the failed jobs raised, with their tracebacks."""
        return [_why(job) for queue in self._queues for job in self._failed(queue)]

    def _failed(self, queue: Queue) -> list[Job]:
        found = (queue.fetch_job(key) for key in queue.failed_job_registry.get_job_ids())
        return [job for job in found if job is not None]

    def close(self) -> None:
        self._queues[0].connection.close()


def _why(job: Job) -> str:
    result: Any = job.latest_result()
    return f"{job.func_name}{tuple(job.args)}: {result.exc_string if result else 'no result'}"
