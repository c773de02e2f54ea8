"""The `coupons` section: batches, the words that lead to them, and what followers and staff read."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from models.claim import Batch
from models.config import Rules, says
from models.coupon import CouponRules
from models.notice import LeavesNotices

Words = Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
_NAMED = says("name")
_ABOUT = says("name", "hint")
_COUPON = says("name", "code", "holder", "until", "store", "minutes", "word")
_BY = says("name", "by", "at")


class CouponWording(Rules):
    """What followers read who claim and look."""

    claimed: Annotated[str, says("name", "code", "until", "text")] = Field(
        "领到了：{name}\n券码 {code}\n有效期至 {until}{text}", description="领到一张券"
    )
    text: Annotated[str, says("text")] = Field("\n{text}", description="券有使用说明（text）时，说明怎么写")
    sold_out: Annotated[str, _NAMED] = Field("「{name}」已经领完了，下次早点来", description="领完了")
    already_claimed: Annotated[str, says("name", "limit")] = Field(
        "「{name}」每人最多 {limit} 张，您已经领过了，回复「我的券」可以查看", description="领过了"
    )
    claim_not_started: Annotated[str, says("name", "begin")] = Field("「{name}」{begin} 开始领", description="还没开始")
    claim_over: Annotated[str, _NAMED] = Field("「{name}」的领取已经结束", description="已经结束")
    not_claimable_now: Annotated[str, _ABOUT] = Field("「{name}」现在不能领。{hint}", description="不在能领的时间；hint 是 claim.hint")
    level_too_low: Annotated[str, says("name", "level", "hint")] = Field("「{name}」要达到{level}才能领。{hint}", description="等级不够")
    not_among_them: Annotated[str, _ABOUT] = Field("「{name}」这次不是发给您的。{hint}", description="不在能领的人群、标签里")
    mine: Annotated[str, says("count", "coupons", "past", "more")] = Field("您有 {count} 张券{coupons}{past}{more}", description="我的券")
    none: Annotated[str, says("past")] = Field("您现在没有可以用的券{past}", description="没有可以用的券")
    coupon: Annotated[str, says("number", "name", "code", "until", "begins", "text")] = Field(
        "\n\n{number}. {name}\n券码 {code}\n有效期至 {until}{begins}{text}", description="我的券里每张券"
    )
    begins: Annotated[str, says("begin")] = Field("（{begin} 起可用）", description="还没到使用日期的券，跟在有效期后面")
    past: Annotated[str, says("redeemed", "expired")] = Field(
        "\n\n已使用 {redeemed} 张，已过期 {expired} 张", description="有用过或过期的券时加一行"
    )
    more: Annotated[str, says("page", "pages", "word", "next")] = Field(
        "\n\n第 {page}/{pages} 页，回复「{word} {next}」看下一页", description="还有下一页时加一行"
    )


class StaffWording(Rules):
    """What staff read at the counter."""

    how: Annotated[str, says("word")] = Field("请回复「{word} 券码」，例如：{word} ABCDE-FGHJK-MNPQR", description="只说了核销，没有券码")
    confirm: Annotated[str, _COUPON] = Field(
        "{name}\n券码 {code}\n持有人 {holder}\n有效期至 {until}\n核销请在 {minutes} 分钟内回复「{word}」", description="核销第一步"
    )
    redeemed: Annotated[str, _COUPON] = Field("已核销：{name}（{code}）\n{minutes} 分钟内回复「{word}」可以撤销", description="核销完成")
    cancelled: Annotated[str, says()] = Field("好的，没有核销", description="取消")
    too_late: Annotated[str, says()] = Field("等确认超过 5 分钟了，没有核销，请重新发送券码", description="超过 5 分钟才确认")
    undone: Annotated[str, _COUPON] = Field("已撤销核销：{name}（{code}），这张券还可以使用", description="撤销完成")
    not_redeemed: Annotated[str, _NAMED] = Field("没有可以撤销的核销：只能撤销自己刚才核销的", description="没有可以撤销的")
    mistyped_code: Annotated[str, says()] = Field("券码有一个字打错了，请核对后再发", description="券码有错字（校验位不对）")
    unknown_code: Annotated[str, says()] = Field("没有这个券码，请核对后再发", description="没有这个券码")
    too_many_attempts: Annotated[str, says()] = Field("错误的券码太多了，请一小时后再试", description="连续试了太多不存在的券码")
    already_redeemed: Annotated[str, _BY] = Field("「{name}」已经用过了：{at} 由 {by} 核销", description="已经核销过")
    coupon_expired: Annotated[str, says("name", "until")] = Field("「{name}」已过期，有效期到 {until}", description="已过期")
    coupon_not_yet_valid: Annotated[str, says("name", "begin")] = Field("「{name}」{begin} 起才能用", description="还没到使用日期")
    coupon_void: Annotated[str, _NAMED] = Field("「{name}」已经作废", description="已作废")
    bind_how: Annotated[str, says("word")] = Field("请回复「{word} 绑定码」", description="只说了绑定店员，没有绑定码")
    bound: Annotated[str, says("name", "store", "word")] = Field(
        "{name}，您现在是店员了。核销请回复「{word} 券码」", description="绑定成功"
    )
    unknown_invitation: Annotated[str, says()] = Field("绑定码不对，或者已经用过、过期了", description="绑定码不对")


class CouponsSection(CouponRules, LeavesNotices):
    """券：批次、领取、核销。"""

    key: ClassVar[str] = "coupons"

    batches: list[Batch] = Field(default_factory=list, max_length=200, description="每一批券")
    triggers: Words = Field(["我的券"], description="看自己的券的词；后面加数字看第几页")
    redeem: Words = Field(["核销"], description="店员核销的词，后面跟券码")
    confirm: Words = Field(["确认"], description="店员确认核销的词")
    cancel: Words = Field(["取消", "退出"], description="店员不核销了的词")
    undo: Words = Field(["撤销核销"], description="店员撤销刚才核销的词")
    undo_minutes: int = Field(10, ge=0, le=24 * 60, description="店员几分钟内可以撤销自己的核销")
    bind: Words = Field(["绑定店员"], description="成为店员的词，后面跟 yizhan staff invite 给的绑定码")
    replies: CouponWording = Field(default_factory=CouponWording, description="粉丝看到的文案")
    staff_replies: StaffWording = Field(default_factory=StaffWording, description="店员看到的文案")
