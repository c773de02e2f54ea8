"""What a caller sent, taken apart: a JSON object, or a multipart form with its files."""

import logging
from collections.abc import AsyncGenerator
from typing import Any, cast

import orjson
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from simulator.call import Endpoint, Upload

Parsed = tuple[dict[str, Any], dict[str, Upload], int | None]
"""Fields, files, and the errcode of a body that is not what the endpoint takes."""

# A broken form is the caller's affair and answered with an errcode; the parser would write a line about it to our standard error.
logging.getLogger("python_multipart").addHandler(logging.NullHandler())


async def parse(endpoint: Endpoint | None, content_type: bytes, raw: bytes) -> Parsed:
    """Read before any check, so that the journal has it whatever comes; the errcode is for later."""
    if content_type.startswith(b"multipart/form-data"):
        fields, files = await _form(Headers(raw=[(b"content-type", content_type)]), raw)
        return fields, files, None if endpoint is None or endpoint.takes != "json" else 47001
    if endpoint is not None and endpoint.takes == "form":
        return {}, {}, 41005
    fields, errcode = _json(raw)
    return fields, {}, None if endpoint is not None and endpoint.takes == "any" else errcode


def _json(raw: bytes) -> tuple[dict[str, Any], int | None]:
    if not raw.strip():
        return {}, 44002
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}, 47001
    return (cast("dict[str, Any]", body), None) if isinstance(body, dict) else ({}, 47001)


async def _form(headers: Headers, raw: bytes) -> tuple[dict[str, Any], dict[str, Upload]]:
    """Fields and files; nothing at all of a form that is broken."""

    async def stream() -> AsyncGenerator[bytes, None]:
        yield raw

    try:
        form = await MultiPartParser(headers, stream()).parse()
    except (MultiPartException, KeyError, UnicodeDecodeError):  # KeyError: a Content-Type without a boundary
        return {}, {}
    try:
        return await _sorted(form)
    finally:
        await form.close()


async def _sorted(form: FormData) -> tuple[dict[str, Any], dict[str, Upload]]:
    fields: dict[str, Any] = {}
    files: dict[str, Upload] = {}
    for name, value in form.multi_items():
        # A part that has only filename*=utf-8''… (RFC 5987, what some clients send for Chinese names) is no file to this parser,
        # as it is none to the platform, which answers 41005.
        if isinstance(value, UploadFile):
            files[name] = Upload(value.filename or "", value.content_type or "", await value.read())
        else:
            fields[name] = value
    return fields, files
