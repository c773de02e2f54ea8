"""The check-in section of config.yaml: its words, its rules and what is said."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from models.checkin import CheckinRules
from models.config import Rules, says
from models.reminder import Reminds

Words = list[Annotated[str, Field(min_length=1)]]


class CalendarMarks(Rules):
    """What stands for a day. Pictures of one width, so that the columns are straight on every phone."""

    checked: str = Field("✅", min_length=1, description="签到了")
    made_up: str = Field("🔵", min_length=1, description="补签的")
    missed: str = Field("⚪", min_length=1, description="没签")
    today: str = Field("⭕", min_length=1, description="今天，还没签")
    blank: str = Field("◽", min_length=1, description="还没到的日子，和关注之前的日子")


class CheckinWording(Rules):
    """The words of a check-in."""

    done: Annotated[str, says("streak", "earned", "balance", "rank", "today", "reward", "days", "next_milestone", "times")] = Field(
        "签到成功，连续 {streak} 天，+{earned} 积分，共 {balance}", description="签到成功"
    )
    already_checked_in: Annotated[str, says("streak", "balance")] = Field(
        "今天已经签到过了，连续 {streak} 天，明天再来吧", description="今天已签到"
    )
    milestone: Annotated[str, says("days", "reward")] = Field(
        "\n🎉 连续 {days} 天，奖励 {reward}", description="连续签到有奖励时加的一行；done 里用了 {reward} 就不加"
    )
    total: Annotated[str, says("days", "reward")] = Field("\n🎉 累计 {days} 天，奖励 {reward}", description="累计签到有奖励时加的一行")
    multiplied: Annotated[str, says("times")] = Field("", description='积分翻倍时加的一行，例如 "\\n今天积分 {times} 倍"；不写就不加')
    next_milestone: Annotated[str, says("left", "days", "reward")] = Field(
        "再连续签 {left} 天，奖励 {reward}", description="{next_milestone} 的说法"
    )

    made_up: Annotated[str, says("date", "streak", "paid", "earned", "balance", "cards")] = Field(
        "已补签 {date}，现在连续 {streak} 天，{paid}", description="补签成功"
    )
    paid_with_card: Annotated[str, says("cards")] = Field("用了 1 张补签卡，还剩 {cards} 张", description="{paid}：用补签卡")
    paid_with_points: Annotated[str, says("cost", "balance")] = Field("花了 {cost} 积分，还剩 {balance}", description="{paid}：用积分")
    nothing_to_make_up: Annotated[str, says("days")] = Field("没有要补的：关注以后、最近 {days} 天里漏签的才能补", description="没有要补的")
    not_over: Annotated[str, says("date")] = Field("{date} 还没过完，不用补签", description="要补今天或以后")
    too_long_ago: Annotated[str, says("date", "days")] = Field("{date} 太久了，只能补最近 {days} 天的", description="要补的日子太早")
    not_followed_yet: Annotated[str, says("date")] = Field("{date} 您还没有关注，补不了", description="要补关注之前的日子")
    day_not_missed: Annotated[str, says("date")] = Field("{date} 已经签到过了，不用补", description="要补的那天已签到")
    makeups_used: Annotated[str, says("most")] = Field("每个月最多补签 {most} 次，这个月已经用完了", description="这个月补完了")
    no_card: Annotated[str, says()] = Field("补签要用补签卡，您现在没有", description="没有补签卡，也不能用积分补")
    not_enough_points: Annotated[str, says("balance", "needed")] = Field(
        "补签要 {needed} 积分，您只有 {balance}", description="积分不够补签"
    )
    no_such_date: Annotated[str, says()] = Field(
        "没有这个日期。可以这样说：补签 20、补签 11-20、补签 昨天、签到日历 10", description="日期不对"
    )

    calendar: Annotated[str, says("year", "month", "weeks", "checked", "made_up", "streak", "days", "next_milestone")] = Field(
        "📅 {year}年{month}月\n{weeks}\n这个月签到 {checked} 天，补签 {made_up} 天\n累计 {days} 天，现在连续 {streak} 天\n{next_milestone}",
        description="签到日历",
    )
    calendar_head: Annotated[str, says()] = Field("　　 一 二 三 四 五 六 日", description="签到日历的第一行")

    ranking: Annotated[str, says("today", "places", "own")] = Field("今天 {today} 人签到\n{places}\n{own}", description="签到排行")
    place: Annotated[str, says("rank", "name", "you")] = Field("{rank}. {name}{you}", description="排行里每人一行")
    nameless: Annotated[str, says()] = Field("不留名的会员", description="不想上榜的人，{name} 的说法")
    you: Annotated[str, says()] = Field("（您）", description="排行里自己那一行的 {you}")
    own_rank: Annotated[str, says("rank")] = Field("您是第 {rank} 个", description="{own}：今天签了")
    no_rank: Annotated[str, says()] = Field("您今天还没签到", description="{own}：今天没签")

    reminder_on: Annotated[str, says("time", "days", "stop")] = Field(
        "好的。连续签到 {days} 天以后，哪天到 {time} 还没签到，就提醒您一次。回复「{stop}」就不再提醒", description="开启签到提醒"
    )
    reminder_off: Annotated[str, says()] = Field("好的，不再提醒签到", description="关闭签到提醒")
    no_reminder: Annotated[str, says()] = Field("您没有开启签到提醒", description="没开启就要关闭")
    pushes_refused: Annotated[str, says()] = Field(
        "您退订了消息，提醒发不到。先回复「恢复订阅」，再来开启", description="退订的人要开启提醒"
    )


class CheckinSection(Reminds):
    """每日签到。"""

    key: ClassVar[str] = "checkin"

    triggers: Words = Field(["签到", "打卡"], min_length=1, description="触发词")
    makeup_triggers: Words = Field(["补签"], description="补签的触发词，后面可以跟日期")
    calendar_triggers: Words = Field(["签到日历"], description="签到日历的触发词，后面可以跟月份")
    rank_triggers: Words = Field(["签到排行"], description="看今天谁先签到的触发词")
    remind_triggers: Words = Field(["签到提醒", "开启签到提醒"], description="要签到提醒的触发词")
    no_remind_triggers: Words = Field(["取消签到提醒", "关闭签到提醒"], description="不要签到提醒的触发词")
    rules: CheckinRules = Field(default_factory=CheckinRules, description="规则")
    marks: CalendarMarks = Field(default_factory=CalendarMarks, description="签到日历里的记号")
    replies: CheckinWording = Field(default_factory=CheckinWording, description="文案")
