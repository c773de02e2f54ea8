"""Starting and stopping: one process, one event loop, one line on the screen."""

import asyncio
import contextlib
import socket
import sys
from types import FrameType

import uvicorn

from simulator import world as worlds
from simulator.application import Application
from simulator.options import Options
from simulator.world import World


class CannotListen(Exception):
    """The address is taken or is none of this machine's."""


def run(options: Options) -> None:
    """Serves until interrupted. Raises CannotListen."""
    listener = _listen(options)
    loop_factory = uvicorn.Config(_nothing).get_loop_factory()
    with contextlib.suppress(KeyboardInterrupt), listener, asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(_serve(options, listener))


async def _serve(options: Options, listener: socket.socket) -> None:
    world = worlds.create(options)
    config = uvicorn.Config(
        Application(world),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
        backlog=2048,
    )
    await Server(config, world, listener.getsockname()[1]).serve(sockets=[listener])


class Server(uvicorn.Server):
    """Says where it is when it is ready, and lets go of the open phones when it is told to stop."""

    def __init__(self, config: uvicorn.Config, world: World, port: int) -> None:
        super().__init__(config)
        self._world = world
        self._port = port

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(greeting(self._world.options, self._port) + "\n")
            sys.stdout.flush()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._world.conversations.close()
        super().handle_exit(sig, frame)


def greeting(options: Options, port: int) -> str:
    """The one line: where the phone and the API are, and where pushes go."""
    host = "127.0.0.1" if options.host in ("0.0.0.0", "::", "") else options.host  # noqa: S104
    here = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return f"微信仿真平台已就绪 · 手机 {here}/ · 接口 {here}/cgi-bin/ · 消息推送到 {options.webhook} · 粉丝 {options.followers} 人"


def _listen(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except OSError as error:
        listener.close()
        raise CannotListen(f"{options.host}:{options.port}") from error
    return listener


async def _nothing(*_: object) -> None:
    """Stands in for an application where only uvicorn's choice of event loop is asked for."""
