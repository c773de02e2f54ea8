"""The errcodes this platform gives, in its own words. Texts marked * come from recorded answers of the real one."""

import secrets

TEXTS = {
    -1: "system error",
    40001: (
        "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, "
        "more details at https://mmbizurl.cn/s/JtxxFh33r"  # *
    ),
    40002: "invalid grant_type",
    40003: "invalid openid",
    40007: "invalid media_id",
    40008: "invalid message type",
    40013: "invalid appid",  # *
    40032: "invalid openid list size",
    40037: "invalid template_id",
    40066: "invalid url",
    40125: "invalid appsecret",
    40152: "invalid tagid",
    41001: "access_token missing",  # *
    41002: "appid missing",
    41004: "appsecret missing",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    43004: "require subscribe",
    43019: "require remove blacklist",
    44002: "empty post data",
    44004: "empty content",
    45002: "content size out of limit",
    45008: "article size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    45072: "invalid command",
    45080: "no interaction in 30 seconds",
    45081: "already typing",
    47001: "data format error",
    47003: "argument invalid!",
    48001: "api unauthorized",
    48002: "user block receive message",
}


class Refused(Exception):
    """The platform says no. `errcode` is its code; `text` replaces the usual words for it."""

    def __init__(self, errcode: int, text: str | None = None) -> None:
        super().__init__(errcode, text)
        self.errcode = errcode
        self.text = text or TEXTS.get(errcode, "error")


def body(refused: Refused, now: float) -> dict[str, object]:
    """The JSON answer of a refusal. A rid ends every errmsg; its first group is the time in hex."""
    rid = f"{int(now):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
    return {"errcode": refused.errcode, "errmsg": f"{refused.text} rid: {rid}"}
