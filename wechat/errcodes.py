"""What the platform's error codes mean, and what to do about each."""

from __future__ import annotations

from enum import Enum


class Action(Enum):
    """What the caller of an API does next."""

    DONE = "done"  # nothing is wrong, or nothing is left to do
    RETRY = "retry"  # the same call again, a little later
    REFRESH_TOKEN = "refresh token"  # noqa: S105 (one new access token, one more try)
    FOLLOWER = "follower"  # this follower cannot be reached; go on with the others
    STOP = "stop"  # every other follower of this broadcast would fail alike
    NEXT_MINUTE = "next minute"
    NEXT_DAY = "next day"
    AUTHORIZE = "authorize again"  # what this person granted our web page is over: through authorize_url once more
    WINDOW = "window"  # the customer-service window of this follower is closed or used up
    CONTENT = "content"  # what was to be said to this follower
    CONFIG = "config"  # the account's settings: a person must look
    BUG = "bug"  # our request is wrong


def action_of(errcode: int) -> Action:
    """What to do; an error code we do not know is a BUG, so that nobody repeats it blindly."""
    return _TABLE.get(errcode, _UNKNOWN)[0]


def meaning_of(errcode: int) -> str:
    """A few Chinese words for operators."""
    return _TABLE.get(errcode, _UNKNOWN)[1]


NO_ANSWER = "no answer"  # in the words of an error of our own, where -1 is not the platform's 系统繁忙


class PlatformError(Exception):
    """The platform said no. Holds its code and words and what to do; never an access token, never the secret."""

    def __init__(self, errcode: int, errmsg: str, action: Action | None = None) -> None:
        super().__init__(errcode, errmsg)
        self.errcode = errcode
        self.errmsg = errmsg
        self.action = action or action_of(errcode)

    def __str__(self) -> str:
        return f"{self.errcode} {'没有回答' if NO_ANSWER in self.errmsg else meaning_of(self.errcode)}: {self.errmsg}"


class Ambiguous(PlatformError):
    """We cannot know whether the platform accepted the call. Only the same client_msg_id may be sent again."""


class NotMade(PlatformError):
    """The call was not made: when everything was ready for it, it was no longer wanted."""

    def __init__(self) -> None:
        super().__init__(-1, "not made: no longer wanted", Action.RETRY)


class Busy(Ambiguous):
    """The platform itself said -1, 系统繁忙: it asks to be called again, which is the nearest it comes to saying that it took nothing."""


class PartlyFailed(PlatformError):
    """The platform did its work for some followers and not for these `openids`: they may be tried again (45171)."""

    def __init__(self, errcode: int, errmsg: str, openids: list[str]) -> None:
        super().__init__(errcode, errmsg)
        self.openids = openids


class Garbled(Ambiguous):
    """Something answered with `status`, but not with the platform's JSON."""

    def __init__(self, status: int) -> None:
        super().__init__(-1, f"HTTP {status} without the platform's JSON")
        self.status = status


_UNKNOWN = (Action.BUG, "未知错误码")

# The official error pages, and WxJava's list of 1,832 codes for the platform's wording. 50002 counts for the follower of the call.
_TABLE: dict[int, tuple[Action, str]] = {
    0: (Action.DONE, "成功"),
    45065: (Action.DONE, "相同 clientmsgid 已受理过"),
    45072: (Action.DONE, "输入状态命令不对"),
    45080: (Action.DONE, "三十秒内没有互动，不能下发输入状态"),
    45081: (Action.DONE, "正在输入状态中，不必重复下发"),
    -1: (Action.RETRY, "系统繁忙"),
    42010: (Action.RETRY, "调用太快"),
    45169: (Action.RETRY, "同一粉丝的标签正在被修改"),
    45171: (Action.RETRY, "部分粉丝处理失败"),
    53501: (Action.RETRY, "发布太频繁"),
    61503: (Action.RETRY, "统计数据还没准备好"),
    268_487_001: (Action.RETRY, "平台繁忙"),
    268_487_002: (Action.RETRY, "平台繁忙"),
    268_488_001: (Action.RETRY, "平台繁忙"),
    9_500_001: (Action.RETRY, "平台繁忙"),
    9_500_002: (Action.RETRY, "平台繁忙"),
    40001: (Action.REFRESH_TOKEN, "access_token 无效或不是最新的"),
    40014: (Action.REFRESH_TOKEN, "access_token 不合法"),
    42001: (Action.REFRESH_TOKEN, "access_token 已过期"),
    40003: (Action.FOLLOWER, "openid 不属于本服务号"),
    43004: (Action.FOLLOWER, "粉丝已取消关注"),
    43019: (Action.FOLLOWER, "粉丝在黑名单中"),
    43101: (Action.FOLLOWER, "粉丝没有授权这条订阅通知"),
    46004: (Action.FOLLOWER, "用户不存在"),
    48002: (Action.FOLLOWER, "粉丝关闭了接收消息"),
    49003: (Action.FOLLOWER, "openid 与 appid 不匹配"),
    50001: (Action.FOLLOWER, "用户未授权"),
    50002: (Action.FOLLOWER, "用户帐号受限"),
    50005: (Action.FOLLOWER, "粉丝已取消关注"),
    68000: (Action.FOLLOWER, "用户受限"),
    70000: (Action.FOLLOWER, "未成年人保护，拒收"),
    40036: (Action.STOP, "模板编号长度不对"),
    40037: (Action.STOP, "模板不存在或已被删除"),
    40152: (Action.STOP, "标签不存在"),
    40165: (Action.STOP, "小程序页面路径不对"),
    40249: (Action.STOP, "模板消息不得含营销内容"),
    41030: (Action.STOP, "小程序页面不存在"),
    43116: (Action.STOP, "模板被限制下发"),
    45028: (Action.STOP, "群发次数已用完"),
    45062: (Action.STOP, "有广告协议，不能发送"),
    45168: (Action.STOP, "内容含违禁词"),
    53500: (Action.STOP, "发布功能被封禁"),
    45011: (Action.NEXT_MINUTE, "每分钟调用次数到顶"),
    45066: (Action.NEXT_MINUTE, "群发重试太快"),
    45009: (Action.NEXT_DAY, "当天调用次数到顶"),
    45015: (Action.WINDOW, "超出客服消息时限，或粉丝已取消关注"),
    45047: (Action.WINDOW, "客服消息条数已用完"),
    45002: (Action.CONTENT, "内容太长"),
    45003: (Action.CONTENT, "标题太长"),
    45004: (Action.CONTENT, "描述太长"),
    45005: (Action.CONTENT, "链接太长"),
    45006: (Action.CONTENT, "图片链接太长"),
    45166: (Action.CONTENT, "内容不合法"),
    47003: (Action.CONTENT, "模板参数值不合规定"),
    87014: (Action.CONTENT, "内容有风险"),
    40013: (Action.CONFIG, "AppID 不对"),
    40125: (Action.CONFIG, "AppSecret 不对"),
    40164: (Action.CONFIG, "服务器 IP 不在白名单"),
    40200: (Action.CONFIG, "帐号类型不对"),
    40243: (Action.CONFIG, "AppSecret 已被冻结"),
    41002: (Action.CONFIG, "缺少 AppID"),
    41004: (Action.CONFIG, "缺少 AppSecret"),
    43104: (Action.CONFIG, "AppID 没有权限"),
    45026: (Action.CONFIG, "模板数量到顶"),
    45027: (Action.CONFIG, "模板与所属行业冲突"),
    45029: (Action.CONFIG, "永久二维码数量到顶"),
    45064: (Action.CONFIG, "小程序没有关联本服务号"),
    48001: (Action.CONFIG, "接口未授权"),
    48003: (Action.CONFIG, "管理员没有同意群发协议"),
    48004: (Action.CONFIG, "接口因违规被封禁"),
    48008: (Action.CONFIG, "没有发送这种消息的权限"),
    50004: (Action.CONFIG, "禁止使用 token 接口"),
    50007: (Action.CONFIG, "帐号已冻结"),
    61003: (Action.CONFIG, "第三方平台未获授权"),
    61004: (Action.CONFIG, "IP 未登记到第三方平台"),
    61007: (Action.CONFIG, "第三方平台没有此接口权限"),
    61023: (Action.CONFIG, "刷新令牌无效"),
    61024: (Action.CONFIG, "须用第三方平台的令牌"),
    65400: (Action.CONFIG, "没有开通新版客服"),
    89503: (Action.CONFIG, "等待管理员确认此 IP"),
    89504: (Action.CONFIG, "等待管理员确认群发"),
    89505: (Action.CONFIG, "管理员拒绝了群发"),
    89506: (Action.CONFIG, "管理员拒绝此 IP，二十四小时后再试"),
    89507: (Action.CONFIG, "管理员拒绝此 IP，一小时后再试"),
    200011: (Action.CONFIG, "帐号已被封禁"),
    200012: (Action.CONFIG, "订阅模板数量到顶"),
    200013: (Action.CONFIG, "订阅模板已被封禁"),
    40029: (Action.AUTHORIZE, "网页授权 code 无效"),
    40030: (Action.AUTHORIZE, "refresh_token 无效"),
    40163: (Action.AUTHORIZE, "网页授权 code 已用过"),
    42002: (Action.AUTHORIZE, "refresh_token 已过期"),
    42003: (Action.AUTHORIZE, "网页授权 code 已过期"),
    42007: (Action.AUTHORIZE, "用户改了密码，授权失效"),
    40002: (Action.BUG, "grant_type 不对"),
    40004: (Action.BUG, "媒体类型不对"),
    40005: (Action.BUG, "文件类型不对"),
    40006: (Action.BUG, "文件大小不对"),
    40007: (Action.BUG, "media_id 无效或已过期"),
    40008: (Action.BUG, "消息类型不对"),
    40009: (Action.BUG, "图片大小不对"),
    40016: (Action.BUG, "菜单按钮个数不对"),
    40017: (Action.BUG, "菜单按钮类型不对"),
    40018: (Action.BUG, "菜单按钮名称长度不对"),
    40019: (Action.BUG, "菜单按钮 key 长度不对"),
    40020: (Action.BUG, "菜单按钮链接长度不对"),
    40023: (Action.BUG, "子菜单级数不对"),
    40024: (Action.BUG, "子菜单按钮个数不对"),
    40025: (Action.BUG, "子菜单按钮类型不对"),
    40026: (Action.BUG, "子菜单按钮名称长度不对"),
    40027: (Action.BUG, "子菜单按钮 key 长度不对"),
    40031: (Action.BUG, "openid 列表不合法"),
    40032: (Action.BUG, "openid 列表长度不对"),
    40033: (Action.BUG, "请求里有 \\u 转义字符"),
    40035: (Action.BUG, "参数不合法"),
    40038: (Action.BUG, "请求格式不对"),
    40039: (Action.BUG, "链接长度不对"),
    40048: (Action.BUG, "链接域名不对"),
    40050: (Action.BUG, "分组编号不对"),
    40051: (Action.BUG, "分组名称不对"),
    40052: (Action.BUG, "二维码 action_name 不对"),
    40053: (Action.BUG, "二维码 action_info 不对"),
    40054: (Action.BUG, "子菜单按钮链接域名不对"),
    40055: (Action.BUG, "菜单按钮链接域名不对"),
    40059: (Action.BUG, "群发消息编号不对"),
    40060: (Action.BUG, "图文序号不对"),
    40065: (Action.BUG, "群发状态不允许删除"),
    40092: (Action.BUG, "备注名不合法"),
    40097: (Action.BUG, "参数不对"),
    40117: (Action.BUG, "分组名称不对"),
    40130: (Action.BUG, "至少要有两个 openid"),
    40132: (Action.BUG, "微信号不对"),
    40201: (Action.BUG, "检测链接不对"),
    40202: (Action.BUG, "检测动作不对"),
    40203: (Action.BUG, "检测运营商不对"),
    40215: (Action.BUG, "群发条件不合法"),
    40246: (Action.BUG, "模板关键词列表不对"),
    40247: (Action.BUG, "须用类目模板"),
    41001: (Action.BUG, "缺少 access_token"),
    41003: (Action.BUG, "缺少 refresh_token"),
    41005: (Action.BUG, "缺少媒体数据"),
    41006: (Action.BUG, "缺少 media_id"),
    41008: (Action.BUG, "缺少网页授权 code"),
    41009: (Action.BUG, "缺少 openid"),
    41040: (Action.BUG, "群发参数不对"),
    43001: (Action.BUG, "须用 GET"),
    43002: (Action.BUG, "须用 POST"),
    43003: (Action.BUG, "须用 HTTPS"),
    43005: (Action.BUG, "须是好友关系"),
    43100: (Action.BUG, "修改行业太频繁"),
    44001: (Action.BUG, "媒体文件为空"),
    44002: (Action.BUG, "请求内容为空"),
    44003: (Action.BUG, "图文内容为空"),
    44004: (Action.BUG, "文本内容为空"),
    45001: (Action.BUG, "媒体文件太大"),
    45007: (Action.BUG, "语音太长"),
    45008: (Action.BUG, "图文条数太多"),
    45010: (Action.BUG, "菜单创建次数到顶"),
    45016: (Action.BUG, "系统分组不能改"),
    45017: (Action.BUG, "分组名太长"),
    45018: (Action.BUG, "分组数量到顶"),
    45056: (Action.BUG, "标签数量到顶"),
    45057: (Action.BUG, "标签下粉丝超过十万，不能删除"),
    45058: (Action.BUG, "系统标签不能改"),
    45059: (Action.BUG, "粉丝的标签数量到顶"),
    45067: (Action.BUG, "clientmsgid 太长"),
    45083: (Action.BUG, "群发速度不对"),
    45084: (Action.BUG, "缺少群发速度"),
    45109: (Action.BUG, "统一服务消息已下线"),
    45113: (Action.BUG, "群发不再支持此类消息"),
    45157: (Action.BUG, "标签名不合法或重名"),
    45158: (Action.BUG, "标签名太长"),
    45159: (Action.BUG, "标签编号不合法"),
    45162: (Action.BUG, "群发消息类型不对"),
    46001: (Action.BUG, "媒体不存在"),
    46002: (Action.BUG, "菜单版本不存在"),
    46003: (Action.BUG, "菜单不存在"),
    47001: (Action.BUG, "请求不是合法的 JSON"),
    48005: (Action.BUG, "素材正在使用，不能删除"),
    48006: (Action.BUG, "清零次数已用完"),
    48021: (Action.BUG, "自动保存的草稿不能群发"),
    48022: (Action.BUG, "接口上传的视频不能群发"),
    53502: (Action.BUG, "发布编号不对"),
    53503: (Action.BUG, "草稿没有通过检查"),
    53504: (Action.BUG, "须在公众平台官网使用草稿"),
    53505: (Action.BUG, "请先保存草稿"),
    53600: (Action.BUG, "文章编号不对"),
    61450: (Action.BUG, "客服系统错误"),
    61451: (Action.BUG, "客服参数错误"),
    61452: (Action.BUG, "客服帐号不合法"),
    61453: (Action.BUG, "客服帐号已存在"),
    61454: (Action.BUG, "客服帐号名太长"),
    61455: (Action.BUG, "客服帐号名含非法字符"),
    61456: (Action.BUG, "客服帐号数量到顶"),
    61457: (Action.BUG, "客服头像格式不对"),
    61500: (Action.BUG, "日期格式不对"),
    61501: (Action.BUG, "日期范围不对"),
    65301: (Action.BUG, "个性化菜单不存在"),
    65303: (Action.BUG, "没有默认菜单"),
    65316: (Action.BUG, "个性化菜单的跳转域名太多"),
    65320: (Action.BUG, "个性化菜单的匹配规则已停用"),
    65401: (Action.BUG, "客服帐号不对"),
    65413: (Action.BUG, "没有这个客服会话"),
    65415: (Action.BUG, "客服不在线"),
    65416: (Action.BUG, "查询客服记录的参数不对"),
    65417: (Action.BUG, "查询客服记录的时间段不对"),
    76001: (Action.BUG, "rid 不对"),
    76002: (Action.BUG, "rid 不属于本帐号"),
    76003: (Action.BUG, "rid 或 cgi_path 不存在"),
    76004: (Action.BUG, "rid 已过期"),
    76021: (Action.BUG, "cgi_path 不对"),
    76022: (Action.BUG, "没有此 cgi_path 的权限"),
    87009: (Action.BUG, "签名不对"),
    88000: (Action.BUG, "没有留言权限"),
    88001: (Action.BUG, "图文不存在"),
    88002: (Action.BUG, "文章有敏感信息"),
    88003: (Action.BUG, "精选留言数到顶"),
    88004: (Action.BUG, "留言已被作者删除"),
    88005: (Action.BUG, "留言已经回复过"),
    88007: (Action.BUG, "回复太长或为空"),
    88008: (Action.BUG, "留言不存在"),
    88010: (Action.BUG, "留言条数不对"),
    200014: (Action.BUG, "订阅模板 tid 不对"),
    200016: (Action.BUG, "订阅模板 start 不对"),
    200017: (Action.BUG, "订阅模板 limit 不对"),
    200018: (Action.BUG, "缺少订阅模板类目"),
    200019: (Action.BUG, "订阅模板类目不对"),
    200020: (Action.BUG, "订阅模板关键词列表不对"),
    200021: (Action.BUG, "订阅模板场景描述不对"),
    200022: (Action.BUG, "订阅模板参数不对"),
    9_001_001: (Action.BUG, "请求参数不对"),
}
