"""Sections of the tests' own, with every kind of value that a section may have, and a file that fills them."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, RootModel, field_validator, model_validator

from models.config import Rules, says, wrong


class Text(Rules):
    text: str


class News(Rules):
    title: str
    url: str
    picture: str = ""


class Reply(Rules):
    text: str | None = None
    news: News | None = None


class When(Rules):
    contains: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    from_: time | None = Field(None, alias="from")
    days: list[Literal["mon", "sat", "sun"]] = Field(default_factory=list)


class Rule(Rules):
    name: str
    when: When
    reply: str | Reply = Field(description="回复什么")

    @model_validator(mode="after")
    def _says_something(self) -> Rule:
        if self.reply == "":
            raise wrong("规则没有回复", "the rule has no reply")
        return self


class Keywords(Rules):
    key: ClassVar[str] = "keywords"
    rules: list[Rule] = Field(default_factory=list)
    fallback: str = ""


class CheckinRules(Rules):
    points: int = Field(ge=0, le=1000)
    streak_bonus: dict[int, int] = Field(default_factory=dict)
    makeup: bool = False


class CheckinReplies(Rules):
    done: Annotated[str, says("streak", "earned")] = "+{earned}"


class Checkin(Rules):
    key: ClassVar[str] = "checkin"
    triggers: list[str] = Field(default=["签到"], min_length=1)
    rules: CheckinRules
    replies: CheckinReplies = CheckinReplies()


class Survey(Rules):
    key: str = Field(pattern="^[a-z_]+$")
    ask: str | list[str] | Text = ""

    @field_validator("key")
    @classmethod
    def _not_reserved(cls, key: str) -> str:
        if key == "all":
            raise ValueError("all is reserved")
        return key


class Surveys(RootModel[list[Survey]]):
    key: ClassVar[str] = "surveys"


SECTIONS = (Keywords, Checkin, Surveys)

ACCOUNT = "account: {name: 示例, app_id: wx1234567890abcdef, original_id: gh_1234567890ab}\n"
GOOD = """\
# yaml-language-server: $schema=./config.schema.json
account:
  name: 示例服务号
  app_id: wx1234567890abcdef
  original_id: gh_1234567890ab
  mode: safe
  api_base: https://api.weixin.qq.com
timezone: Asia/Shanghai
database: sqlite:///data/yizhan.db
include: []

keywords:
  rules:
    - name: 营业时间
      when: {contains: [营业时间, 几点开门]}   # 说明
      reply: 每天 9:00–21:00 营业
    - name: 周末活动
      when: {exact: [活动], from: "09:00", days: [sat, sun]}
      reply: {news: {title: 周末活动, url: "https://example.com/a"}}
  fallback: 没听懂，回复「菜单」看看能做什么
checkin:
  triggers: [签到, 打卡]
  rules: {points: 5, streak_bonus: {7: 20, 30: 100}}
  replies: {done: "连续 {streak} 天，+{earned} 积分"}
surveys:
  - {key: satisfaction, ask: 总体满意吗？}
"""


def write(folder: Path, text: str | bytes, name: str = "config.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
