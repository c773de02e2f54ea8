"""操作记录: who signed in and who changed what."""

from __future__ import annotations

from starlette.responses import Response

from app.console.desk import Visit
from models import audit

_MOST = 300
WORDS = {
    "signed_in": "登录",
    "signed_out": "退出",
    "sign_in_failed": "登录失败",
    "code_used": "用一次性代码登录",
    "password_set": "设了密码",
    "operator_added": "加了账号",
    "operator_reset": "重设了账号",
    "operator_disabled": "停用了账号",
    "went_back": "回到旧版本",
    "finding_passed": "看过，没问题",
    "referral_paid": "邀请计入",
    "referral_refused": "邀请不计",
    "finding_dismissed": "看过，不合适",
    "board_frozen": "定了榜",
    "lottery_revealed": "公开了抽奖的种子",
    "prize_claimed": "记下奖品已领",
    "points_adjusted": "加减了积分",
    "points_reversed": "撤回了积分",
    "coupon_given": "送了券",
    "coupon_redeemed": "核销了券",
    "coupon_undone": "撤销了核销",
    "coupon_voided": "作废了券",
    "coupons_imported": "导入了券码",
    "coupons_exported": "导出了券的清单",
    "staff_added": "加了店员",
    "staff_invited": "邀请了店员",
    "staff_removed": "移除了店员",
    "order_shipped": "发了货",
    "order_delivered": "标了收到",
    "order_cancelled": "取消了订单",
    "order_returned": "标了退货",
    "address_shown": "看了收货地址",
    "addresses_exported": "导出了发货清单",
    "broadcast_started": "开始了群发",
    "broadcast_tested": "发了测试",
    "broadcast_undone": "撤回了群发",
    "broadcast_paused": "暂停了群发",
    "broadcast_resumed": "继续了群发",
    "broadcast_cancelled": "取消了群发",
    "broadcast_approved": "批准了群发",
    "broadcast_edited": "换了群发的内容",
    "run_overridden": "担保发出了规则提醒过的群发",
}


async def trail(visit: Visit) -> Response:
    """The newest entries."""
    entries = await visit.desk.database.read(lambda db: audit.latest(db, _MOST))
    return visit.page("audit.html", entries=entries, words=WORDS)
