"""Where a person is sent so that the platform tells our web page who they are (the rest: wechat.client.oauth)."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import quote, urlencode

Scope = Literal["snsapi_base", "snsapi_userinfo"]

_STATE = re.compile("[a-zA-Z0-9]{0,128}")


def authorize_url(app_id: str, redirect: str, scope: Scope, state: str) -> str:
    """The address that sends a person to `redirect` with ?code=…&state=…, silently (snsapi_base) or after asking them (snsapi_userinfo).

    `redirect` must lie in the domain registered with the platform; `state` has at most 128 of a-z, A-Z, 0-9, else ValueError.
    """
    if not _STATE.fullmatch(state):
        raise ValueError("a state has at most 128 letters and digits")
    # The order of the parameters is the platform's, which warns that another one may be refused.
    query = {"appid": app_id, "redirect_uri": redirect, "response_type": "code", "scope": scope, "state": state}
    return f"https://open.weixin.qq.com/connect/oauth2/authorize?{urlencode(query, quote_via=quote, safe='')}#wechat_redirect"
