"""Keys: what operators call a survey, a segment, a batch of coupons, so that it stays the same thing when its texts change."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from models.config import Looks, wrong


def _check(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,39}", text):
        raise wrong(
            f"{text!r} 要用英文字母开头的字母、数字或下划线（最多 40 个）",
            f"{text!r} must be letters, digits or underscores (40 at most), a letter first",
        )
    return text


Key = Annotated[str, AfterValidator(_check), Looks("^[A-Za-z][A-Za-z0-9_]{0,39}$")]
