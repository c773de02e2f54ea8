"""The demonstration: a bot and a simulated WeChat as two processes on this machine, with secrets of their own."""

from __future__ import annotations

import os
import secrets
import shutil
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

from app import live
from app.cli.options import WrongInput, err, out
from app.config_file import Settings
from app.passwords import hash_of
from models import operator
from models.channel import channel_codes
from models.clock import utc_now
from models.database import Database
from models.media import media_copies
from models.migrations import upgrade

_SHIPPED = Path(__file__).parent.parent / "config.yaml"
_FIRST_STEPS = (["follower", "sync"], ["menu", "publish"], ["channel", "publish"])


def run(port: int, sim_port: int, followers: int, data: Path) -> None:
    """Both run until this process is told to stop or one of them ends; then both are stopped."""
    for number in (port, sim_port):
        _refuse_taken(number)
    data.mkdir(parents=True, exist_ok=True)
    config = data / "config.yaml"
    settings = _config(config, port, sim_port)
    _begin_anew(settings)
    password = _let_in(settings)
    environ = _environment(data, settings.account.app_id)
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
        first = [[sys.executable, "-m", "app", *words, "--config", str(config)] for words in _FIRST_STEPS]
        for step in [subprocess.Popen(words, env=environ, stdout=subprocess.DEVNULL, stderr=log) for words in first]:
            step.wait()
        _greet(port, sim_port, config, data, password)
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


def _config(path: Path, port: int, sim_port: int) -> Settings:
    """The shipped file, pointed at the simulator; written once, so that what someone tries out in it stays. Raises BadConfig, WrongInput."""
    if not path.exists():
        # What it says of this server's own address is true for the phone in the browser, too.
        path.write_text(_SHIPPED.read_text("utf-8").replace("https://bot.example.com/", f"http://127.0.0.1:{port}/"), "utf-8")
        shutil.copytree(_SHIPPED.parent / "pictures", path.parent / "pictures", dirs_exist_ok=True)  # what it may name lies beside it
    wanted, present = f"http://127.0.0.1:{sim_port}", live.read(path).account.api_base
    path.write_text(path.read_text("utf-8").replace(f"api_base: {present}", f"api_base: {wanted}", 1), "utf-8")
    settings = live.read(path)
    if settings.account.api_base != wanted:
        raise WrongInput(f"{path}：account 里要写 api_base: {wanted} / write it there")
    return settings


def _begin_anew(settings: Settings) -> None:
    """A simulator remembers nothing of the one before it: the codes and copies of media which that one gave out are forgotten here too."""
    database = Database(settings.database)
    try:
        if database.is_sqlite:  # anything else is not the demonstration's own
            upgrade(database)
            with database.transaction() as db:
                for table in (channel_codes, media_copies):
                    db.execute(table.delete())
    finally:
        database.close()


def _let_in(settings: Settings) -> str:
    """The console has an operator `demo` with a password that was not there before this start; "" where the database is not our own."""
    password, database, now = "-".join(secrets.token_hex(2) for _ in range(4)), Database(settings.database), utc_now()
    try:
        if not database.is_sqlite:
            return ""
        with database.transaction() as db:
            if operator.find(db, "demo") is None:
                operator.add(db, "demo", "admin", now)
            operator.reset(db, "demo", now, password=hash_of(password), role="admin")
    finally:
        database.close()
    return password


def _environment(data: Path, app_id: str) -> Mapping[str, str]:
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
    return {**inherited, **own, "YIZHAN_APP_ID": app_id}


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


def _greet(port: int, sim_port: int, config: Path, data: Path, password: str) -> None:
    out.print("驿站已启动 / Yizhan is running\n")
    out.print(f"  手机 phone      http://127.0.0.1:{sim_port}/")
    out.print("                  选一位粉丝：点底部的菜单，或打字「签到」「问卷」「营业时间」；⊕ 发图片、语音、位置，⋯ 扫渠道二维码")
    out.print("                  右边的 ⊕ 再放一部手机；左上角「平台」让粉丝们过一周、拨快时间、制造故障、看日志")
    if password:
        out.print(f"  控制台 console  http://127.0.0.1:{port}/console        名字 demo，密码 {password}")
    out.print(f"  机器人 bot      http://127.0.0.1:{port}/healthz")
    out.print(f"  规则 rules      {config}        改了保存，两秒内生效")
    out.print(f"  日志 logs       {data / 'demo.log'}")
    out.print("\n另开一个终端 / in another terminal：")
    out.print(f"  ./yizhan broadcast run weekly_digest --config {config}")
    out.print(f"  set -a; . {data / 'secrets.env'}; set +a        # menu、channel、media、import 要用密钥")
    out.print(f"  ./yizhan menu diff --config {config}")
    out.print("\nCtrl+C 停止 / stops both\n")
