"""What may stand in config.yaml: the keys that are no features, and the JSON Schema of the whole file."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, field_validator
from pydantic.json_schema import models_json_schema

from models.config import Location, Looks, Rules, wrong

_APP_ID = re.compile(r"[A-Za-z0-9_-]{6,64}")
_ORIGINAL_ID = re.compile(r"gh_[A-Za-z0-9_-]{1,60}")
_SQLITE = re.compile(r"sqlite:///[^/?#\s][^?#\n]*|sqlite:////[^/?#\s][^?#\n]*")
_POSTGRES = re.compile(r"postgresql(\+psycopg)?://\S+")
_LONGEST_URL = 1000
_URL_SECRET = re.compile(r"://[^/@]*:[^@]*@|[?&]password=", re.IGNORECASE)


def _app_id(text: str) -> str:
    if not _APP_ID.fullmatch(text):
        raise wrong(
            "app_id 在公众平台“开发者 ID”里，以 wx 开头共 18 个字母和数字，例如 wx1234567890abcdef",
            "app_id is on the platform's developer page: wx and 16 letters or digits, such as wx1234567890abcdef",
        )
    return text


def _original_id(text: str) -> str:
    if not _ORIGINAL_ID.fullmatch(text):
        raise wrong("original_id 是公众号的“原始 ID”，以 gh_ 开头", "original_id is the account's 原始 ID; it begins with gh_")
    return text


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _api_base(text: str) -> str:
    try:
        url = urlsplit(text)
        sound = bool(url.hostname) and (url.port or 1) > 0 and not (url.username or url.password or url.query or url.fragment)
    except ValueError:  # a broken IPv6 address, a port that is no number
        sound = False
    if not sound or any(c.isspace() for c in text) or not (url.scheme == "https" or (url.scheme == "http" and _is_loopback(text))):
        raise wrong(
            "api_base 要以 https:// 开头（只有本机地址可以用 http://），例如 https://api.weixin.qq.com",
            "api_base must be https:// (http:// for this machine only), such as https://api.weixin.qq.com",
        )
    return text.rstrip("/")


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; outside the folder of zones; the name of a folder
        by_lower = {zone.lower(): zone for zone in available_timezones()}
        near = get_close_matches(name.lower().replace("beijing", "shanghai"), by_lower, 1, 0.7)
        zone = by_lower[near[0]] if near else "Asia/Shanghai"
        raise wrong(f"没有这个时区；你是不是想写 {zone}？", f"no such time zone; did you mean {zone}?") from None
    return name


def _database(url: str) -> str:
    if _URL_SECRET.search(url[:_LONGEST_URL]):
        raise wrong(
            "数据库密码不能写在配置文件里；请把整个地址放进环境变量 YIZHAN_DATABASE_URL",
            "a database password must not stand in this file; put the whole URL into YIZHAN_DATABASE_URL",
        )
    if not (_SQLITE.fullmatch(url) or _POSTGRES.fullmatch(url)) or url.endswith(":memory:") or len(url) > _LONGEST_URL:
        raise wrong(
            "database 要写成 sqlite:///data/yizhan.db 或 postgresql://主机/库名",
            "database must be like sqlite:///data/yizhan.db or postgresql://host/name",
        )
    return url


class Account(Rules):
    """公众号：是哪一个，微信接口在哪里。"""

    name: str = Field(min_length=1, max_length=100, description="公众号的名称，显示在后台")
    app_id: Annotated[str, AfterValidator(_app_id), Looks(f"^({_APP_ID.pattern})$", ("wx1234567890abcdef",))] = Field(
        description="开发者 ID（AppID），以 wx 开头"
    )
    original_id: Annotated[str, AfterValidator(_original_id), Looks(f"^({_ORIGINAL_ID.pattern})$", ("gh_1234567890ab",))] = Field(
        description="公众号的原始 ID，以 gh_ 开头"
    )
    api_base: Annotated[str, AfterValidator(_api_base), Looks("^https?://", ("https://api.weixin.qq.com", "http://127.0.0.1:8001"))] = (
        Field("https://api.weixin.qq.com", description="微信接口地址；换成本机地址可以连仿真微信")
    )
    mode: Literal["safe", "plain"] = Field("safe", description="消息加解密方式：safe 安全模式；plain 明文，只能配合本机的仿真微信")

    @field_validator("mode")
    @classmethod
    def _plain_stays_on_this_machine(cls, mode: str, info: ValidationInfo) -> str:
        if mode == "plain" and "api_base" in info.data and not _is_loopback(info.data["api_base"]):
            raise wrong(
                "明文模式只能配合本机的仿真微信（api_base 是 127.0.0.1）；正式账号请写 mode: safe",
                "plain mode is for a simulator on this machine (api_base 127.0.0.1); for a real account write `mode: safe`",
            )
        return mode


class Root(Rules):
    """The keys of config.yaml that are no features."""

    account: Account = Field(description="公众号")
    timezone: Annotated[str, AfterValidator(_timezone), Looks(examples=("Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong"))] = Field(
        "Asia/Shanghai", description="时区；“每天”“每周”按它计算"
    )
    database: Annotated[
        str, AfterValidator(_database), Looks("^(sqlite:///|postgresql)", ("sqlite:///data/yizhan.db", "postgresql://db/yizhan"))
    ] = Field("sqlite:///data/yizhan.db", description="数据库地址；相对路径从配置文件所在的文件夹算起")
    include: list[str] = Field(default_factory=list, description="更多配置文件，例如 rules/*.yaml，相对于本文件")


_REF = "#/$defs/{model}"
_HAN = re.compile("[一-鿿]")


def schema(sections: Sequence[type[BaseModel]]) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the whole file for editors: top-level keys in a fixed order, no other key allowed."""
    models = [(model, "validation") for model in (Root, *sections)]
    by_model, whole = models_json_schema(models, ref_template=_REF)  # type: ignore[arg-type]  # "validation" is a JsonSchemaMode
    defs = {name: _shown(definition) for name, definition in whole["$defs"].items()}
    root = defs.pop(by_model[(Root, "validation")]["$ref"].rpartition("/")[2])
    properties = dict(root["properties"])
    for section in sections:
        reference = by_model[(section, "validation")]
        described = {"description": defs[reference["$ref"].rpartition("/")[2]].get("description", "")}
        properties[getattr(section, "key")] = described | reference  # noqa: B009  # a BaseModel need not have it
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Yizhan config.yaml",
        "description": "驿站的配置文件",
        "type": "object",
        "properties": {key: {**value, "x-order": order} for order, (key, value) in enumerate(properties.items(), 1)},
        "required": root["required"],
        "additionalProperties": False,
        "$defs": defs,
    }


def _shown(node: Any, named: bool = False) -> Any:
    """The node as an editor may show it: no titles made of Python's names, no words of a docstring that is for programmers.

    `named`: the keys of this node are an operator's, not JSON Schema's.
    """
    if isinstance(node, list):
        return [_shown(item) for item in node]
    if not isinstance(node, dict):
        return node
    if named:
        return {key: _shown(value) for key, value in node.items()}
    spelt = {_BOUNDS.get(key, key): value for key, value in node.items() if not _for_programmers(key, value)}
    return {key: value if key == "default" else _shown(value, key == "properties") for key, value in spelt.items()}


def _for_programmers(key: str, value: Any) -> bool:
    return key == "title" or (key == "description" and not _HAN.search(value)) or (key == "default" and value is None)


# pydantic's own words, which it leaves where it does not know what a validator takes.
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


@lru_cache(maxsize=8)
def names(sections: tuple[type[BaseModel], ...]) -> frozenset[str]:
    """Every key that may stand anywhere in the file."""
    whole = schema(sections)
    return frozenset(name for node in (whole, *whole["$defs"].values()) for name in node.get("properties", ()))


def names_at(whole: dict[str, Any], where: Location) -> list[str]:
    """The keys that may stand in the mapping at a place (in any of its forms), in the order of the model."""
    return list(dict.fromkeys(name for node in _at(whole, where) for name in node.get("properties", ())))


def like(whole: dict[str, Any], where: Location) -> list[tuple[str, str]]:
    """The pattern of the text that may stand at a place, and a text of that pattern; nothing where any will do."""
    return [(node["pattern"], node["examples"][0]) for node in _at(whole, where) if "pattern" in node and node.get("examples")]


def item_types(whole: dict[str, Any], where: Location) -> set[str]:
    """What may be in the list at a place, in JSON Schema's words."""
    items = (child for node in _at(whole, where) if "items" in node for child in _forms(whole, node["items"]))
    return {str(item.get("type", "")) for item in items}


def _at(whole: dict[str, Any], where: Location) -> list[dict[str, Any]]:
    nodes = list(_forms(whole, whole))
    for part in where:
        nodes = [form for node in nodes for child in _children(node, part) for form in _forms(whole, child)]
    return nodes


def _children(node: dict[str, Any], part: str | int) -> Iterator[dict[str, Any]]:
    named = node.get("properties", {}).get(str(part))
    others = (node.get("items"), node.get("additionalProperties"), *node.get("patternProperties", {}).values())
    for child in (named,) if named is not None else others:
        if isinstance(child, dict):
            yield child


def _forms(whole: dict[str, Any], node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The node with its reference followed, or each of its alternatives."""
    if "$ref" in node:
        yield from _forms(whole, whole["$defs"][node["$ref"].rpartition("/")[2]])
    alternatives = [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]
    for alternative in alternatives:
        yield from _forms(whole, alternative)
    if "$ref" not in node and (not alternatives or "properties" in node):
        yield node
