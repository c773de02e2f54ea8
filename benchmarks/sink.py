"""A platform that takes everything: it answers each call after a fixed time and counts, and does nothing else.

python -m benchmarks.sink PORT LATENCY — GET /count tells how many messages were taken, and when the first and the last came.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import cast

import uvloop

TOKEN = b'{"access_token":"t","expires_in":7200}'


class Sink(asyncio.Protocol):
    """One connection."""

    latency = 0.08
    taken = 0
    first = last = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            line, self.buffer = self.buffer[:40], self.buffer[end + 4 + length :]
            self._answer(line)

    def _answer(self, line: bytes) -> None:
        loop = asyncio.get_running_loop()
        if b"/message/template/send" in line:
            now = time.time()
            Sink.first = Sink.first or now
            Sink.last, Sink.taken = now, Sink.taken + 1
            loop.call_later(self.latency, self._write, b'{"errcode":0,"errmsg":"ok","msgid":%d}' % Sink.taken)
        elif b"/count" in line:
            self._write(json.dumps({"taken": Sink.taken, "first": Sink.first, "last": Sink.last}).encode())
        else:
            self._write(TOKEN)

    def _write(self, body: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def serve(port: int, latency: float) -> None:
    """Takes everything, for ever."""
    Sink.latency = latency
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), float(sys.argv[2])))
