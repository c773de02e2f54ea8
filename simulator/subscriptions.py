"""Subscription notices: the templates in use, who agreed to which, and the one-time links of old."""

from collections import Counter

from simulator.templates import Template

SHIPPED = (
    Template(
        "NOTICE_ID",
        "预约成功通知",
        "门店名称：{{thing1.DATA}}\n预约时间：{{time2.DATA}}",
        "门店名称：一号店\n预约时间：2026年11月21日 18:30",
    ),
    Template(
        "NOTICE_CHECKIN",
        "签到成功通知",
        "活动名称：{{thing1.DATA}}\n连续天数：{{number2.DATA}}",
        "活动名称：每日签到\n连续天数：7",
    ),
)


class NotAgreed(Exception):
    """The follower has not agreed to this notice, or the notice they agreed to has been sent."""


class Subscriptions:
    """One accepted popup is one notice; accepted twice, two. A link's consent is one message, however often it is given."""

    def __init__(self) -> None:
        self.templates = {template.template_id: template for template in SHIPPED}
        self._agreed: Counter[tuple[str, str]] = Counter()
        self._links: set[tuple[str, str, int]] = set()

    def agree(self, openid: str, template_id: str) -> None:
        """One notice more may be sent."""
        self._agreed[openid, template_id] += 1

    def withdraw(self, openid: str, template_id: str) -> None:
        """No notice may be sent any more, whatever was agreed to before."""
        del self._agreed[openid, template_id]

    def left(self, openid: str, template_id: str) -> int:
        """How many notices may still be sent."""
        return self._agreed[openid, template_id]

    def spend(self, openid: str, template_id: str) -> None:
        """One notice less may be sent. Raises NotAgreed."""
        if self._agreed[openid, template_id] < 1:
            raise NotAgreed
        self._agreed[openid, template_id] -= 1

    def agree_by_link(self, openid: str, template_id: str, scene: int) -> None:
        """One message of this template may be sent for the scene; agreeing again adds nothing."""
        self._links.add((openid, template_id, scene))

    def spend_link(self, openid: str, template_id: str, scene: int) -> None:
        """The scene's message is used up. Raises NotAgreed."""
        try:
            self._links.remove((openid, template_id, scene))
        except KeyError:
            raise NotAgreed from None
