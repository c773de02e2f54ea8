"""The command check: every error and every warning of a configuration, at its place, with the line and a caret below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.text import Text

from app import file_tests, live
from app.cli.options import ConfigOption, JsonOption, config_path, out, print_json
from app.complaint import Complaint
from app.config_file import BadConfig, Settings

Lang = Literal["zh", "en"]


def check(
    file: Annotated[Path | None, typer.Argument(help="要检查的文件", show_default=False)] = None,
    config: ConfigOption = None,
    lang: Annotated[Lang, typer.Option(help="用哪种语言 / in which language")] = "zh",
    as_json: JsonOption = False,
) -> None:
    """检查配置文件：一次列出所有错误和警告，每处 文件:行:列: 说明 / every error and warning at once."""
    path = file or config_path(config)
    read: Settings | BadConfig
    try:
        read = live.version(path).settings  # its own tests have passed
    except BadConfig as bad:
        read = bad
    errors, version = (read.complaints, None) if isinstance(read, BadConfig) else ([], read.config.version)
    if as_json:
        print_json({"errors": _plain(errors, lang), "warnings": _plain(read.warnings, lang), "version": version})
    else:
        for complaint in (*errors, *read.warnings):
            out.print(_shown(complaint, lang))
        out.print(Text(f"{path}: {_summary(read, len(errors), len(read.warnings), lang)}"))
    if errors:
        raise typer.Exit(1)


def _plain(complaints: Sequence[Complaint], lang: Lang) -> list[dict[str, object]]:
    return [
        {"file": one.file, "line": one.line, "column": one.column, "message": one.en if lang == "en" else one.zh}
        | ({"code": one.code} if one.code else {})
        for one in complaints
    ]


def _shown(complaint: Complaint, lang: Lang) -> Text:
    """As `Complaint.render` has it; with colours where they can be seen."""
    shown = Text(f"{complaint.where}: ", style="bold")
    shown.append(complaint.said(lang), style="yellow" if complaint.code else "red")
    for line, style in zip(complaint.excerpt(), ("dim", "green"), strict=False):
        shown.append(f"\n  {line}", style=f"not bold {style}")
    return shown


def _summary(read: Settings | BadConfig, errors: int, warnings: int, lang: Lang) -> str:
    return (", " if lang == "en" else "，").join(_parts(read, errors, warnings, lang))


def _parts(read: Settings | BadConfig, errors: int, warnings: int, lang: Lang) -> Iterator[str]:
    if isinstance(read, Settings):
        files, version = len(read.files), read.config.version
        zh, en = f"没有错误（{files} 个文件，版本 {version}）", f"no errors ({files} file{'s'[: files > 1]}, version {version})"
    else:
        zh, en = f"{errors} 处错误", f"{errors} error{'s'[: errors > 1]}"
    yield en if lang == "en" else zh
    if isinstance(read, Settings) and (tests := file_tests.passed(read.config)):
        yield tests[1] if lang == "en" else tests[0]
    if warnings:
        yield f"{warnings} warning{'s'[: warnings > 1]}" if lang == "en" else f"{warnings} 处警告"
