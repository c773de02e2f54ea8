"""Shares: part of a whole, written as 30% or 0.3."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from models.config import Looks, wrong


def _percent(value: Any) -> Any:
    """`30%` is 0.3."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1]) / 100
        except ValueError:
            return value
    if isinstance(value, int | float) and 1 < value <= 100:
        raise wrong(
            f"比例在 0 和 1 之间；百分之 {value:g} 写成 {value:g}%", f"this must be between 0 and 1; {value:g} per cent is {value:g}%"
        )
    return value


Share = Annotated[
    float,
    BeforeValidator(_percent, json_schema_input_type=float | Annotated[str, Looks(r"^\s*[0-9.]+\s*%\s*$", ("30%",))]),
    Field(ge=0, le=1),
]
Probability = Annotated[Share, Field(gt=0)]
Part = Annotated[Share, Field(lt=1)]  # somebody is left
