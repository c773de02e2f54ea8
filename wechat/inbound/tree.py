"""The XML of a push as a tree of dicts: no DTD, no entities, no depth that hurts."""

from __future__ import annotations

from xml.parsers import expat

DEEPEST = 20  # levels of nesting; the deepest real event (MASSSENDJOBFINISH) has five


class Unreadable(Exception):
    """What arrived is no message of the platform's: broken XML, a DTD, a missing or impossible field."""


def fields_of(xml: bytes) -> dict[str, object]:
    """The children of the root `<xml>` by name. Raises Unreadable for broken XML, a DTD in any encoding, nesting beyond 20."""
    tree = _Tree()
    parser = expat.ParserCreate("utf-8")  # the platform's only encoding: a declaration cannot talk us into another one
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.characters
    try:
        parser.Parse(xml, True)
    except (expat.ExpatError, ValueError) as error:
        raise Unreadable(f"not well-formed XML: {error}") from None
    fields = tree.children[0].get("xml")
    if not isinstance(fields, dict):
        raise Unreadable("the root is not <xml> with elements in it")
    return fields


class _Tree:
    """Builds dicts while expat calls. Attributes are dropped, and so is the text between elements."""

    __slots__ = ("children", "text")

    def __init__(self) -> None:
        self.children: list[dict[str, object]] = [{}]
        self.text = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.children) > DEEPEST:
            raise Unreadable(f"nested deeper than {DEEPEST} levels")
        self.children.append({})
        self.text = ""

    def characters(self, data: str) -> None:
        self.text += data

    def end(self, name: str) -> None:
        value = self.children.pop() or self.text
        self.text = ""
        parent = self.children[-1]
        if name not in parent:
            parent[name] = value
        elif isinstance(siblings := parent[name], list):
            siblings.append(value)
        else:
            parent[name] = [siblings, value]


def _refuse(*declaration: object) -> None:
    raise Unreadable("a document type or entity declaration, which the platform never sends")
