"""YZ501 to YZ507: operators' texts that the platform, or the law, punishes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from handlers import replies
from handlers.replies import Kind, Spoken
from models.compliance import Medium, Offence, punished, tells_terms
from models.config import Config, Problem

_MEDIA: Mapping[Kind, Medium] = {"text": "reply", "title": "reply", "description": "reply", "name": "menu", "template": "template"}


def risky(config: Config) -> Iterator[Problem]:
    """Texts that may cost the account dearly, each with the rule and another wording.

    What one text of a section says of a lottery's terms holds in all of it; the name of a button leads to them wherever they are.
    """
    texts = [spoken for spoken in replies.every(config) if spoken.kind in _MEDIA]
    told: dict[object, bool] = {}
    for spoken in texts:
        for offence in punished(spoken.text, _MEDIA[spoken.kind]):
            if offence.code != "YZ504" or not _told(spoken, texts, told):
                yield _problem(spoken, offence)


def _told(spoken: Spoken, texts: Sequence[Spoken], told: dict[object, bool]) -> bool:
    section = None if spoken.kind == "name" else spoken.where[0]
    if section not in told:
        told[section] = any(tells_terms(one.text) for one in texts if section in (None, one.where[0]))
    return told[section]


def _problem(spoken: Spoken, offence: Offence) -> Problem:
    part = offence.fragment if len(offence.fragment) <= 30 else f"{offence.fragment[:29]}…"
    zh = f"“{part}”可能违规：{offence.rule_zh}。建议：{offence.rewording_zh}"
    return Problem(spoken.where, zh, f"{part!r} may be punished: {offence.rule_en}. Suggestion: {offence.rewording_en}", offence.code)
