"""What the crowd says. The table fits the shipped example account; `--words FILE` replaces any part of it, so that it fits any bot."""

import yaml
from pydantic import BaseModel, ConfigDict, Field

Phrases = tuple[str, ...]


class Words(BaseModel):
    """Phrases by intention. A person picks one of them; an empty list takes the intention out of everybody's life."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    checkin: Phrases = ("签到", "签到", "签到", "打卡")
    balance: Phrases = ("积分", "我的积分")
    survey: Phrases = ("问卷",)
    """Words that start a survey; the person then answers what is asked."""
    answers: Phrases = ("还不错", "排队有点久", "希望多一些活动", "挺满意的", "没什么意见")
    """Free answers to a survey's questions."""
    leave: Phrases = ("退出",)
    """What someone says who has had enough of a survey; others just go away."""
    known: Phrases = ("营业时间", "几点开门", "菜单", "活动", "帮助", "人工")
    """Questions the bot should know an answer to."""
    unknown: Phrases = ("你们老板是谁", "能便宜点吗", "我的快递呢", "周杰伦什么时候来", "附近哪里好停车", "在吗", "谢谢", "好的")
    nonsense: Phrases = ("啊啊啊", "？？？", "😀😀", "asdf", "1", "[捂脸]", "。", "666")
    """Neither question nor answer."""
    places: Phrases = ("上海市黄浦区南京东路", "北京市朝阳区三里屯", "广州市天河区体育西路")
    spoken: Phrases = ("你好，请问今天开门吗", "我要签到")
    """What is said in voice messages, for the speech recognition."""
    first_words: Phrases = Field(default=("你好", "签到", "菜单", "怎么领积分"), description="What newcomers say.")


def read(text: str) -> Words:
    """The table of a YAML or JSON file; what it does not name keeps its default. Raises ValueError."""
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"不是合格的 YAML：{error}") from error
    if not isinstance(given, dict):
        raise ValueError("应当是一张表，例如 checkin: [签到, 打卡]")
    return Words.model_validate(given)
