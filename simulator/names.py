"""What the crowd is called and what it is tagged with."""

SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜"
    "范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰飞鹏辉红梅建国志宇欣怡雨泽浩然子涵梓萱诗思远嘉琪佳慧晨曦文博俊雪莹"
    "一诺若溪可心书瑶天昊睿婷云帆清和安宁晓春秋月星辰海川林木知行景行乐言初夏"
)
NICKNAMES = ("小满", "阿树", "半糖", "一只橘猫", "晚风", "海盐", "七七", "不吃香菜", "向日葵", "早睡第一名", "云朵工厂", "山茶")

TAGS = ("上海", "北京", "广州", "员工", "VIP", "新会员", "老顾客")
"""Tag names; the platform numbers its accounts' own tags from 100, below that are its own."""
FIRST_TAG_ID = 100
TAG_SHARES = (0.24, 0.18, 0.12, 0.04, 0.06, 0.15, 0.2)
"""The share of followers who carry the tag at the same place."""

COLORS = ("#5b8def", "#e07a5f", "#3d9970", "#b565a7", "#d4a017", "#4a90a4", "#c0576b", "#6c7a89", "#7e6bc4", "#2a9d8f")

SCENES = ("ADD_SCENE_SEARCH", "ADD_SCENE_QR_CODE", "ADD_SCENE_PROFILE_CARD", "ADD_SCENE_PAID", "ADD_SCENE_OTHERS")
