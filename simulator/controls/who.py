"""Finding the follower a control names, and saying in words what they cannot do."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException

from simulator.consents import NoSuchNotice
from simulator.crowd import Follower
from simulator.gestures import NotFollowing
from simulator.menu_taps import NoSuchButton
from simulator.messages import NoSuchMedia, NoSuchOption
from simulator.scans import NoSuchCode
from simulator.world import World


def follower(world: World, openid: str) -> Follower:
    """The follower, or a 404 that says there is none."""
    found = world.crowd.find(openid)
    if found is None:
        raise HTTPException(404, f"没有这个粉丝：{openid}")
    return found


@contextmanager
def acting() -> Iterator[None]:
    """What cannot be done is a 404 or 409 with the reason in Chinese."""
    try:
        yield
    except NotFollowing as error:
        raise HTTPException(409, "没有关注公众号，不能这样做") from error
    except NoSuchMedia as error:
        raise HTTPException(404, f"没有这个素材，或者已经过期（三天）：{error}") from error
    except NoSuchOption as error:
        raise HTTPException(404, "这条消息没有这个选项") from error
    except NoSuchButton as error:
        raise HTTPException(404, "菜单里没有这个按钮") from error
    except NoSuchCode as error:
        raise HTTPException(404, "没有这个二维码，或者已经过期") from error
    except NoSuchNotice as error:
        raise HTTPException(404, f"没有这个订阅通知模板：{error}") from error
