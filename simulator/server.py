"""Starting and stopping: one process, one event loop, one line on the screen."""

import asyncio
import contextlib
import gc
import socket
import sys
from dataclasses import replace
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
    world = worlds.create(replace(options, port=listener.getsockname()[1]))
    gc.freeze()  # the crowd stays: a collector that looks through 100,000 people again and again stops the loop for 0.2 s
    config = uvicorn.Config(
        Application(world),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
        backlog=2048,
    )
    await Server(config, world).serve(sockets=[listener])


class Server(uvicorn.Server):
    """Says where it is when it is ready, and lets go of the open phones when it is told to stop."""

    def __init__(self, config: uvicorn.Config, world: World) -> None:
        super().__init__(config)
        self._world = world
        self._verifying: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _print(greeting(self._world.options))
            self._world.alarms.say = _print
            self._verifying = asyncio.create_task(self._verify())

    async def _verify(self) -> None:
        """Says so if the webhook does not answer as it must when its address is saved on the account's configuration page."""
        if problem := await self._world.courier.verify():
            _print(
                f"注意 · 消息推送地址 {self._world.options.webhook} {problem}。不必重启：服务好了，推送就会到；再验证一次用 POST /_sim/verify"
            )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._verifying:
            self._verifying.cancel()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._world.conversations.close()
        super().handle_exit(sig, frame)


def greeting(options: Options) -> str:
    """The one line: where the phone and the API are, and where pushes go."""
    here = options.here
    return f"微信仿真平台已就绪 · 手机 {here}/ · 接口 {here}/cgi-bin/ · 消息推送到 {options.webhook} · 粉丝 {options.followers} 人"


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


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
