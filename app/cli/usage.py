"""What is wrong with a command line, in Chinese, above what the library says of it in English."""

from __future__ import annotations

import re
from typing import Any

_COMMAND = re.compile(r"No such command '(?P<name>[^']*)'\.(?:.*?'(?P<near>[^']*)')?")


def in_chinese(usage: Any) -> str:
    """One line about this error of the command line; empty where the English has to do."""
    match type(usage).__name__:
        case "NoSuchOption":
            near = f"；你是不是想写 {'、'.join(usage.possibilities)}？" if usage.possibilities else ""
            return f"没有 {usage.option_name} 这个选项{near}"
        case "MissingParameter":
            return f"缺少 {_name(usage)}"
        case "BadOptionUsage":
            return f"{usage.option_name} 后面要写一个值" if "requires an argument" in usage.message else f"{usage.option_name} 的写法不对"
        case "BadParameter":
            return f"{_name(usage)} 的值不对{_wanted(usage.message)}"
    if found := _COMMAND.search(usage.message):
        near = f"；你是不是想写 {found['near']}？" if found["near"] else ""
        return f"没有 {found['name']} 这个命令{near}"
    if found := re.search(r"unexpected extra argument\w*\S* \((.*)\)", usage.message):
        return f"多写了：{found[1]}"
    return ""


def _name(usage: Any) -> str:
    options = [option for option in getattr(usage.param, "opts", ()) if option.startswith("--")]
    return options[0] if options else str(getattr(usage.param, "name", "") or usage.param_hint or "参数")


def _wanted(message: str) -> str:
    """What may be written there, where the library tells it."""
    if found := re.search(r"(greater|less) than or equal to (-?[0-9]+)", message):
        return f"；{'不能小于' if found[1] == 'greater' else '不能大于'} {found[2]}"
    if "integer" in message:
        return "；要写整数"
    choices = re.findall(r"'([^']*)'", message.rpartition(" is not one of ")[2]) if " is not one of " in message else []
    return f"；可以写：{'、'.join(choices)}" if choices else ""
