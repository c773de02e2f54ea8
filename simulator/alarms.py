"""The platform's alarms to the operators: what is wrong with their server, once a minute and kind, not once a message."""

from collections.abc import Callable

from simulator.clock import Clock
from simulator.journal import Journal

APART = 60.0
_KINDS = {
    "timeout": ("请求超时", "服务器没有在规定的时间内应答"),
    "connection": ("连接失败", "连不上服务器：地址对吗？服务启动了吗？"),
    "HTTP": ("回应失败", "服务器的应答不是 2xx"),
    "MarkFail": ("MarkFail", "失败太多，一分钟内不再推送，这一分钟里的消息不会补发"),
}
"""The kinds of the official alarm page, by the first word of an attempt's error."""


class Alarms:
    """Writes alarms to the journal, and says them to whoever sets `say`: once a minute outside, however fast the clock runs here."""

    def __init__(self, clock: Clock, journal: Journal, webhook: str) -> None:
        self._clock = clock
        self._journal = journal
        self._webhook = webhook
        self._last: dict[str, float] = {}
        self._since: dict[str, int] = {}
        self._said: dict[str, float] = {}
        self.say: Callable[[str], None] = lambda sentence: None

    def raise_for(self, error: str) -> None:
        """The failure is counted; unless the last alarm of its kind is less than a minute old, it is in the journal (kind "alarm")."""
        now, outside = self._clock.now(), self._clock.outside()
        key = next((known for known in _KINDS if error.startswith(known)), "HTTP")
        self._since[key] = self._since.get(key, 0) + 1
        if now - self._last.get(key, -APART) < APART:
            return
        title, text = _KINDS[key]
        self._last[key] = now
        facts = {"alarm": title, "text": text, "error": error, "count": self._since.pop(key), "webhook": self._webhook}
        self._journal.write("alarm", now, None, facts)
        if outside - self._said.get(key, -APART) >= APART:
            self._said[key] = outside
            self.say(f"告警 · {title}：{text}（{self._webhook}，{error}）")
