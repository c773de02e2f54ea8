"""What starts a keyword rule, as it stands in YAML: words, an event, a menu key or a message type, within conditions."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import re2
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from models.condition import Conditions
from models.config import wrong

RE2 = re2.Options()
RE2.log_errors = False
RE2.max_mem = 4 << 20
LARGEST = 5_000  # instructions of RE2's: a message of 2,048 characters takes 6 ms at the worst, and 60 ms at twice as many

Type = Literal["text", "image", "voice", "video", "shortvideo", "location", "link"]
Event = Literal[
    "subscribe",
    "scan",
    "location",
    "click",
    "view",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
    "view_miniprogram",
]
# Events of menu buttons that have a key of the operator's (https://developers.weixin.qq.com/doc/offiaccount/Custom_Menus/Custom_Menu_Push_Events.html).
KEYED: tuple[Event, ...] = (
    "click",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
)
Loose = Literal["width", "script", "pinyin", "typo"]
LOOSE: tuple[Loose, ...] = ("width", "script", "pinyin", "typo")


def _check_pattern(pattern: str) -> str:
    try:
        compiled = re2.compile(pattern, RE2)
    except re2.error as error:
        what = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise wrong(
            f"正则 {pattern!r} 不能用：{what}（用 RE2 语法，不支持 (?=…)、(?!…)、\\1 这类写法）",
            f"the regex {pattern!r} cannot be used: {what} (RE2: no lookaround, no backreferences)",
        ) from None
    if compiled.programsize > LARGEST:
        raise wrong(
            f"正则 {pattern!r} 太大，一条长消息就要算很久：把 {{0,1000}} 这样的次数改小，或者改成 *、+",
            f"the regex {pattern!r} is too large, a long message would take long: make counts like {{0,1000}} smaller, or use * and +",
        )
    return pattern


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _ways(value: Any) -> Any:
    """`true` is every way, `false` none."""
    if isinstance(value, bool):
        return list(LOOSE) if value else []
    return _listed(value)


_Some = Annotated[str, Field(min_length=1)]
_Pattern = Annotated[_Some, AfterValidator(_check_pattern)]
Words = Annotated[list[_Some], BeforeValidator(_listed, json_schema_input_type=list[_Some] | _Some), Field(min_length=1)]
Patterns = Annotated[list[_Pattern], BeforeValidator(_listed, json_schema_input_type=list[_Some] | _Some), Field(min_length=1)]
Events = Annotated[list[Event], BeforeValidator(_listed, json_schema_input_type=list[Event] | Event), Field(min_length=1)]
Types = Annotated[list[Type], BeforeValidator(_listed, json_schema_input_type=list[Type] | Type), Field(min_length=1)]
Ways = Annotated[list[Loose], BeforeValidator(_ways, json_schema_input_type=bool | list[Loose] | Loose)]


class When(Conditions):
    """When a rule answers: any of the words (or an event, or a type of message), within all of the conditions."""

    exact: Words | None = Field(None, description="整句等于其中一个（前后空格、英文大小写不计）")
    contains: Words | None = Field(None, description="句子里有其中一个")
    prefix: Words | None = Field(None, description="以其中一个开头")
    contains_all: Words | None = Field(None, description="句子里每一个都有，先后不限")
    contains_none: Words | None = Field(None, description="排除：句子里有其中任何一个，这条规则就不回复")
    regex: Patterns | None = Field(None, description="正则表达式（RE2），句子里找到就算；括号里的内容可以写进回复：{match.1}")
    fuzzy: Ways | None = Field(
        None,
        description="exact、prefix、contains 写得差不多也算：true 是全部；或其中几种：width 全角半角和标点，script 繁体简体，"
        "pinyin 同音字和拼音，typo 错一个字",
    )
    event: Events | None = Field(None, description="收到这种事件时回复，例如 subscribe 关注、scan 扫码、click 点菜单")
    menu_key: Words | None = Field(None, description="点了 key 是其中一个的菜单按钮时回复")
    type: Types | None = Field(
        None, description="只回复这种消息：text image voice video shortvideo location link；单独写就是这种消息都回复"
    )

    @property
    def words(self) -> bool:
        """Whether words start it."""
        return bool(self.exact or self.contains or self.prefix or self.contains_all or self.regex)

    @model_validator(mode="after")
    def _can_start(self) -> Self:
        if self.event or self.menu_key:
            self._only_an_event()
        elif not (self.words or self.type):
            raise wrong(
                "when 里至少要有 exact、contains、prefix、contains_all、regex、event、menu_key、type 之一",
                "when needs at least one of exact, contains, prefix, contains_all, regex, event, menu_key, type",
            )
        if self.type and self.type != ["text"] and (self.words or self.contains_none):
            raise wrong(
                "只有文字消息里有词：和关键词一起写时，type 只能是 text；别的消息另写一条规则",
                "only texts have words: beside words, type can be text only; write another rule for other messages",
                "type",
            )
        if self.fuzzy and not (self.exact or self.prefix or self.contains):
            raise wrong(
                "fuzzy 只对 exact、prefix、contains 起作用，这里一个也没有",
                "fuzzy works on exact, prefix and contains; there is none here",
                "fuzzy",
            )
        return self

    def _only_an_event(self) -> None:
        if self.words or self.contains_none or self.fuzzy:
            words = ("exact", "prefix", "contains", "contains_all", "regex", "contains_none", "fuzzy")
            raise wrong(
                "事件里没有词：event、menu_key 不能和关键词写在一起，请分成两条规则",
                "an event has no words: event and menu_key do not go together with words; make two rules of it",
                next(name for name in words if getattr(self, name)),
            )
        if self.type:
            raise wrong(
                "事件不是消息：event、menu_key 不能和 type 写在一起", "an event is no message: write event or menu_key, or type", "type"
            )
        if self.menu_key and not set(self.event or ()) <= set(KEYED):
            raise wrong(
                f"menu_key 是菜单按钮的 key，只和这些 event 一起写：{'、'.join(KEYED)}（不写 event 就是全部）",
                f"menu_key is a menu button's key; with it, event can be {', '.join(KEYED)} (all of them, if you leave it out)",
                "menu_key",
            )
