"""How one simulator is set up: the command line, the environment, and the values that hold when neither says anything."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from simulator import clock, words
from simulator.settings import LONGEST_DEADLINE, MOST_ATTEMPTS, ReceiptSettings, Settings
from simulator.words import Words

DEMO_APP_ID = "wx1234567890abcdef"
DEMO_SECRET = "demo-app-secret"  # noqa: S105  a demo account has nothing to hide
DEMO_TOKEN = "demo-token"  # noqa: S105
DEMO_AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
MODES = ("safe", "plain", "compatible")

Group = argparse._ArgumentGroup


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
    retry_on_error: bool = True
    same_query: bool = False
    mark_fail: int = 0
    sign_with: Literal["real", "simulated"] = "real"
    recognition: bool = False
    receipts_missing: float = 0.0
    receipts_doubled: float = 0.0
    system_failed: float = 0.0
    start: float | None = None
    speed: float = 1.0
    words: Words = field(default_factory=Words)
    url: str = ""

    def settings(self) -> Settings:
        """The settings the simulator begins with."""
        receipts = ReceiptSettings(missing=self.receipts_missing, doubled=self.receipts_doubled, system_failed=self.system_failed)
        return Settings(
            attempts=self.attempts,
            deadline=self.deadline,
            retry_on_error=self.retry_on_error,
            same_query=self.same_query,
            mark_fail=self.mark_fail,
            sign_with=self.sign_with,
            recognition=self.recognition,
            receipts=receipts,
        )

    @property
    def here(self) -> str:
        """Where this simulator is, seen from this machine."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def address(self) -> str:
        """Where the webhook finds this simulator: the beginning of every URL it is given."""
        return self.url.rstrip("/") or self.here


def from_command_line(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """The options these arguments ask for; a mistake ends the program with a sentence and status 2, as argparse does."""
    parser = _parser(environment)
    given = parser.parse_args(arguments)
    if len(given.aes_key) != 43 or not given.aes_key.isalnum() or not given.aes_key.isascii():
        parser.error("--aes-key 必须是 43 位字母或数字（EncodingAESKey）")
    if urlsplit(given.webhook).scheme not in ("http", "https"):
        parser.error("--webhook 必须以 http:// 或 https:// 开头")
    if given.followers < 1 or given.latency < 0:
        parser.error("--followers 至少为 1，--latency 不能为负")
    if not 1 <= given.attempts <= MOST_ATTEMPTS or not 0 < given.deadline <= LONGEST_DEADLINE:
        parser.error(f"--attempts 在 1 到 {MOST_ATTEMPTS} 之间，--deadline 大于 0、不超过 {LONGEST_DEADLINE} 秒")
    if not 0 <= given.unsubscribed < 1:
        parser.error("--unsubscribed 是 0 到 1 之间的比例，例如 0.03")
    if given.url and urlsplit(given.url).scheme not in ("http", "https"):
        parser.error("--url 必须以 http:// 或 https:// 开头")
    if given.speed < 0 or given.mark_fail < 0:
        parser.error("--speed 与 --mark-fail 不能为负")
    if not all(0 <= share <= 1 for share in (given.receipts_missing, given.receipts_doubled, given.system_failed)):
        parser.error("--receipts-missing、--receipts-doubled 与 --system-failed 是 0 到 1 之间的概率")
    return Options(**vars(given))


class _Help(argparse.RawDescriptionHelpFormatter):
    """argparse's help, its own words in Chinese too."""

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, "用法：" if prefix is None else prefix)


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=_Help, usage="%(prog)s [选项]", add_help=False
    )
    default = Options()
    _ask_for_addresses(parser.add_argument_group("地址"), default)
    _ask_for_account(parser.add_argument_group("账号（不给就用演示账号）"), default, environment)
    _ask_for_crowd(parser.add_argument_group("粉丝"), default)
    _ask_for_pushes(parser.add_argument_group("推送与回执（运行中可用 POST /_sim/settings 改）"), default)
    _ask_for_time(parser.add_argument_group("时间"), default)
    parser.add_argument_group("其他").add_argument("-h", "--help", action="help", help="显示这份说明")
    return parser


def _ask_for_addresses(group: Group, default: Options) -> None:
    say = group.add_argument
    say("--webhook", default=default.webhook, metavar="URL", help="公众号服务器地址，消息推送到这里（默认 %(default)s）")
    say("--host", default=default.host, metavar="地址", help="监听地址（默认 %(default)s）")
    say("--port", type=int, default=default.port, metavar="N", help="监听端口，0 表示任选一个空闲端口（默认 %(default)s）")
    say("--url", default=default.url, metavar="URL", help="本仿真平台对外的地址，用在图片链接里（默认由 --host 与 --port 得出）")


def _ask_for_account(group: Group, default: Options, environment: Mapping[str, str]) -> None:
    say = group.add_argument
    say("--app-id", default=_setting(environment, "YIZHAN_APP_ID", DEMO_APP_ID), metavar="ID", help="AppID")
    say("--secret", default=_setting(environment, "YIZHAN_APP_SECRET", DEMO_SECRET), metavar="密钥", help="AppSecret")
    say("--token", default=_setting(environment, "YIZHAN_TOKEN", DEMO_TOKEN), metavar="令牌", help="服务器配置里的 Token")
    say("--aes-key", default=_setting(environment, "YIZHAN_ENCODING_AES_KEY", DEMO_AES_KEY), metavar="密钥", help="EncodingAESKey，43 位")
    say("--original-id", default=default.original_id, metavar="ID", help="公众号原始 ID（默认 %(default)s）")
    say("--name", default=default.name, metavar="名称", help="手机上显示的公众号名称（默认 %(default)s）")
    say("--mode", choices=MODES, default=default.mode, help="safe 安全模式，plain 明文模式，compatible 兼容模式（默认 %(default)s）")


def _ask_for_crowd(group: Group, default: Options) -> None:
    say = group.add_argument
    say("--followers", type=int, default=default.followers, metavar="N", help="粉丝人数，十万也行（默认 %(default)s）")
    say("--unsubscribed", type=float, default=default.unsubscribed, metavar="比例", help="一开始就已取消关注的比例，如 0.03（默认没有）")
    say("--seed", type=int, default=default.seed, metavar="N", help="随机种子：同一个种子，同一群粉丝，同样的日子（默认 %(default)s）")
    say("--words", type=_words, default=Words(), metavar="文件", help="粉丝说的话：YAML 或 JSON 文件，见 docs/simulator.md（默认内置）")


def _ask_for_pushes(group: Group, default: Options) -> None:
    say = group.add_argument
    say("--attempts", type=int, default=default.attempts, metavar="N", help="一条推送总共尝试几次（默认 %(default)s）")
    say("--deadline", type=float, default=default.deadline, metavar="秒", help="每次推送等待应答的秒数（默认 %(default)s）")
    say("--no-retry-on-error", dest="retry_on_error", action="store_false", help="服务器马上报错（5xx、连不上）时不再重试，只有超时才重试")
    say("--same-query", action="store_true", help="重试时连 timestamp、nonce、签名都不变（默认每次重新签名）")
    say(
        "--mark-fail",
        type=int,
        default=default.mark_fail,
        metavar="N",
        help="一分钟内失败 N 次就停推一分钟，0 表示不停（默认 %(default)s）",
    )
    say(
        "--sign-with",
        choices=["real", "simulated"],
        default=default.sign_with,
        help="签名用真实时间，还是仿真时钟的时间（默认 %(default)s）",
    )
    say("--recognition", action="store_true", help="语音消息带识别结果 Recognition（默认不带）")
    say("--receipts-missing", type=float, default=default.receipts_missing, metavar="概率", help="回执丢失的概率（默认 %(default)s）")
    say("--receipts-doubled", type=float, default=default.receipts_doubled, metavar="概率", help="回执重复的概率（默认 %(default)s）")
    say(
        "--system-failed",
        type=float,
        default=default.system_failed,
        metavar="概率",
        help="回执为 failed: system failed 的概率（默认 %(default)s）",
    )
    say("--latency", type=float, default=default.latency, metavar="秒", help="每次接口应答之前等待的秒数（默认 %(default)s）")


def _ask_for_time(group: Group, default: Options) -> None:
    say = group.add_argument
    say("--start", type=_instant, metavar="时间", help="仿真时钟从何时开始，如 2026-11-21 或 2026-11-21T08:00（北京时间；默认现在）")
    say("--speed", type=float, default=default.speed, metavar="倍", help="仿真时钟的快慢：60 是一秒当一分钟，0 是停住（默认 %(default)s）")


_DESCRIPTION = """\
在自己的电脑上模拟微信服务号平台：接口、推送、粉丝，以及浏览器里的一部手机。任何公众号后端都能用，不限于驿站。

例：python -m simulator --webhook http://127.0.0.1:8000/wechat
    再把后端的接口地址从 https://api.weixin.qq.com 改成这里，打开手机页面就能聊天。"""
_EPILOG = """\
AppID 与三个密钥也可以用环境变量给出：YIZHAN_APP_ID、YIZHAN_APP_SECRET、YIZHAN_TOKEN、YIZHAN_ENCODING_AES_KEY（或各自加 _FILE，值为文件路径）。
控制接口（让时间快进、让接口出错、让粉丝过一个星期……）与更多例子：docs/simulator.md"""


def _instant(text: str) -> float:
    try:
        return clock.instant(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"看不懂这个时间：{text}，请写成 2026-11-21T08:00") from error


def _words(path: str) -> Words:
    try:
        return words.read(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"不能用 {path}：{error}") from error


def _setting(environment: Mapping[str, str], name: str, otherwise: str) -> str:
    """The variable, else the content of the file its `_FILE` sibling names, else the demo value."""
    if value := environment.get(name):
        return value
    if file := environment.get(f"{name}_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    return otherwise
