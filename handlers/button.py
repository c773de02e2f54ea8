"""A menu button: what an operator may write in YAML, within the platform's limits, and the button as the platform takes it."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from handlers.replies import NAMES, ReplyText, ReplyWith
from models.config import Looks, Rules, says, wrong

# Bytes of UTF-8, from the platform's page on creating a menu. More is 40018, 40026, 40019, 40027 or 40020.
TOP_NAME, SUB_NAME, KEY, URL = 16, 60, 128, 1024

PHOTO = {"camera": "pic_sysphoto", "album": "pic_weixin", "either": "pic_photo_or_album"}
_ACTIONS = ("say", "url", "reply", "scan", "photo", "location", "mini_program", "media_id", "article_id", "article_view_limited")
_KEYED = ("reply", "scan", "photo", "location")


def _at_most(limit: int) -> AfterValidator:
    def check(text: str) -> str:
        if not text.strip():
            raise wrong("不能是空的", "must not be blank")
        if (size := len(text.encode())) > limit:
            raise wrong(
                f"最多 {limit} 字节（{limit // 3} 个汉字），现在 {size} 字节",
                f"{limit} bytes of UTF-8 at most, has {size}",
            )
        return text

    return AfterValidator(check)


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")) or any(character.isspace() for character in text):
        raise wrong("网址要以 https:// 或 http:// 开头，中间没有空格", "an address begins with https:// or http:// and has no space in it")
    return text


Url = Annotated[str, AfterValidator(_address), _at_most(URL), Looks(r"^https?://\S+$", ("https://example.com",))]
Key = Annotated[str, _at_most(KEY)]
_Some = Annotated[str, Field(min_length=1)]


def _as_scan(value: Any) -> Any:
    return {"then": value} if isinstance(value, str) else value


def _as_photo(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


class Scan(Rules):
    """What happens with what they scanned."""

    then: Literal["open"] | None = Field(None, description="open：扫完由微信直接打开")
    say: Annotated[str, says("result"), _at_most(KEY)] | None = Field(None, description="等于粉丝说了这句话；{result} 是扫到的内容")
    reply: Annotated[str, says(*NAMES, "result"), Field(min_length=1)] | ReplyWith | None = Field(
        None, description="回复；文字里可用 {result}，扫到的内容"
    )

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if [self.then, self.say, self.reply].count(None) != 2:
            raise wrong("扫码之后要有且只有一种：open、{say: …}、{reply: …}", "after a scan exactly one of: open, {say: …}, {reply: …}")
        return self


class Photo(Rules):
    """Where the photo comes from, and the answer to the press; the photo itself arrives as a message of its own."""

    source: Literal["camera", "album", "either"] = Field(
        "either", alias="from", description="camera 拍照 | album 微信相册 | either 让粉丝选"
    )
    reply: ReplyText | ReplyWith | None = Field(None, description="选好照片之后的回复")


class Place(Rules):
    """The answer to the press; the place itself arrives as a message of its own."""

    reply: ReplyText | ReplyWith = Field(description="选好位置之后的回复")


class MiniProgram(Rules):
    """A mini-program that is linked with the account (else the platform says 45064)."""

    app_id: _Some = Field(description="小程序的 AppID")
    path: Annotated[str, _at_most(URL)] = Field(description="小程序页面路径，例如 pages/index")
    url: Url = Field(description="打不开小程序的旧版微信改开这个网页")


class Item(Rules):
    """A button that does exactly one thing."""

    name: Annotated[str, _at_most(SUB_NAME)] = Field(description="按钮上的字；二级按钮最多 60 字节，手机上显示 8 个汉字")
    say: Key | None = Field(None, description="按下去等于粉丝说了这句话")
    url: Url | None = Field(None, description="打开网页")
    reply: ReplyText | ReplyWith | None = Field(None, description="按下去的回复：文字，或 {image|news|…: …}")
    scan: Annotated[Scan, BeforeValidator(_as_scan, json_schema_input_type=Scan | Literal["open"])] | None = Field(
        None, description="扫码：open 扫完直接打开；或 {say: …}、{reply: …} 由我们回答"
    )
    photo: Annotated[Photo, BeforeValidator(_as_photo, json_schema_input_type=Photo | Literal["camera", "album", "either"])] | None = Field(
        None, description="发照片：camera 拍照 | album 微信相册 | either 让粉丝选；或 {from: …, reply: …}"
    )
    location: bool | Place | None = Field(None, description="发位置：true，或 {reply: …}")
    mini_program: MiniProgram | None = Field(None, description="打开小程序")
    media_id: _Some | None = Field(None, description="下发永久素材")
    article_id: _Some | None = Field(None, description="下发已发布的文章")
    article_view_limited: _Some | None = Field(None, description="打开已发布的文章")
    key: Key | None = Field(None, description="平台上的 key；不写就由按钮的名字得出。只有 reply、scan、photo、location 的按钮可以写")

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        given = self.given()
        if self.location is False:
            raise wrong("location 写 true，或 {reply: …}", "write location: true, or {reply: …}")
        if self._has_items():
            if given or self.key:
                raise wrong(
                    f"有 items 的按钮按下去是展开，不能再写 {(given or ['key'])[0]}", "a button with items opens them; it does nothing else"
                )
        elif len(given) != 1:
            zh = (
                f"要有且只有一种作用：{'、'.join(_ACTIONS)}，现在有 {'、'.join(given)}" if given else f"要有一种作用：{'、'.join(_ACTIONS)}"
            )
            raise wrong(f"按钮“{self.name}”{zh}", f"the button {self.name!r} does exactly one of: {', '.join(_ACTIONS)}")
        elif self.key and given[0] not in _KEYED:
            raise wrong(f"{given[0]} 的按钮没有 key，请删掉", f"a button with {given[0]} has no key of its own; delete it")
        return self

    def _has_items(self) -> bool:
        return False

    def given(self) -> list[str]:
        """What it does, by the names in the file: one, or none where it has items."""
        return [action for action in _ACTIONS if getattr(self, action) is not None]

    def answer(self) -> str | ReplyWith | None:
        """What whoever presses it is answered with, if that stands at the button."""
        holder = self.scan or self.photo or (self.location if isinstance(self.location, Place) else self)
        return holder.reply


class Button(Item):
    """A button in the bar at the bottom: does one thing, or opens a list of them."""

    name: Annotated[str, _at_most(TOP_NAME)] = Field(description="按钮上的字；一级按钮最多 16 字节，手机上显示 4 个汉字")
    items: Annotated[list[Item], Field(min_length=1, max_length=5)] | None = Field(None, description="二级按钮，最多 5 个")

    def _has_items(self) -> bool:
        return self.items is not None


def key_of(item: Item, path: str) -> str | None:
    """The key under which a press comes back, the same for as long as the name is; None for a button that sends none."""
    kind = next(iter(item.given()), "")
    if kind == "say":
        return item.say
    if kind not in _KEYED:
        return None
    key = item.key or f"{kind}:{path}"
    return key if len(key.encode()) <= KEY else f"{kind}:{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def wire(button: Item, path: str) -> dict[str, object]:
    """The button as POST /cgi-bin/menu/create takes it; `path` is the names from the top of its menu down to it."""
    if isinstance(button, Button) and button.items:
        return {"name": button.name, "sub_button": [wire(item, f"{path}/{item.name}") for item in button.items]}
    return {"type": _type(button), "name": button.name, **_target(button, path)}


def _type(item: Item) -> str:
    (kind,) = item.given()
    match kind:
        case "say" | "reply":
            return "click"
        case "url":
            return "view"
        case "mini_program":
            return "miniprogram"
        case "scan":
            return "scancode_push" if item.scan and item.scan.then else "scancode_waitmsg"
        case "location":
            return "location_select"
        case "photo":
            return PHOTO[item.photo.source if item.photo else "either"]
    return kind


def _target(item: Item, path: str) -> dict[str, object]:
    if (key := key_of(item, path)) is not None:
        return {"key": key}
    if item.url is not None:
        return {"url": item.url}
    if (program := item.mini_program) is not None:
        return {"url": program.url, "appid": program.app_id, "pagepath": program.path}
    if item.media_id is not None:
        return {"media_id": item.media_id}
    return {"article_id": item.article_id or item.article_view_limited}
