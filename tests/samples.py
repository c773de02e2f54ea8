"""What the platform pushes, one sample of every kind and odd shape, by name: the XML inside the envelope, with TO, FROM and TIME left open.

Shapes are those of the official pages on messages and events and of the corrections the field found (old and new spellings, empty
elements, numbers with and without CDATA, repeated siblings).
"""

from __future__ import annotations

from tests.people import ORIGINAL_ID

_MESSAGES = {
    "text": "<Content><![CDATA[你好]]></Content>",
    "text with a keyword": "<Content><![CDATA[营业时间]]></Content>",
    "text of blanks": "<Content><![CDATA[   ]]></Content>",
    "text that is empty": "<Content><![CDATA[]]></Content>",
    "text without Content": "",
    "text without CDATA": "<Content>hello &amp; &lt;bye&gt;</Content>",
    "text with a split CDATA": "<Content><![CDATA[a]]]]><![CDATA[>b]]></Content>",
    "text with emoji": "<Content><![CDATA[👨‍👩‍👧‍👦/::)🇨🇳]]></Content>",
    "text with right-to-left marks": "<Content><![CDATA[\u202eabc\u200b]]></Content>",
    "text with lines": "<Content><![CDATA[一\n二\r\n三]]></Content>",
    "text of 5,000 characters": f"<Content><![CDATA[{'长' * 5000}]]></Content>",
    "text that is doubled": "<Content><![CDATA[a]]></Content><Content><![CDATA[b]]></Content>",
    "text that is nested": "<Content><a>1</a></Content>",
    "text from a msgmenu": "<Content><![CDATA[满意]]></Content><bizmsgmenuid><![CDATA[101]]></bizmsgmenuid>",
    "text from an article": "<Content><![CDATA[你好]]></Content><MsgDataId>2247483647</MsgDataId><Idx>1</Idx>",
}
_MEDIA = {
    "image": "<PicUrl><![CDATA[http://mmbiz.qpic.cn/a]]></PicUrl><MediaId><![CDATA[m1]]></MediaId>",
    "image without a picture": "",
    "voice": "<MediaId><![CDATA[m2]]></MediaId><Format><![CDATA[amr]]></Format>",
    "voice with recognition": "<MediaId><![CDATA[m2]]></MediaId><Format>speex</Format><Recognition><![CDATA[签到]]></Recognition>",
    "voice in 16K": "<MediaId><![CDATA[m2]]></MediaId><Format>amr</Format><MediaId16K><![CDATA[m3]]></MediaId16K>",
    "video": "<MediaId><![CDATA[m4]]></MediaId><ThumbMediaId><![CDATA[m5]]></ThumbMediaId>",
    "shortvideo": "<MediaId><![CDATA[m6]]></MediaId><ThumbMediaId><![CDATA[m7]]></ThumbMediaId>",
    "location": "<Location_X>23.134521</Location_X><Location_Y>113.358803</Location_Y><Scale>20</Scale><Label><![CDATA[位置]]></Label>",
    "location that is no number": "<Location_X>north</Location_X><Location_Y></Location_Y><Scale>-</Scale><Label/>",
    "link": "<Title><![CDATA[题]]></Title><Description><![CDATA[述]]></Description><Url><![CDATA[https://a.cn/?a=1&b=2]]></Url>",
    "a kind nobody knows": "<Something><![CDATA[new]]></Something>",
}
_SCAN = "<ScanCodeInfo><ScanType><![CDATA[qrcode]]></ScanType><ScanResult><![CDATA[2]]></ScanResult></ScanCodeInfo>"
_PICS = "<SendPicsInfo><Count>{n}</Count><PicList>{items}</PicList></SendPicsInfo>"
_PIC = "<item><PicMd5Sum><![CDATA[1b5f7c23b5bf75682a53e7b6d163e185]]></PicMd5Sum></item>"
_LIST = "<List><TemplateId><![CDATA[T{n}]]></TemplateId><SubscribeStatusString><![CDATA[{s}]]></SubscribeStatusString><PopupScene>1</PopupScene></List>"
_SENT = (
    "<SubscribeMsgSentEvent><List><TemplateId><![CDATA[T]]></TemplateId><MsgID><![CDATA[1864323726461255680]]></MsgID>"
    "<ErrorCode>{code}</ErrorCode><ErrorStatus><![CDATA[{status}]]></ErrorStatus></List></SubscribeMsgSentEvent>"
)
_MASS = (
    "<MsgID>1000001625</MsgID><Status><![CDATA[{status}]]></Status><TotalCount>0</TotalCount><FilterCount>0</FilterCount><SentCount>0</SentCount>"
    "<ErrorCount>0</ErrorCount><CopyrightCheckResult><Count>{n}</Count><ResultList>{items}</ResultList><CheckState>2</CheckState>"
    "</CopyrightCheckResult><ArticleUrlResult><Count>1</Count><ResultList><item><ArticleIdx>1</ArticleIdx>"
    "<ArticleUrl><![CDATA[http://mp.weixin.qq.com/s/x]]></ArticleUrl></item></ResultList></ArticleUrlResult>"
)
_COPY = (
    "<item><ArticleIdx>{n}</ArticleIdx><UserDeclareState>0</UserDeclareState><AuditState>2</AuditState><OriginalArticleUrl><![CDATA[Url_1]]>"
    "</OriginalArticleUrl><OriginalArticleType>1</OriginalArticleType><CanReprint>1</CanReprint><NeedReplaceContent>1</NeedReplaceContent>"
    "<NeedShowReprintSource>1</NeedShowReprintSource></item>"
)
_PUBLISHED = (
    "<PublishEventInfo><publish_id>2247503051</publish_id><publish_status>{status}</publish_status><article_id><![CDATA[b5O2OUs25HBxRceL]]>"
    "</article_id><article_detail><count>1</count><item><idx>1</idx><article_url><![CDATA[ARTICLE_URL]]></article_url></item></article_detail></PublishEventInfo>"
)
_EVENTS = {
    "subscribe": "",
    "subscribe with an empty key": "<EventKey><![CDATA[]]></EventKey>",
    "subscribe with a bare empty key": "<EventKey/>",
    "subscribe by a code": "<EventKey><![CDATA[qrscene_123123]]></EventKey><Ticket><![CDATA[TICKET]]></Ticket>",
    "subscribe by a named code": "<EventKey><![CDATA[qrscene_store_01]]></EventKey><Ticket><![CDATA[TICKET]]></Ticket>",
    "unsubscribe": "<EventKey><![CDATA[]]></EventKey>",
    "SCAN": "<EventKey><![CDATA[store_01]]></EventKey><Ticket><![CDATA[TICKET]]></Ticket>",
    "SCAN without a ticket": "<EventKey>4294967295</EventKey>",
    "LOCATION": "<Latitude>23.137466</Latitude><Longitude>113.352425</Longitude><Precision>119.385040</Precision>",
    "LOCATION without numbers": "<Latitude/><Longitude></Longitude><Precision>x</Precision>",
    "CLICK": "<EventKey><![CDATA[签到]]></EventKey>",
    "CLICK on nothing": "<EventKey></EventKey>",
    "CLICK on a long key": f"<EventKey><![CDATA[{'k' * 128}]]></EventKey>",
    "VIEW": "<EventKey><![CDATA[http://www.qq.com/?a=1&b=2]]></EventKey><MenuId>123</MenuId>",
    "view_miniprogram": "<EventKey><![CDATA[pages/index/index]]></EventKey><MenuId>123</MenuId>",
    "scancode_push": f"<EventKey><![CDATA[6]]></EventKey>{_SCAN}",
    "scancode_waitmsg": f"<EventKey><![CDATA[6]]></EventKey>{_SCAN}",
    "scancode_waitmsg without its info": "<EventKey><![CDATA[6]]></EventKey>",
    "pic_sysphoto": "<EventKey>6</EventKey>" + _PICS.format(n=1, items=_PIC),
    "pic_photo_or_album": "<EventKey>6</EventKey>" + _PICS.format(n=2, items=_PIC * 2),
    "pic_weixin": "<EventKey>6</EventKey>" + _PICS.format(n=0, items=""),
    "location_select": "<EventKey>6</EventKey><SendLocationInfo><Location_X>23</Location_X><Location_Y>113</Location_Y><Scale>15</Scale>"
    "<Label><![CDATA[ 广州市海珠区客村艺苑路 106号]]></Label><Poiname/></SendLocationInfo>",
    "TEMPLATESENDJOBFINISH": "<MsgID>200163836</MsgID><Status><![CDATA[success]]></Status>",
    "TEMPLATESENDJOBFINISH blocked": "<MsgID>200163840</MsgID><Status><![CDATA[failed:user block]]></Status>",
    "TEMPLATESENDJOBFINISH failed": "<MsgID>200163841</MsgID><Status><![CDATA[failed: system failed]]></Status>",
    "templatesendjobfinish": "<MsgID><![CDATA[4000000000000000001]]></MsgID><Status>success</Status>",
    "MASSSENDJOBFINISH": _MASS.format(status="send success", n=2, items=_COPY.format(n=1) + _COPY.format(n=2)),
    "MASSSENDJOBFINISH failed": _MASS.format(status="err(30003)", n=0, items=""),
    "PUBLISHJOBFINISH": _PUBLISHED.format(status=0),
    "FREEPUBLISHJOBFINISH": _PUBLISHED.format(status=2),
    "PUBLISHJOBFINISH without its info": "",
    "subscribe_msg_popup_event": f"<SubscribeMsgPopupEvent>{_LIST.format(n=1, s='accept')}{_LIST.format(n=2, s='reject')}</SubscribeMsgPopupEvent>",
    "subscribe_msg_popup_event of one": f"<SubscribeMsgPopupEvent>{_LIST.format(n=1, s='accept')}</SubscribeMsgPopupEvent>",
    "subscribe_msg_popup_event of none": "<SubscribeMsgPopupEvent></SubscribeMsgPopupEvent>",
    "subscribe_msg_change_event": f"<SubscribeMsgChangeEvent>{_LIST.format(n=1, s='reject')}</SubscribeMsgChangeEvent>",
    "subscribe_msg_sent_event": _SENT.format(code=0, status="success"),
    "subscribe_msg_sent_event refused": _SENT.format(code=43101, status="user refuse to accept the msg"),
    "kf_create_session": "<KfAccount><![CDATA[test1@test]]></KfAccount>",
    "kf_close_session": "<KfAccount><![CDATA[test1@test]]></KfAccount>",
    "kf_switch_session": "<FromKfAccount><![CDATA[test1@test]]></FromKfAccount><ToKfAccount><![CDATA[test2@test]]></ToKfAccount>",
    "user_info_modified": "<OpenID><![CDATA[o1]]></OpenID><AppID><![CDATA[wx]]></AppID><UnionID/><RevokeInfo>1</RevokeInfo>",
    "user_authorization_revoke": "<openid><![CDATA[o1]]></openid><AppID><![CDATA[wx]]></AppID><RevokeInfo>1,2</RevokeInfo>",
    "user_authorization_cancellation": "<OpenID><![CDATA[o1]]></OpenID><AppID><![CDATA[wx]]></AppID>",
    "qualification_verify_success": "<ExpiredTime>1442401156</ExpiredTime>",
    "qualification_verify_fail": "<FailTime>1442401122</FailTime><FailReason><![CDATA[by time]]></FailReason>",
    "naming_verify_success": "<ExpiredTime>1442401093</ExpiredTime>",
    "naming_verify_fail": "<FailTime>1442401061</FailTime><FailReason><![CDATA[by time]]></FailReason>",
    "annual_renew": "<ExpiredTime>1442401004</ExpiredTime>",
    "verify_expired": "<ExpiredTime>1442400900</ExpiredTime>",
    "card_pass_check": "<CardId><![CDATA[cardid]]></CardId><RefuseReason><![CDATA[非法代制]]></RefuseReason>",
    "user_get_card": "<CardId><![CDATA[c]]></CardId><IsGiveByFriend>1</IsGiveByFriend><UserCardCode><![CDATA[12312312]]></UserCardCode><OuterId>0</OuterId>",
    "merchant_order": "<OrderId>test_order_id</OrderId><OrderStatus>2</OrderStatus><ProductId>test_product_id</ProductId><SkuInfo>10001:1000012</SkuInfo>",
    "poi_check_notify": "<UniqId>123adb</UniqId><PoiId>123123</PoiId><Result>fail</Result><Msg>xxxxxx</Msg>",
    "WifiConnected": "<ConnectTime>0</ConnectTime><ExpireTime>0</ExpireTime><VendorId>3001224419</VendorId><ShopId>PlaceId</ShopId>",
    "guide_qrcode_scan_event": "<GuideScanEvent><qrcode_guide_account><![CDATA[g]]></qrcode_guide_account></GuideScanEvent>",
    "an event nobody knows": "<Whatever><a>1</a><a>2</a></Whatever>",
}


def _push(kind: str, inside: str, head: str = "") -> str:
    return (
        f"<xml><ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName><FromUserName><![CDATA[FROM]]></FromUserName>"
        f"<CreateTime>TIME</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>{head}{inside}</xml>"
    )


def _event(name: str, inside: str) -> str:
    return _push("event", inside, f"<Event><![CDATA[{name}]]></Event>")


def _kind(name: str) -> str:
    return {"a kind nobody knows": "hologram", "an event nobody knows": "brand_new_event"}.get(name) or name.split(" ")[0]


SAMPLES: dict[str, str] = {
    **{name: _push("text", f"{inside}<MsgId>7381234567890123456</MsgId>") for name, inside in _MESSAGES.items()},
    **{name: _push(_kind(name), f"{inside}<MsgId>7381234567890123457</MsgId>") for name, inside in _MEDIA.items()},
    **{f"event {name}": _event(_kind(name), inside) for name, inside in _EVENTS.items()},
    **{f"event {name}, the other case": _event(_kind(name).swapcase(), inside) for name, inside in _EVENTS.items() if "nobody" not in name},
    "a message without MsgId": _push("text", "<Content>hi</Content>"),
    "a message whose MsgId is empty": _push("text", "<Content>hi</Content><MsgId></MsgId>"),
    "a message of 64 bits": _push("text", "<Content>hi</Content><MsgId>18446744073709551615</MsgId>"),
    "a message in another case": _push("TEXT", "<Content>hi</Content><MsgId>1</MsgId>"),
    "no MsgType, but an Event": _event("CLICK", "<EventKey>签到</EventKey>").replace("<MsgType><![CDATA[event]]></MsgType>", ""),
    "neither MsgType nor Event": _push("text", "<Content>hi</Content>").replace("<MsgType><![CDATA[text]]></MsgType>", ""),
    "an event without a name": _push("event", "<EventKey>x</EventKey>"),
    "blanks between the elements": _push("text", "\n  <Content>\n签到\n</Content>\n  <MsgId>2</MsgId>\n"),
    "an XML declaration": '<?xml version="1.0" encoding="UTF-8"?>' + _push("text", "<Content>签到</Content><MsgId>3</MsgId>"),
    "a comment and an instruction": _push("text", "<!-- c --><?pi x?><Content>签到</Content><MsgId>4</MsgId>"),
    "attributes": _push("text", '<Content a="b" xml:lang="zh">签到</Content><MsgId>5</MsgId>'),
}


def sample(name: str, openid: str, at: float) -> str:
    """The sample's XML as this follower sent it at this time."""
    return SAMPLES[name].replace("FROM", openid).replace("TIME", str(int(at)))
