"""The page of an article, so that a card can be opened: its text and nothing else, under headers that let it load only the phone's style."""

import html
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, StringConstraints

from simulator.article_text import paragraphs
from simulator.controls import who
from simulator.world import World

GONE = "该内容已被发布者删除"

_PAGE = """<!doctype html>
<html lang="zh-CN">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<link rel="stylesheet" href="/article.css"></head>
<body><main><h1>{title}</h1><p class="by">{by}</p>{paragraphs}</main></body>
</html>
"""


class Written(BaseModel):
    """A follower's comment."""

    openid: str
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=600)]


def router(world: World, headers: Mapping[str, str]) -> APIRouter:
    """GET /s/{key}: readable by anybody, counted for the statistics by ?openid= or the reader's address. POST /s/{key}/comments."""
    routes = APIRouter()

    @routes.get("/s/{key}")
    async def read(key: str, request: Request, openid: str = "") -> HTMLResponse:
        article = world.articles.page(key)
        if article is None or article.deleted:
            return HTMLResponse(page(GONE, "", []), 404, headers)
        article.open(f"{world.clock.moment():%Y-%m-%d %H}", openid or (request.client.host if request.client else ""))
        by = " · ".join(filter(None, (str(article.item.get("author") or ""), world.options.name)))
        return HTMLResponse(page(str(article.item["title"]), by, paragraphs(str(article.item["content"]))), headers=headers)

    @routes.post("/s/{key}/comments")
    async def comment(key: str, written: Written) -> dict[str, int]:
        article = world.articles.page(key)
        if article is None or article.deleted:
            raise HTTPException(404, GONE)
        if not article.commentable:
            raise HTTPException(409, "这篇文章没有打开留言")
        return {"id": article.comment(who.follower(world, written.openid).openid, written.text, world.clock.now()).number}

    return routes


def page(title: str, by: str, texts: list[str]) -> str:
    """The whole document; everything in it is text, whatever it looked like."""
    body = "".join(f"<p>{html.escape(text)}</p>" for text in texts)
    return _PAGE.format(title=html.escape(title), by=html.escape(by), paragraphs=body)
