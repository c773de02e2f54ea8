"""How one simulator is set up: the command line, the environment, and the values that hold when neither says anything."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

DEMO_APP_ID = "wx1234567890abcdef"
DEMO_SECRET = "demo-app-secret"  # noqa: S105  a demo account has nothing to hide
DEMO_TOKEN = "demo-token"  # noqa: S105
DEMO_AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


@dataclass(frozen=True, slots=True)
class Options:
    """Everything that is decided before the simulator starts. Times are in seconds, shares between 0 and 1."""

    host: str = "127.0.0.1"
    port: int = 8001
    webhook: str = "http://127.0.0.1:8000/wechat"
    app_id: str = DEMO_APP_ID
    secret: str = DEMO_SECRET
    token: str = DEMO_TOKEN
    aes_key: str = DEMO_AES_KEY
    original_id: str = "gh_1234567890ab"
    name: str = "示例服务号"
    followers: int = 500
    unsubscribed: float = 0.0
    seed: int = 1
    mode: str = "safe"
    latency: float = 0.0
    attempts: int = 3
    deadline: float = 5.0


def from_command_line(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """The options these arguments ask for; a mistake ends the program with a sentence and status 2, as argparse does."""
    parser = _parser(environment)
    given = parser.parse_args(arguments)
    if len(given.aes_key) != 43 or not given.aes_key.isalnum() or not given.aes_key.isascii():
        parser.error("--aes-key 必须是 43 位字母或数字（EncodingAESKey）")
    if urlsplit(given.webhook).scheme not in ("http", "https"):
        parser.error("--webhook 必须以 http:// 或 https:// 开头")
    if given.followers < 1 or given.attempts < 1 or given.latency < 0 or given.deadline <= 0:
        parser.error("--followers 与 --attempts 至少为 1，--latency 不能为负，--deadline 必须大于 0")
    if not 0 <= given.unsubscribed < 1:
        parser.error("--unsubscribed 是 0 到 1 之间的比例，例如 0.03")
    return Options(**vars(given))


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="在自己的电脑上模拟微信服务号平台：接口、推送、粉丝，以及浏览器里的一部手机。",
        epilog="AppID 与三个密钥也可以用环境变量给出：YIZHAN_APP_ID、YIZHAN_APP_SECRET、YIZHAN_TOKEN、YIZHAN_ENCODING_AES_KEY（或各自加 _FILE）。",
    )
    say = parser.add_argument
    default = Options()
    say("--host", default=default.host, help="监听地址（默认 %(default)s）")
    say("--port", type=int, default=default.port, help="监听端口，0 表示任选一个空闲端口（默认 %(default)s）")
    say("--webhook", default=default.webhook, metavar="URL", help="公众号服务器地址，消息推送到这里（默认 %(default)s）")
    say("--app-id", default=_setting(environment, "YIZHAN_APP_ID", DEMO_APP_ID), help="AppID")
    say("--secret", default=_setting(environment, "YIZHAN_APP_SECRET", DEMO_SECRET), help="AppSecret")
    say("--token", default=_setting(environment, "YIZHAN_TOKEN", DEMO_TOKEN), help="服务器配置里的 Token")
    say("--aes-key", default=_setting(environment, "YIZHAN_ENCODING_AES_KEY", DEMO_AES_KEY), help="EncodingAESKey，43 位")
    say("--original-id", default=default.original_id, help="公众号原始 ID（默认 %(default)s）")
    say("--name", default=default.name, help="手机上显示的公众号名称（默认 %(default)s）")
    say("--followers", type=int, default=default.followers, help="粉丝人数（默认 %(default)s）")
    say("--unsubscribed", type=float, default=default.unsubscribed, help="一开始就已取消关注的比例，如 0.03（默认没有）")
    say("--seed", type=int, default=default.seed, help="随机种子：同一个种子，同一群粉丝（默认 %(default)s）")
    say("--mode", choices=["safe", "plain"], default=default.mode, help="推送模式：safe 安全模式，plain 明文模式（默认 %(default)s）")
    say("--latency", type=float, default=default.latency, help="每次接口应答之前等待的秒数（默认 %(default)s）")
    say("--attempts", type=int, default=default.attempts, help="一条推送总共尝试几次（默认 %(default)s）")
    say("--deadline", type=float, default=default.deadline, help="每次推送等待应答的秒数（默认 %(default)s）")
    return parser


def _setting(environment: Mapping[str, str], name: str, otherwise: str) -> str:
    """The variable, else the content of the file its `_FILE` sibling names, else the demo value."""
    if value := environment.get(name):
        return value
    if file := environment.get(f"{name}_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    return otherwise
