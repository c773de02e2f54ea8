"""How many durable keyword replies and check-ins a second one core answers, next to a raw ASGI hello in the same run.

    python -m benchmarks.webhook [--seconds 4] [--rounds 3] [--connections 64]

The server (the whole bot: safe mode, SQLite with synchronous=FULL) is pinned to one core, the load generator to another.
Every request is a push of its own from a follower of its own: signed, encrypted, admitted, answered, stored.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import json
import os
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from benchmarks.load import write_requests

APP_ID, TOKEN, KEY = "wx1234567890abcdef", "benchmark", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
CONFIG = f"""
account: {{name: benchmark, app_id: {APP_ID}, original_id: gh_1234567890ab, api_base: "http://127.0.0.1:9"}}
database: sqlite:///benchmark.db
keywords:
  rules:
    - {{name: hours, when: {{contains: [营业时间]}}, reply: 每天 9:00–21:00 营业}}
  fallback: 没听懂
checkin: {{rules: {{points: 5}}}}
"""
HELLO = "benchmarks.hello:app"


def pushes(text: str, number: int, at: int, first: int) -> list[bytes]:
    """So many HTTP requests, each a push of this text from a follower of its own."""
    key = base64.b64decode(KEY + "=")
    requests = []
    for index in range(first, first + number):
        openid = "o" + hashlib.sha256(str(index).encode()).hexdigest()[:27]
        inner = (
            f"<xml><ToUserName><![CDATA[gh_1234567890ab]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>"
            f"<CreateTime>{at}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{text}]]></Content>"
            f"<MsgId>{10**18 + index}</MsgId></xml>"
        ).encode()
        plain = b"0123456789abcdef" + struct.pack(">I", len(inner)) + inner + APP_ID.encode()
        pad = 32 - len(plain) % 32
        encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
        sealed = base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()
        sign = "".join(sorted([TOKEN, str(at), str(index), sealed]))
        body = f"<xml><ToUserName><![CDATA[gh_1234567890ab]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        query = f"timestamp={at}&nonce={index}&openid={openid}&encrypt_type=aes&msg_signature={hashlib.sha1(sign.encode()).hexdigest()}"
        head = f"POST /wechat?{query} HTTP/1.1\r\nHost: bot\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        requests.append((head + body).encode())
    return requests


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def server(words: list[str], port: int, environ: dict[str, str], path: str = "/") -> Iterator[subprocess.Popen[bytes]]:
    """The server runs on core 0, ready to answer."""
    child = subprocess.Popen([sys.executable, "-m", *words], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pin(child.pid, 0)
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1).close()
            break
        except OSError:
            if time.monotonic() > deadline or child.poll() is not None:
                raise SystemExit(f"{words} did not start") from None
            time.sleep(0.1)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=20)


def pin(pid: int, core: int) -> None:
    """Keeps a process (and the threads it will start) on one core, where there are two."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) > 1:
        os.sched_setaffinity(pid, {cores[core]})


def measure(port: int, requests: list[bytes], connections: int, seconds: float, folder: Path) -> dict[str, float]:
    """What the load generator, on core 1, got from the server."""
    path = folder / "requests"
    write_requests(path, requests)
    words = [sys.executable, "-m", "benchmarks.load", str(port), str(path), str(connections), str(seconds)]
    child = subprocess.Popen(words, stdout=subprocess.PIPE)
    pin(child.pid, 1)
    found: dict[str, float] = json.loads(child.communicate()[0])
    if found["wrong"]:
        raise SystemExit(f"{found['wrong']:.0f} answers were not HTTP 200")
    return {**found, "rate": found["answered"] / found["seconds"]}


def round_of(folder: Path, seconds: float, connections: int, number: int) -> dict[str, dict[str, float]]:
    """One measurement of each of the three."""
    hello = b"GET / HTTP/1.1\r\nHost: bot\r\n\r\n"
    result = {}
    port = free_port()
    uvicorn = ["uvicorn", HELLO, "--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "error"]
    with server(uvicorn, port, dict(os.environ)):
        result["hello"] = measure(port, [hello] * int(30_000 * seconds), connections, seconds, folder)
    for name, text in (("keyword", "请问营业时间"), ("checkin", "签到")):
        home = folder / f"{name}-{number}"
        home.mkdir()
        (home / "config.yaml").write_text(CONFIG, "utf-8")
        port = free_port()
        environ = {**os.environ, "YIZHAN_TOKEN": TOKEN, "YIZHAN_ENCODING_AES_KEY": KEY, "YIZHAN_APP_SECRET": "x"}
        words = ["app", "serve", "--config", str(home / "config.yaml"), "--port", str(port)]
        requests = pushes(text, int(4_000 * seconds), int(time.time()), 0)
        with server(words, port, environ, "/healthz"):
            measure(port, requests[:200], connections, seconds, folder)
            result[name] = measure(port, requests[200:], connections, seconds, folder)
    return result


def main() -> None:
    """Prints each round and the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    given = parser.parse_args()
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(given.rounds):
            rounds.append(round_of(Path(folder), given.seconds, given.connections, number))
            print(f"round {number + 1}: " + "  ".join(_line(name, found) for name, found in rounds[-1].items()), flush=True)
    print("\nmedians of", given.rounds, "rounds, one core, safe mode, SQLite synchronous=FULL,", given.connections, "connections")
    hello = statistics.median(one["hello"]["rate"] for one in rounds)
    for name in ("hello", "keyword", "checkin"):
        rate = statistics.median(one[name]["rate"] for one in rounds)
        ratio = statistics.median(one[name]["rate"] / one["hello"]["rate"] for one in rounds)
        print(f"{name:8} {rate:8.0f}/s   {ratio:5.3f} of the raw hello ({hello:.0f}/s)")


def _line(name: str, found: dict[str, float]) -> str:
    return f"{name} {found['rate']:.0f}/s (p99 {found['p99_ms']:.0f} ms)"


if __name__ == "__main__":
    main()
