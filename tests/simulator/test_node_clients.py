"""npm's clients, receivers and cryptography against the simulator and the service. The optional lane: `make node`, which needs Node 20 and npm."""

import json
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.people import AES_KEY, APP_ID, TOKEN, World
from tests.simulator.coverage import accepted, checked_by

pytestmark = [
    pytest.mark.skipif("YIZHAN_NODE" not in os.environ, reason="make node"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm here"),
    pytest.mark.timeout(300),
]

SCRIPTS = Path(__file__).parents[1] / "node"
AES_KEY_OF_THE_SIMULATOR = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
Run = Callable[..., str]
Results = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts beside the packages of the lock file, which npm fetches from wherever it is set up to."""
    here = tmp_path_factory.mktemp("node")
    for file in SCRIPTS.iterdir():
        if file.is_file():
            shutil.copy(file, here)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    installed = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=240, check=False)
    assert installed.returncode == 0, installed.stderr
    return here


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}  # none is for this machine itself


@pytest.fixture(scope="session")
def node(folder: Path) -> Run:
    """A script's standard output: node("open_reply.js", …, given="…")."""

    def run(script: str, *arguments: str, given: str = "") -> str:
        command = ["node", "--no-deprecation", script, *arguments]
        done = subprocess.run(
            command, cwd=folder, env=_environment(), input=given, capture_output=True, encoding="utf-8", timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def drive(launch: Callable[..., httpx.Client], webhook: Any, node: Run) -> Callable[[str], Results]:
    """What each call of a driver came to, on a platform of its own where somebody has just written."""

    def run(name: str) -> Results:
        client = launch(webhook.url, "--followers", "12", "--start", "2026-11-05 09:00")
        writer = client.get("/_sim/followers").json()["followers"][-1]["openid"]
        client.post("/_sim/say", json={"openid": writer, "text": "在吗"})
        results: Results = json.loads(node(f"{name}.js", str(client.base_url).rstrip("/"), writer))
        assert checked_by(name) == set(accepted(client)), "docs/platform.md says otherwise"
        return results

    return run


def _refused(results: Results) -> dict[str, str]:
    return {name: result["error"] for name, result in results.items() if not result["ok"]}


def test_co_wechat_api_works_over_all_it_has(drive: Callable[[str], Results]) -> None:
    results = drive("co-wechat-api")
    refused = _refused(results)
    assert "invalid openid" in refused.pop("an errcode is an error")
    assert "need category template" in refused.pop("an errcode is an error (old template)")
    assert refused == {}
    assert len(results) > 60
    assert results["getFollowers"]["value"]["total"] == 12
    assert results["getFollowers (next)"]["value"]["count"] == 0
    assert results["massSendText"]["value"]["errmsg"] == "send job submission success"
    assert results["getMedia"]["value"]["bytes"] > 60
    assert results["removeGroup"]["value"] == {}


def test_wechat_api_works_over_all_it_has(drive: Callable[[str], Results]) -> None:
    results = drive("wechat-api")
    assert _refused(results) == {}
    assert len(results) > 30


def test_node_easywechat_works_with_a_stable_token(drive: Callable[[str], Results]) -> None:
    results = drive("node-easywechat")
    assert _refused(results) == {}
    assert len(results) > 30
    assert results["datacube/getusersummary"]["value"]["list"]


@contextmanager
def _receiver(folder: Path) -> Iterator[str]:
    command = ["node", "--no-deprecation", "receiver.js", AES_KEY_OF_THE_SIMULATOR]
    with subprocess.Popen(command, cwd=folder, env=_environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
        finally:
            process.terminate()


@pytest.mark.parametrize("mode", ["safe", "plain"])
def test_npm_wechat_answers_the_simulators_pushes(launch: Callable[..., httpx.Client], folder: Path, mode: str) -> None:
    with _receiver(folder) as address:
        client = launch(address, "--followers", "2", "--mode", mode)
        openid = client.get("/_sim/followers").json()["followers"][0]["openid"]
        told = client.post("/_sim/say", json={"openid": openid, "text": "你好，<世界>"}).json()
        assert (told["failed"], told["reply"]["text"]) == (False, "npm 听见了：你好，<世界>")
        where = {"openid": openid, "msgtype": "location", "x": 31.2, "y": 121.4, "scale": 15, "label": "人民广场"}
        assert client.post("/_sim/send", json=where).json()["reply"]["text"] == "npm 听见了：location"
        client.post("/_sim/unfollow", json={"openid": openid})
        welcome = client.post("/_sim/follow", json={"openid": openid}).json()
        assert welcome["reply"]["articles"][0]["title"] == "欢迎"


def test_npms_cryptography_opens_the_services_replies(world: World, node: Run) -> None:
    answer = world.person("小王").sends("text", Content="签到")
    sealed = {element.tag: element.text for element in ET.fromstring(answer.body)}
    found = json.loads(node("open_reply.js", TOKEN, AES_KEY, APP_ID, given=json.dumps(sealed)))
    assert found["signature"] == sealed["MsgSignature"]
    assert (found["opened"]["message"], found["opened"]["id"]) == (answer.xml, APP_ID)
    assert found["easywechat"] == answer.xml
    assert "<Content>" in str(answer.xml)
