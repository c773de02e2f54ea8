"""A simulator as a real process, and a webhook for it to push to. Tests share one of each and take a follower of their own."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import xmltodict
from wechatpy.crypto import WeChatCrypto

ROOT = Path(__file__).parents[2]
APP_ID, TOKEN, AES_KEY = "wx1234567890abcdef", "demo-token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"

Json = dict[str, Any]


def _success(push: Any) -> tuple[int, bytes]:
    return 200, b"success"


@contextmanager
def _receiver() -> Iterator[Any]:
    """A webhook that keeps what it is sent in `pushes` and answers what `answer(push)` says."""
    webhook = SimpleNamespace(pushes=[], answer=_success, url="")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            push = SimpleNamespace(query=dict(parse_qsl(urlsplit(self.path).query)), body=body)
            webhook.pushes.append(push)
            status, answer = webhook.answer(push)
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
            except OSError:
                self.close_connection = True  # the simulator has given up waiting

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    webhook.url = f"http://127.0.0.1:{server.server_port}/wechat"
    try:
        yield webhook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _simulator(webhook_url: str, *arguments: str) -> Iterator[httpx.Client]:
    """A client of a running simulator. The greeting on its standard output says that it is ready and where."""
    command = [sys.executable, "-W", "error", "-m", "simulator", "--port", "0", "--webhook", webhook_url, *arguments]
    environment = {"PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        greeting = process.stdout.readline()
        try:
            assert "已就绪" in greeting, process.stderr.read()
            address = next(word for word in greeting.split() if word.startswith("http://"))
            with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
                yield client
        finally:
            process.terminate()
            errors = process.communicate(timeout=10)[1]
        assert errors == ""


@pytest.fixture(scope="session")
def _shared_webhook() -> Iterator[Any]:
    with _receiver() as webhook:
        yield webhook


@pytest.fixture
def webhook(_shared_webhook: Any) -> Iterator[Any]:
    """The shared webhook, answering `success` unless a test gives it another `answer`."""
    yield _shared_webhook
    _shared_webhook.answer = _success


@pytest.fixture(scope="session")
def platform(_shared_webhook: Any) -> Iterator[httpx.Client]:
    """The shared simulator: 500 followers, safe mode, a deadline of half a second so that timeouts cost little."""
    with _simulator(_shared_webhook.url, "--deadline", "0.5") as client:
        yield client


@pytest.fixture(scope="session")
def plain(_shared_webhook: Any) -> Iterator[httpx.Client]:
    """A second shared simulator that pushes clear XML: 300 followers of its own, voice recognition on, the clock standing still."""
    arguments = ("--mode", "plain", "--seed", "9", "--followers", "300", "--deadline", "0.5", "--recognition")
    with _simulator(_shared_webhook.url, *arguments, "--start", "2026-11-21T08:00", "--speed", "0") as client:
        yield client


@pytest.fixture(scope="session")
def _people(plain: httpx.Client) -> Iterator[str]:
    return iter([person["openid"] for person in plain.get("/_sim/followers", params={"limit": 300}).json()["followers"]])


@pytest.fixture
def person(_people: Iterator[str]) -> str:
    """A follower of the plain simulator no other test has met."""
    return next(_people)


@pytest.fixture
def pushed(_shared_webhook: Any) -> Callable[[str], list[Json]]:
    """What the webhook was sent in clear about this follower, each push as a table of its fields."""

    def read(openid: str) -> list[Json]:
        mine = (push for push in _shared_webhook.pushes if push.query.get("openid") == openid)
        return [xmltodict.parse(push.body)["xml"] for push in mine]

    return read


@pytest.fixture
def launch() -> Iterator[Callable[..., httpx.Client]]:
    """Starts a simulator of one's own: launch(webhook_url, "--followers", "3")."""
    with ExitStack() as stack:
        yield lambda webhook_url, *arguments: stack.enter_context(_simulator(webhook_url, *arguments))


@pytest.fixture(scope="session")
def running() -> Callable[..., AbstractContextManager[httpx.Client]]:
    """A simulator for as long as a with statement lasts, for fixtures that outlive a test: running(webhook_url, "--followers", "3")."""
    return _simulator


@pytest.fixture(scope="session")
def _openids(platform: httpx.Client) -> Iterator[str]:
    return iter([person["openid"] for person in platform.get("/_sim/followers", params={"limit": 500}).json()["followers"]])


@pytest.fixture
def openid(_openids: Iterator[str]) -> str:
    """A follower no other test has met."""
    return next(_openids)


@pytest.fixture(scope="session")
def token_of() -> Callable[[httpx.Client], str]:
    """The stable token of a simulator."""

    def fetch(client: httpx.Client) -> str:
        asked = {"grant_type": "client_credential", "appid": APP_ID, "secret": "demo-app-secret"}
        return str(client.post("/cgi-bin/stable_token", json=asked).json()["access_token"])

    return fetch


@pytest.fixture(scope="session")
def call(token_of: Callable[[httpx.Client], str]) -> Callable[..., Json]:
    """One API call with a good token: GET without a body, POST with one. Errors come without their rid."""

    def make(client: httpx.Client, path: str, body: Json | None = None, **query: str) -> Json:
        params = {"access_token": token_of(client), **query}
        response = client.get(path, params=params) if body is None else client.post(path, params=params, json=body)
        assert response.status_code == 200
        answer: Json = response.json()
        if " rid: " in answer.get("errmsg", ""):
            answer["errmsg"] = answer["errmsg"].partition(" rid: ")[0]
        return answer

    return make


@pytest.fixture(scope="session")
def log() -> Callable[..., list[Json]]:
    """The log's entries of one follower, or of all."""

    def read(client: httpx.Client, **query: str) -> list[Json]:
        entries: list[Json] = client.get("/_sim/log", params=query).json()["entries"]
        return entries

    return read


@pytest.fixture(scope="session")
def oracle() -> WeChatCrypto:
    """Somebody else's idea of the cryptography."""
    return WeChatCrypto(TOKEN, AES_KEY, APP_ID)


@pytest.fixture(scope="session")
def passive(oracle: WeChatCrypto) -> Callable[..., bytes]:
    """A sealed passive reply to a follower: the MsgType and the XML of its content, From and To as they must be unless given."""

    def seal(to: str, kind: str, content: str, sender: str = "gh_1234567890ab", created: str = "1700000000") -> bytes:
        xml = (
            f"<xml><ToUserName><![CDATA[{to}]]></ToUserName><FromUserName><![CDATA[{sender}]]></FromUserName>"
            f"<CreateTime>{created}</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>{content}</xml>"
        )
        sealed: str = oracle.encrypt_message(xml, "a-nonce", "1700000000")
        return sealed.encode()

    return seal


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """The first truthy result within five seconds; fails the test when there is none."""

    def wait(look: Callable[[], Any]) -> Any:
        until = time.monotonic() + 5
        while time.monotonic() < until:
            if found := look():
                return found
            time.sleep(0.03)
        pytest.fail("it did not happen within five seconds")

    return wait
