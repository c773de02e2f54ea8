"""The small pages a browser is shown in place of WeChat's own: who are you, and what is wrong with the address that led here."""

from collections.abc import Mapping
from html import escape
from itertools import chain, islice
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from simulator.call import Call, Document
from simulator.world import World

SHOWN = 30
HEADERS = (
    ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
)
STYLE = """
body{margin:0;background:#ededed;color:#191919;font:16px/1.5 system-ui,"PingFang SC","Microsoft YaHei",sans-serif}
main{max-width:30rem;margin:0 auto;padding:1.5rem 1rem}h1{font-size:1.25rem}p{color:#666}
ul{list-style:none;margin:1rem 0;padding:0;background:#fff;border-radius:8px;overflow:hidden}
li+li{border-top:1px solid #eee}li a{display:block;padding:.8rem 1rem;color:#191919;text-decoration:none}li a:hover{background:#f5f5f5}
input{width:100%;box-sizing:border-box;padding:.6rem .8rem;border:1px solid #ddd;border-radius:8px;font:inherit}
"""
_ADDRESS = "!#$%&'()*+,/:;=?@[]~"


def choose(world: World, call: Call, title: str, words: str) -> Document:
    """A page that asks which follower the visitor is; each name leads to the same address with its `openid`."""
    search = call.query.get("search", "")
    people = islice(_people(world, search), SHOWN)
    items = "".join(f'<li><a href="{escape(_again(call, openid))}">{escape(name)}</a></li>' for openid, name in people)
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in call.query.items() if name != "search"
    )
    form = f'<form>{hidden}<input name="search" value="{escape(search)}" placeholder="搜索粉丝" aria-label="搜索粉丝"></form>'
    return _page(title, f"<h1>{escape(title)}</h1><p>{escape(words)}</p>{form}<ul>{items or '<li><a>没有这样的粉丝</a></li>'}</ul>")


def wrong(words: str, code: int) -> Document:
    """A page that says what is wrong, with the code the platform gives."""
    return _page("出错了", f"<h1>{escape(words)}</h1><p>错误码：{code}</p>")


def is_address(url: str) -> bool:
    """Whether a browser may be sent there: http or https, with a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def lead(url: str, more: Mapping[str, str]) -> Document:
    """The browser goes there, with these parameters after those the address has."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(more)) if part)
    target = quote(urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, parts.fragment)), safe=_ADDRESS)
    return Document(b"", "text/html; charset=utf-8", 302, (("location", target), *HEADERS))


def _people(world: World, search: str) -> chain[tuple[str, str]]:
    """Those with whom something was said last come first, then the others in their order."""
    found = world.crowd.search(search.strip(), "")
    if search.strip():
        return chain((follower.openid, follower.name) for follower in found)
    recent = [follower for openid in world.conversations.recent()[:SHOWN] if (follower := world.crowd.find(openid))]
    known = {follower.openid for follower in recent}
    return chain(((one.openid, one.name) for one in recent), ((one.openid, one.name) for one in found if one.openid not in known))


def _again(call: Call, openid: str) -> str:
    kept = {name: value for name, value in call.query.items() if name != "search"}
    return f"{call.path}?{urlencode({**kept, 'openid': openid})}"


def _page(title: str, inside: str) -> Document:
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    whole = f'<!doctype html><html lang="zh-CN">{head}<title>{escape(title)}</title><style>{STYLE}</style><main>{inside}</main></html>'
    return Document(whole.encode(), "text/html; charset=utf-8", headers=HEADERS)
