"""The platform's XML: written with CDATA as real pushes are, read without ever expanding an entity."""

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

Fields = Mapping[str, Any]

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DTD = re.compile(r"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


class Malformed(Exception):
    """This is not the XML the platform exchanges."""


def write(fields: Fields) -> str:
    """`<xml>` around these fields in their order: numbers bare, texts in CDATA, mappings nested, lists as repeated siblings."""
    return f"<xml>{_inside(fields)}</xml>"


def read(text: str) -> ElementTree.Element:
    """The root element of a document that has `<xml>` as its root and no DTD. Raises Malformed."""
    if _DTD.search(text):
        raise Malformed("a document type definition is not allowed")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314  no DTD, hence no entities
    except ElementTree.ParseError as error:
        raise Malformed(str(error)) from error
    if root.tag != "xml":
        raise Malformed(f"the root element is <{root.tag}>, not <xml>")
    return root


def value(element: ElementTree.Element, path: str) -> str:
    """The text at this path below the element, an empty string when there is none."""
    return element.findtext(path) or ""


def _inside(fields: Fields) -> str:
    return "".join(_element(name, content) for name, content in fields.items())


def _element(name: str, content: object) -> str:
    if isinstance(content, list | tuple):
        return "".join(_element(name, item) for item in content)
    if isinstance(content, Mapping):
        return f"<{name}>{_inside(content)}</{name}>"
    if isinstance(content, int | float):
        return f"<{name}>{content}</{name}>"
    text = _FORBIDDEN.sub("", str(content)).replace("]]>", "]]]]><![CDATA[>")
    return f"<{name}><![CDATA[{text}]]></{name}>"
