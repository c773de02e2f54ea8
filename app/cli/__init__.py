"""The third door: commands. Exit codes: 0 done, 1 the user's input is wrong, 2 the program could not."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from sqlalchemy.exc import SQLAlchemyError

from app.cli import (
    board,
    broadcast,
    channel,
    check,
    checkin,
    coupon,
    earn,
    effect,
    finding,
    follower,
    history,
    imported,
    journey,
    ledger,
    lottery,
    media,
    menu,
    misses,
    operator,
    plan,
    poll,
    referral,
    replay,
    rules,
    serve,
    shop,
    staff,
    trial,
)
from app.cli.options import WrongInput, err
from app.cli.usage import in_chinese
from app.config_file import BadConfig
from app.logs import scrub
from app.secrets import MissingSecrets
from models.migrations import NotMigrated
from models.refusal import Refusal
from wechat.errcodes import NO_ANSWER, PlatformError

VERSION = "0.5.0"

cli = typer.Typer(name="yizhan", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="驿站：微信服务号后端")
cli.command()(serve.demo)
cli.command()(serve.serve)
cli.command()(serve.migrate)
cli.command()(check.check)
cli.command(name="try", context_settings={"ignore_unknown_options": True})(trial.try_)  # what followers say may begin with a dash
cli.command()(replay.replay)
cli.command()(rules.schema)
cli.command()(rules.dump)
cli.command(name="import")(imported.import_)
cli.command()(misses.misses)
cli.command(name="plan")(plan.plan_)
cli.add_typer(board.cli, name="board")
cli.add_typer(broadcast.cli, name="broadcast")
cli.add_typer(channel.cli, name="channel")
cli.add_typer(checkin.cli, name="checkin")
cli.add_typer(coupon.cli, name="coupon")
cli.add_typer(earn.cli, name="earn")
cli.add_typer(effect.cli, name="effect")
cli.add_typer(finding.cli, name="finding")
cli.add_typer(follower.cli, name="follower")
cli.add_typer(history.cli, name="history")
cli.add_typer(journey.cli, name="journey")
cli.add_typer(ledger.cli, name="ledger")
cli.add_typer(lottery.cli, name="lottery")
cli.add_typer(menu.cli, name="menu")
cli.add_typer(media.cli, name="media")
cli.add_typer(operator.cli, name="operator")
cli.add_typer(staff.cli, name="staff")
cli.add_typer(shop.cli, name="shop")
cli.add_typer(poll.cli, name="poll")
cli.add_typer(referral.cli, name="referral")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"yizhan {VERSION}")
        raise typer.Exit


@cli.callback()
def _root(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="版本")] = False) -> None:
    """驿站：微信服务号后端"""


def main() -> None:
    """Runs the command on the command line and exits with its code."""
    try:
        code = cli(prog_name="yizhan", standalone_mode=False)
    except typer.Abort:
        code = 2
    except typer.Exit as done:
        code = done.exit_code
    except BadConfig as bad:
        print(bad.render(), file=sys.stderr)
        code = 1
    except MissingSecrets as missing:
        print(f"环境变量没有设置（也可以用 …_FILE）/ set these in the environment: {missing}", file=sys.stderr)
        code = 1
    except Refusal as refusal:
        print(f"{refusal.code}: {refusal.details}", file=sys.stderr)
        code = 1
    except (WrongInput, NotMigrated, ValueError) as wrong:
        print(wrong, file=sys.stderr)
        code = 1
    except OverflowError:  # no database has a number like that
        print("数字太大了，没有这个编号 / that number is too large", file=sys.stderr)
        code = 1
    except typer.TyperException as usage:
        shown: Any = usage
        if said := in_chinese(shown):
            print(f"{said}\n", file=sys.stderr)
        shown.show()
        code = 1
    except PlatformError as refused:
        zh, en = ("没有回答，连得上 api_base 吗？", "did not answer") if NO_ANSWER in refused.errmsg else ("拒绝了", "refused")
        print(f"微信平台{zh} / the platform {en}: {refused}", file=sys.stderr)
        code = 2
    except (SQLAlchemyError, OSError) as broken:
        print(scrub(f"{type(broken).__name__}: {broken}"), file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 2
    err.file.flush()
    sys.exit(code if isinstance(code, int) else 0)
