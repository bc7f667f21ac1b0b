"""`python -m tests.bench.mailsink PORT`: a mail server on loopback that takes every mail at once and keeps none."""

import asyncio
import sys
from typing import Any

from aiosmtpd.smtp import SMTP


class Sink:
    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        return "250 OK"


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Sink()), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
