"""The demonstration: a bot and a simulated WeChat as two processes on this machine, with secrets of their own."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import string
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import yaml

from app.cli.options import WrongInput, err, out

_SHIPPED = Path(__file__).parent.parent / "config.yaml"


def run(port: int, sim_port: int, followers: int, data: Path) -> None:
    """Both run until this process is told to stop or one of them ends; then both are stopped."""
    for number in (port, sim_port):
        _refuse_taken(number)
    data.mkdir(parents=True, exist_ok=True)
    config, environ = _config(data, sim_port), _environment(data)
    bot = [sys.executable, "-m", "app", "serve", "--config", str(config), "--port", str(port)]
    simulator = [sys.executable, "-m", "simulator", "--port", str(sim_port), "--webhook", f"http://127.0.0.1:{port}/wechat"]
    log = (data / "demo.log").open("ab")
    children = [
        subprocess.Popen([*simulator, "--followers", str(followers)], env=environ, stdout=log, stderr=log),
        subprocess.Popen(bot, env=environ, stdout=log, stderr=log),
    ]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        _wait_for(f"http://127.0.0.1:{sim_port}/_sim/clock", children, data)
        _wait_for(f"http://127.0.0.1:{port}/healthz", children, data)
        sync = [sys.executable, "-m", "app", "follower", "sync", "--config", str(config)]
        subprocess.run(sync, env=environ, check=True, stdout=subprocess.DEVNULL, stderr=log)
        _greet(port, sim_port, config, data)
        while all(child.poll() is None for child in children):
            time.sleep(0.5)
        err.print(f"有一个程序停了，原因见 {data / 'demo.log'}")
        sys.exit(2)
    except KeyboardInterrupt:
        out.print("\n再见")
    finally:
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise WrongInput(f"端口 {port} 已被占用，换一个：--port / --sim-port / port {port} is taken") from None


def _config(data: Path, sim_port: int) -> Path:
    """The shipped file, pointed at the simulator; written once, so that what someone tries out in it stays."""
    path = data / "config.yaml"
    if not path.exists():
        path.write_text(_SHIPPED.read_text("utf-8"), "utf-8")
    text = path.read_text("utf-8")
    account = yaml.safe_load(text).get("account", {}) if path.exists() else {}
    wanted = f"http://127.0.0.1:{sim_port}"
    if account.get("api_base") != wanted:
        path.write_text(text.replace(str(account.get("api_base")), wanted, 1), "utf-8")
    return path


def _environment(data: Path) -> Mapping[str, str]:
    """Secrets of this demonstration only, made once and kept beside its database."""
    path = data / "secrets.env"
    if not path.exists():
        letters = string.ascii_letters + string.digits
        path.touch(mode=0o600)
        path.write_text(
            f"YIZHAN_APP_SECRET={secrets.token_hex(16)}\nYIZHAN_TOKEN={secrets.token_hex(12)}\n"
            f"YIZHAN_ENCODING_AES_KEY={''.join(secrets.choice(letters) for _ in range(42))}A\n",
            "utf-8",
        )
    own = dict(line.split("=", 1) for line in path.read_text("utf-8").splitlines())
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("YIZHAN_")}
    return {**inherited, **own, "YIZHAN_APP_ID": _app_id(data)}


def _app_id(data: Path) -> str:
    return str(yaml.safe_load((data / "config.yaml").read_text("utf-8"))["account"]["app_id"])


def _wait_for(url: str, children: list[subprocess.Popen[bytes]], data: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and all(child.poll() is None for child in children):
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    err.print(f"没能启动，原因见 {data / 'demo.log'} / could not start, see that file")
    sys.exit(2)


def _greet(port: int, sim_port: int, config: Path, data: Path) -> None:
    out.print("驿站已启动 / Yizhan is running\n")
    out.print(f"  手机 phone      http://127.0.0.1:{sim_port}/        选一位粉丝，说「签到」「积分」「问卷」「营业时间」")
    out.print(f"  机器人 bot      http://127.0.0.1:{port}/healthz")
    out.print(f"  规则 rules      {config}        改了保存，两秒内生效")
    out.print(f"  日志 logs       {data / 'demo.log'}")
    out.print(f"\n  群发一次：./yizhan broadcast run weekly_digest --config {config}    （另开一个终端）")
    out.print("  Ctrl+C 停止\n")
