"""The load generator: a process of its own that keeps so many connections busy with requests made beforehand.

python -m benchmarks.load PORT FILE CONNECTIONS SECONDS — FILE holds the requests, each preceded by its length (4 bytes, big-endian).
Prints one JSON line: requests answered, seconds, and the latency's percentiles in milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import uvloop


def write_requests(path: Path, requests: list[bytes]) -> None:
    """Afterwards the file holds the requests for a load generator."""
    path.write_bytes(b"".join(struct.pack(">I", len(request)) + request for request in requests))


def read_requests(path: Path) -> Iterator[bytes]:
    """The requests in such a file."""
    data = memoryview(path.read_bytes())
    at = 0
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        yield bytes(data[at + 4 : at + 4 + length])
        at += 4 + length


class Load:
    """What all connections share: the requests left, and the latencies."""

    def __init__(self, requests: list[bytes], seconds: float) -> None:
        self.requests = iter(requests)
        self.seconds = seconds
        self.started = time.perf_counter()
        self.latencies: list[float] = []
        self.wrong = 0
        self.last = self.started


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the last was answered."""

    def __init__(self, load: Load, done: asyncio.Future[None]) -> None:
        self.load, self.done = load, done
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._next()

    def _next(self) -> None:
        self.sent = time.perf_counter()
        request = next(self.load.requests, None) if self.sent - self.load.started < self.load.seconds else None
        if request is None:
            self.transport.close()
        else:
            self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, blank, body = self.buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        at = head.lower().index(b"content-length:") + 15
        length = int(head[at : head.find(b"\r", at) if b"\r" in head[at:] else None])
        if len(body) < length:
            return
        self.buffer = b""
        self.load.last = time.perf_counter()
        self.load.latencies.append(self.load.last - self.sent)
        self.load.wrong += not head.startswith(b"HTTP/1.1 200")
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def run(port: int, requests: list[bytes], connections: int, seconds: float) -> dict[str, float]:
    """Keeps the connections busy until the requests or the seconds are used up."""
    loop = asyncio.get_running_loop()
    load = Load(requests, seconds)
    waiting = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        await loop.create_connection(lambda done=done: Connection(load, done), "127.0.0.1", port)  # type: ignore[misc]
        waiting.append(done)
    await asyncio.gather(*waiting)
    ordered = sorted(load.latencies)
    return {
        "answered": len(ordered),
        "wrong": load.wrong,
        "seconds": load.last - load.started,
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[len(ordered) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    found = list(read_requests(Path(sys.argv[2])))
    print(json.dumps(uvloop.run(run(int(sys.argv[1]), found, int(sys.argv[3]), float(sys.argv[4])))))
