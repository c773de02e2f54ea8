"""HTTP as servers speak it, whole and in pieces; and what becomes of a connection after anything that can go wrong on it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wechat import transport as transports
from wechat.errcodes import Ambiguous
from wechat.transport import Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Answer = bytes | list[bytes] | float | None


class Server:
    """Answers each request with the next of its answers, the last for ever: pieces one by one, a number is silence, None the connection's end."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers) or [OK]
        self.requests: list[bytes] = []
        self.opened = self.closed = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if answer is None:
                    return
                if isinstance(answer, float):
                    await asyncio.sleep(answer)
                    answer = OK
                for piece in [answer] if isinstance(answer, bytes) else answer:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.001 if isinstance(answer, list) else 0)
                if b"length" not in b"".join(answer if isinstance(answer, list) else [answer]).lower().replace(b"chunked", b"length"):
                    return
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.closed += 1
            writer.close()


@asynccontextmanager
async def served(server: Server, deadline: float = 2.0, connections: int = 8, host: str = "127.0.0.1") -> AsyncIterator[Transport]:
    """A transport to the server."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    transport = Transport(f"http://{host}:{listening.sockets[0].getsockname()[1]}/base", deadline, connections)
    async with listening:
        yield transport
        await transport.aclose()


def ask(transport: Transport, body: bytes = b"{}", method: str = "POST") -> Awaitable[tuple[int, bytes]]:
    """One request."""
    return transport.ask(method, "/send", {"access_token": "t&t"}, body)


def on_both_loops(scene: Callable[[], Awaitable[None]]) -> None:
    """The loop that serves in production, and the one that tests are run on."""

    async def main() -> None:
        await scene()

    asyncio.run(main())
    uvloop.run(main())


WHOLE = [
    (OK, (200, b"{}")),
    ([bytes([byte]) for byte in OK], (200, b"{}")),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n", (200, b"abcde")),
    ([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r", b"\nab", b"cde\r\n", b"0\r\n\r\n"], (200, b"abcde")),
    (b"HTTP/1.1 500 Oh No\r\ncontent-length:0\r\n\r\n", (500, b"")),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, (200, b"{}")),
    ([b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", OK], (200, b"{}")),
    (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", (302, b"")),
    ([b"HTTP/1.1 200 OK\r\n\r\n", b"until the ", b"end"], (200, b"until the end")),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", (200, b"{}")),
]


@pytest.mark.parametrize(("answer", "read"), WHOLE)
def test_a_whole_answer_is_read_however_it_is_cut(answer: Answer, read: tuple[int, bytes]) -> None:
    async def scene() -> None:
        server = Server(answer)
        async with served(server) as transport:
            assert [await ask(transport) for _ in range(2)] == [read] * 2
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert body == b"{}"
        assert head.split(b"\r\n")[0] == b"POST /base/send?access_token=t%26t HTTP/1.1"
        assert b"\r\nHost: 127.0.0.1:" in head

    on_both_loops(scene)


BROKEN: list[Answer] = [
    None,
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    b"HTTP/1.1 200",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
]


@pytest.mark.parametrize("answer", BROKEN)
def test_anything_else_is_no_answer_and_costs_no_later_request_its_own(answer: Answer) -> None:
    cut = [answer, b""] if isinstance(answer, bytes) else answer  # afterwards the connection is closed, but where a length was promised

    async def scene() -> None:
        async with served(Server(cut, OK), deadline=0.2) as transport:
            with pytest.raises(Ambiguous, match="no answer"):
                await ask(transport)
            assert await ask(transport) == (200, b"{}")

    on_both_loops(scene)


def test_connections_are_used_again_one_exchange_at_a_time_and_never_more_than_allowed() -> None:
    async def scene() -> None:
        server = Server(0.02)
        async with served(server, connections=4) as transport:
            assert await asyncio.gather(*(ask(transport, b"x" * number) for number in range(40))) == [(200, b"{}")] * 40
            assert server.opened == 4
            assert sorted(len(request.partition(b"\r\n\r\n")[2]) for request in server.requests) == list(range(40))

    on_both_loops(scene)


def test_the_deadline_counts_the_wait_for_a_connection_too_and_a_late_answer_answers_nothing_else() -> None:
    async def scene() -> None:
        server = Server(0.3, b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"mine')
        async with served(server, deadline=0.15, connections=1) as transport:
            slow = asyncio.ensure_future(ask(transport))
            await asyncio.sleep(0)
            with pytest.raises(Ambiguous, match="TimeoutError"):
                await transport.ask("POST", "/send", {}, b"waits", deadline=0.05)
            with pytest.raises(Ambiguous, match="TimeoutError"):
                await slow
            assert await ask(transport) == (200, b'"mine')
            cancelled = asyncio.ensure_future(ask(transport))
            await asyncio.sleep(0)
            cancelled.cancel()
            assert await ask(transport) == (200, b'"mine')

    on_both_loops(scene)


def test_what_comes_unasked_belongs_to_no_request() -> None:
    async def scene() -> None:
        twice = Server(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        async with served(twice) as transport:
            assert [await ask(transport) for _ in range(3)] == [(200, b"{}")] * 3
            assert twice.opened == 3
        later = Server([OK, b"", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"])
        async with served(later) as transport:
            for _ in range(3):
                assert await ask(transport) == (200, b"{}")
                await asyncio.sleep(0.01)
            assert later.opened == 3

    on_both_loops(scene)


def test_unused_connections_are_closed_and_closed_ones_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transports, "IDLE", 0.05)

    async def scene() -> None:
        server = Server(OK, OK, b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
        async with served(server) as transport:
            await ask(transport)
            await ask(transport)
            assert (server.opened, server.closed) == (1, 0)
            await asyncio.sleep(0.15)
            assert server.closed == 1
            assert transport._idle == []
            await ask(transport)
            await ask(transport)
            assert server.opened == 3

    on_both_loops(scene)


def test_a_host_of_several_addresses_is_reached_by_the_one_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0

    async def scene() -> None:
        nonlocal looked
        server, looked = Server(), 0
        loop = asyncio.get_running_loop()

        class Lookup:
            async def __call__(self, *_: object, **__: object) -> list[tuple[object, ...]]:
                nonlocal looked
                looked += 1
                return [(0, 0, 0, "", ("127.0.0.9", 1)), (0, 0, 0, "", ("127.0.0.1", 1))]

        async with served(server, host="many.example") as transport:
            try:
                loop.getaddrinfo = Lookup()  # type: ignore[method-assign, assignment]
            except AttributeError:
                return  # uvloop's cannot be replaced
            assert await asyncio.gather(*(ask(transport) for _ in range(5))) == [(200, b"{}")] * 5
            assert looked == 1
            assert b"\r\nHost: many.example:" in server.requests[0]

    on_both_loops(scene)


def test_a_request_is_one_line_whatever_is_in_it() -> None:
    async def scene() -> None:
        server = Server()
        async with served(server) as transport:
            for path in ("/a b", "/a\r\nX: y", "/a\x00"):
                with pytest.raises(ValueError, match="one line"):
                    await transport.ask("POST", path, {}, b"")
            with pytest.raises(ValueError, match="one line"):
                await transport.ask("POST", "/a", {}, b"", "text/plain\r\nX: y")
        assert server.requests == []

    on_both_loops(scene)


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    """A server's TLS with a certificate of its own making for this name; the certificate is the file cert.pem."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))])
    built = x509.CertificateBuilder(subject, subject, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    signed = built.add_extension(names, critical=False).sign(key, hashes.SHA256())
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@pytest.mark.parametrize(("name", "trusted"), [("127.0.0.1", True), ("127.0.0.1", False), ("127.0.0.2", True)])
def test_over_tls_only_the_host_itself_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, trusted: bool) -> None:
    context = certificate(tmp_path, name)
    if trusted:
        monkeypatch.setattr("certifi.where", lambda: str(tmp_path / "cert.pem"))

    async def scene() -> None:
        server = Server()
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
        transport = Transport(f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}", 2.0, 4)
        async with listening:
            if trusted and name == "127.0.0.1":
                assert [await ask(transport) for _ in range(2)] == [(200, b"{}")] * 2
                assert server.opened == 1
            else:
                with pytest.raises(Ambiguous, match="SSLCertVerificationError"):
                    await ask(transport)
                assert server.requests == []
            await transport.aclose()

    on_both_loops(scene)
