"""The words of a lottery."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from models.config import Rules, says

_DRAWN = ("title", "number", "ticket", "left", "consolation", "rules")
_ABOUT = ("title", "rules", "begins", "ends")


class LotteryWording(Rules):
    """The words of a lottery; `{rules}` is the word that leads to its rules."""

    won: Annotated[str, says("prize", "award", "claim", *_DRAWN)] = Field(
        "恭喜，抽中「{prize}」！{award}{claim}\n「{title}」第 {number} 号，凭证 {ticket}{left}", description="抽中了"
    )
    award: Annotated[str, says("award")] = Field("到账：{award}。", description="自动发的奖品，放在 {award} 的位置")
    claim: Annotated[str, says("claim", "proof")] = Field(
        "兑奖：{claim}（领奖码 {proof}，领的时候再给人看）",
        description="要另外领的奖品，放在 {claim} 的位置；{proof} 是只告诉本人的领奖码，凭证则是公开的",
    )
    ship: Annotated[str, says("order")] = Field("回复「领奖 {order}」填收货地址。", description="要寄的奖品，放在 {claim} 的位置")
    missed: Annotated[str, says(*_DRAWN)] = Field(
        "这次没有中{consolation}\n「{title}」第 {number} 号，凭证 {ticket}{left}", description="没抽中"
    )
    gone: Annotated[str, says("prize", *_DRAWN)] = Field(
        "抽到的是「{prize}」，可惜已经发完了{consolation}\n「{title}」第 {number} 号，凭证 {ticket}{left}", description="抽到的奖品发完了"
    )
    consolation: Annotated[str, says("award")] = Field("，送您 {award}", description="没抽中也送的，放在 {consolation} 的位置")
    left: Annotated[str, says("left")] = Field("\n现在还能抽 {left} 次", description="还有机会，放在 {left} 的位置")
    none_left: Annotated[str, says()] = Field("\n现在没有抽奖机会了", description="没有机会了，放在 {left} 的位置")

    not_begun: Annotated[str, says(*_ABOUT)] = Field("「{title}」{begins} 开始，规则回复「{rules}」", description="还没开始")
    ended: Annotated[str, says(*_ABOUT)] = Field("「{title}」已经结束，结果和验证办法回复「{rules}」", description="已结束")
    not_invited: Annotated[str, says(*_ABOUT)] = Field("您还不符合「{title}」的参加条件，规则回复「{rules}」", description="不符合 who")
    used_up_today: Annotated[str, says("per_day", *_ABOUT)] = Field("今天的 {per_day} 次已经抽完，明天再来吧", description="今天抽完了")
    used_up: Annotated[str, says("per_follower", *_ABOUT)] = Field("每人最多 {per_follower} 次，您已经抽完了", description="总次数抽完了")
    no_chance: Annotated[str, says(*_ABOUT)] = Field(
        "您现在没有抽奖机会，怎么得到机会请回复「{rules}」", description="没有机会，也不能用积分抽"
    )
    not_enough_points: Annotated[str, says("balance", "needed", *_ABOUT)] = Field(
        "积分不够：抽一次要 {needed} 积分，您有 {balance}", description="积分不够"
    )

    rules: Annotated[
        str,
        says(
            *("title", "period", "eligible", "chances", "prizes", "consolation", "trigger"),
            *("claim", "organiser", "contact", "terms", "commitment", "page", "left"),
        ),
    ] = Field(
        "【{title}】规则\n时间：{period}\n参加：{eligible}，{chances}\n奖品：{prizes}\n开奖：回复「{trigger}」当场开奖；"
        "奖品发完为止，发完以后抽到算没中{consolation}\n兑奖：{claim}\n主办：{organiser}{contact}{terms}\n"
        "公平：抽奖前已经公布种子承诺 {commitment}，结束后公开种子，谁都可以把每一次抽奖重算一遍{page}{left}",
        description="规则：法律要求公布的都要在里面",
    )
    prize: Annotated[str, says("prize", "stock", "odds", "value")] = Field(
        "\n· {prize}{value}，{stock} 份，每次中奖概率 {odds}", description="奖品，每种一行"
    )
    value: Annotated[str, says("value")] = Field("（价值 {value} 元）", description="奖品的价值，放在 {value} 的位置")
    consoled: Annotated[str, says("award")] = Field("，没中送 {award}", description="规则里的安慰奖，放在 {consolation} 的位置")
    everybody: Annotated[str, says()] = Field("所有粉丝", description="没有写 eligible 时谁能参加")
    free: Annotated[str, says("count")] = Field("每天免费 {count} 次", description="免费次数")
    cost: Annotated[str, says("cost")] = Field("每次 {cost} 积分", description="用积分抽")
    for_free: Annotated[str, says()] = Field("不要积分", description="cost 是 0")
    by_chance: Annotated[str, says()] = Field("可以用得到的抽奖机会", description="没有免费次数，也不能用积分")
    per_day: Annotated[str, says("count")] = Field("每天最多 {count} 次", description="每天的上限")
    per_follower: Annotated[str, says("count")] = Field("每人一共最多 {count} 次", description="总上限")
    by_itself: Annotated[str, says()] = Field("抽中后自动到账", description="没有写 claim 时怎么兑奖")
    now: Annotated[str, says()] = Field("即日起", description="没有写 from 时的开始时间")
    page: Annotated[str, says("page")] = Field("\n公示与验证：{page}", description="公示页，放在 {page} 的位置")

    wins: Annotated[str, says("wins")] = Field("您的奖品：{wins}", description="我的奖品")
    win: Annotated[str, says("date", "prize", "title", "number", "ticket", "state")] = Field(
        "\n{date} {prize}（「{title}」第 {number} 号，凭证 {ticket}）{state}", description="我的奖品，每件一行"
    )
    unclaimed: Annotated[str, says("claim", "proof")] = Field(
        "\n 还没领：{claim}（领奖码 {proof}）", description="还没领，放在 {state} 的位置"
    )
    claimed: Annotated[str, says()] = Field("已领", description="领过了，放在 {state} 的位置")
    given: Annotated[str, says()] = Field("已到账", description="自动发的，放在 {state} 的位置")
    shipped: Annotated[str, says()] = Field("寄送，见「我的订单」", description="要寄的，放在 {state} 的位置")
    no_wins: Annotated[str, says()] = Field("您还没有抽中过奖品", description="没有奖品")
