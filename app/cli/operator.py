"""Commands about operators: add, list, disable, reset."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated, Literal

import typer

from app import passwords
from app.cli.options import ConfigOption, JsonOption, WrongInput, database_of, out, print_json, print_table, settings_of, who
from models import audit, operator
from models.clock import utc_now
from models.database import Database
from models.operator import NoSuchOperator, OperatorExists, UnusableName

cli = typer.Typer(no_args_is_help=True, help="运营账号：谁能登录控制台")

Name = Annotated[str, typer.Argument(help="名字，登录时用；不能有空格")]
Role = Literal["admin", "editor", "viewer"]
CodeOption = Annotated[bool, typer.Option("--code", help="不在这里输密码，打印一个一次性代码")]
_STATES = {"active": "正常", "invited": "等他设密码", "disabled": "已停用"}
_ROLES = {"admin": "管理员", "editor": "编辑", "viewer": "只看"}


@cli.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="viewer 只看；editor 还能处理待处理；admin 还能回到旧版本、看操作记录")],
    code: CodeOption = False,
    config: ConfigOption = None,
) -> None:
    """加一个账号：在终端里输密码，或者打印一次性代码由本人设密码 / a new operator."""
    with database_of(settings_of(config)) as database:
        _give(database, name, code, role, new=True)


@cli.command()
def reset(name: Name, code: CodeOption = False, config: ConfigOption = None) -> None:
    """忘了密码：换一个密码或一次性代码；停用的账号重新启用，已登录的全部退出 / a new password or code."""
    with database_of(settings_of(config)) as database:
        _give(database, name, code, None, new=False)


@cli.command(name="list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """所有账号 / all operators."""
    settings = settings_of(config)
    with database_of(settings) as database, database.snapshot() as db:
        found = operator.listed(db, utc_now())
    if as_json:
        print_json(found)
        return
    rows = [(one.name, _ROLES[one.role], _STATES[one.state], one.created_at, one.signed_in_at, one.sessions) for one in found]
    print_table(["名字", "角色", "状态", "加入", "最近登录", "在线"], rows, settings.zone)


@cli.command()
def disable(name: Name, config: ConfigOption = None) -> None:
    """停用：不能再登录，已登录的立刻退出 / no more sign-ins, sessions end at once."""
    with database_of(settings_of(config)) as database:
        now = utc_now()
        try:
            with database.transaction() as db:
                operator.disable(db, name, now)
                audit.note(db, who(), "operator_disabled", now, subject=name)
        except NoSuchOperator:
            raise WrongInput(f"没有账号“{name}” / no such operator") from None
    out.print(f"账号 {name} 已停用，已登录的都已退出", markup=False)


def _give(database: Database, name: str, by_code: bool, role: Role | None, *, new: bool) -> None:
    """The operator has a password that was typed here, or a code that is printed here."""
    _refuse_known(database, name, new)
    by_code = by_code or not sys.stdin.isatty()
    code = passwords.new_code() if by_code else None
    digest, hashed = code and passwords.code_digest(code), None if by_code else passwords.hash_of(_asked(name))
    now = utc_now()
    try:
        with database.transaction() as db:
            if new:
                operator.add(db, name, role or "viewer", now, password=hashed, code=digest)
            else:
                operator.reset(db, name, now, password=hashed, code=digest)
            audit.note(db, who(), "operator_added" if new else "operator_reset", now, subject=name, detail=role or "")
    except UnusableName:
        raise WrongInput(f"名字要 1 到 {operator.LONGEST_NAME} 个字，不能有空格 / unusable name") from None
    except OperatorExists:
        raise _exists(name) from None
    except NoSuchOperator:
        raise WrongInput(f"没有账号“{name}” / no such operator") from None
    out.print(f"账号 {name} 可以登录了：/console", markup=False)
    if code:
        out.print(f"第一次登录用这个代码当密码（24 小时内有效，只能用一次）：{code}", markup=False)


def _refuse_known(database: Database, name: str, new: bool) -> None:
    """Before a password is asked for in vain."""
    with database.snapshot() as db:
        if new and operator.find(db, name) is not None:
            raise _exists(name)


def _exists(name: str) -> WrongInput:
    return WrongInput(f"账号“{name}”已经有了；换密码用 yizhan operator reset / the name is taken")


def _asked(name: str) -> str:
    password = getpass.getpass(f"{name} 的密码（至少 {passwords.SHORTEST} 个字，建议 {passwords.ADVISED} 个以上）：")
    if why := passwords.weakness(password, name):
        raise WrongInput(why)
    if getpass.getpass("再输一次：") != password:
        raise WrongInput("两次输入的不一样 / they differ")
    return password
