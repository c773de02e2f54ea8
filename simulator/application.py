"""The simulator as one ASGI application: the fake API, the controls, and the phone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from simulator import article_page, controls, platform
from simulator.life import Life
from simulator.world import World

PHONE = Path(__file__).with_name("phone")
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob: https: http:; media-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class Application:
    """Sends platform paths straight to the platform and everything else to the pages."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pages = _pages(world)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(platform.PREFIXES):
            await platform.serve(self._world, scope, receive, send)
        else:
            await self._pages(scope, receive, send)


class Phone(StaticFiles):
    """The phone's files, under headers that let it load nothing but itself."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(PAGE_HEADERS)
        return response


def _pages(world: World) -> FastAPI:
    life = Life(world)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        world.receipts.start()
        yield
        await life.stop()
        await world.jobs.stop()
        await world.receipts.stop()
        await world.courier.close()

    pages = FastAPI(title="微信服务号仿真平台", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    pages.add_exception_handler(HTTPException, _say_what_is_wrong)
    pages.add_exception_handler(RequestValidationError, _say_what_is_invalid)
    pages.include_router(controls.router(world, life))
    pages.include_router(article_page.router(world, PAGE_HEADERS))
    pages.mount("/", Phone(directory=PHONE, html=True))
    return pages


async def _say_what_is_wrong(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse(
        {"error": error.detail if error.status_code != 404 or error.detail != "Not Found" else "没有这个页面"}, error.status_code
    )


async def _say_what_is_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    details = [{"at": ".".join(str(part) for part in item["loc"]), "problem": item["msg"]} for item in error.errors()]
    return JSONResponse({"error": "请求格式不对", "details": details}, 422)
