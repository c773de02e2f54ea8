"""What we say in the shape of a customer-service message."""

from __future__ import annotations

import pytest

from wechat.client.custom import Message, MiniProgram, MpNewsArticle, MsgMenu, WxCard, payload
from wechat.reply import Article, Handoff, Image, Music, News, Text, Video, Voice


@pytest.mark.parametrize(
    ("message", "shape"),
    [
        (Text("你好\x00"), {"msgtype": "text", "text": {"content": "你好"}}),
        (Image("M1"), {"msgtype": "image", "image": {"media_id": "M1"}}),
        (Voice("M1"), {"msgtype": "voice", "voice": {"media_id": "M1"}}),
        (Video("M1"), {"msgtype": "video", "video": {"media_id": "M1"}}),
        (Video("M1", "标题", "说明"), {"msgtype": "video", "video": {"media_id": "M1", "title": "标题", "description": "说明"}}),
        (
            Music("歌", "词", "http://m", "http://hq", "T1"),
            {
                "msgtype": "music",
                "music": {"title": "歌", "description": "词", "musicurl": "http://m", "hqmusicurl": "http://hq", "thumb_media_id": "T1"},
            },
        ),
        (
            News((Article("一", "甲", "http://p", "http://u"), Article("二", "乙", "", ""))),
            {"msgtype": "news", "news": {"articles": [{"title": "一", "description": "甲", "url": "http://u", "picurl": "http://p"}]}},
        ),
        (
            MsgMenu("满意吗？", (("1", "满意"), ("2", "不满意")), "谢谢"),
            {
                "msgtype": "msgmenu",
                "msgmenu": {
                    "head_content": "满意吗？",
                    "list": [{"id": "1", "content": "满意"}, {"id": "2", "content": "不满意"}],
                    "tail_content": "谢谢",
                },
            },
        ),
        (
            MiniProgram("商城", "wx2", "pages/index", "T1"),
            {
                "msgtype": "miniprogrampage",
                "miniprogrampage": {"title": "商城", "appid": "wx2", "pagepath": "pages/index", "thumb_media_id": "T1"},
            },
        ),
        (MpNewsArticle("A1"), {"msgtype": "mpnewsarticle", "mpnewsarticle": {"article_id": "A1"}}),
        (WxCard("C1"), {"msgtype": "wxcard", "wxcard": {"card_id": "C1"}}),
        (Text(" \n\x01"), None),
        (News(()), None),
        (Handoff("小美"), None),
    ],
)
def test_every_kind_of_message_has_its_shape(message: Message, shape: dict[str, object] | None) -> None:
    assert payload(message) == shape


def test_a_long_text_is_cut_to_what_the_platform_takes() -> None:
    made = payload(Text("签" * 2000))
    assert made
    text = made["text"]
    assert isinstance(text, dict)
    assert len(text["content"].encode()) <= 2048
    assert text["content"].endswith("…")
