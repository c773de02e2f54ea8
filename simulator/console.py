"""What the account's operators had made by hand before a server took over: a menu and auto-replies, in the shapes of the official pages."""

from typing import Any

PICTURE = "{picture}"
"""Stands where the platform puts a media_id that is new in every answer and good for three days."""

_NEWS: dict[str, Any] = {
    "list": [
        {
            "title": "新会员指南",
            "author": "小编",
            "digest": "三分钟看懂积分和等级",
            "show_cover": 1,
            "cover_url": "https://example.com/pictures/guide.jpg",
            "content_url": "https://mp.weixin.qq.com/s/guide",
            "source_url": "https://example.com/guide",
        }
    ]
}

MENU: list[dict[str, Any]] = [
    {
        "name": "会员",
        "sub_button": {
            "list": [
                {"type": "news", "name": "会员指南", "value": "console_guide", "news_info": _NEWS},
                {"type": "text", "name": "会员权益", "value": "会员每月享一次免费停车，生日当月双倍积分。"},
                {"type": "view", "name": "会员商城", "url": "https://example.com/shop"},
            ]
        },
    },
    {"type": "img", "name": "门店照片", "value": PICTURE},
    {"type": "text", "name": "联系我们", "value": "客服电话 400-000-0000，每天 9:00–21:00"},
]
"""As get_current_selfmenu_info gives a menu that was published in the console."""

AUTO_REPLIES: dict[str, Any] = {
    "is_add_friend_reply_open": 1,
    "is_autoreply_open": 1,
    "add_friend_autoreply_info": {"type": "text", "content": "欢迎关注！回复「营业时间」看看我们几点开门。"},
    "message_default_autoreply_info": {"type": "text", "content": "已经收到，我们会尽快回复。"},
    "keyword_autoreply_info": {
        "list": [
            {
                "rule_name": "营业时间",
                "create_time": 1_750_000_000,
                "reply_mode": "reply_all",
                "keyword_list_info": [
                    {"type": "text", "match_mode": "contain", "content": "营业时间"},
                    {"type": "text", "match_mode": "equal", "content": "几点开门"},
                ],
                "reply_list_info": [{"type": "text", "content": "每天 9:00–21:00 营业，节假日不休息。"}],
            },
            {
                "rule_name": "新会员",
                "create_time": 1_750_000_100,
                "reply_mode": "random_one",
                "keyword_list_info": [{"type": "text", "match_mode": "equal", "content": "新会员"}],
                "reply_list_info": [
                    {"type": "news", "news_info": _NEWS},
                    {"type": "img", "content": PICTURE},
                ],
            },
        ]
    },
}
"""As get_current_autoreply_info gives them. `contain` and `equal` are its two ways to match; every reply of a rule, or one by chance."""


def with_picture(shape: Any, media_id: str) -> Any:
    """The same shape, its pictures to be had under this media_id."""
    if isinstance(shape, dict):
        return {name: with_picture(value, media_id) for name, value in shape.items()}
    if isinstance(shape, list):
        return [with_picture(item, media_id) for item in shape]
    return media_id if shape == PICTURE else shape
