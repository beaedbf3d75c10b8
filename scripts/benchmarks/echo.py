"""Echo what comes to a Unix socket: the least that an event loop in Python costs.

Run as a program with the socket's path; the loop is the daemon's own, uvloop.
"""

import asyncio
import sys
from typing import cast

import uvloop


class Echo(asyncio.Protocol):
    """Write back what is read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write."""
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is of no such class

    def data_received(self, data: bytes) -> None:
        """Write it back at once."""
        self._transport.write(data)


async def serve(path: str) -> None:
    """Echo until killed."""
    server = await asyncio.get_running_loop().create_unix_server(Echo, path)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1]))
