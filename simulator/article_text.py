"""The words of an article: what is left of its HTML when everything that is not text is taken away."""

from html.parser import HTMLParser

_BLOCKS = frozenset({"p", "br", "div", "section", "li", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "blockquote", "table", "ul", "ol"})
_SILENT = frozenset({"script", "style", "iframe", "object", "noscript"})


def paragraphs(content: str) -> list[str]:
    """The texts of an article's HTML, block by block; pictures, scripts and styles have none."""
    reader = _Reader()
    reader.feed(content)
    reader.close()
    return [text for line in "".join(reader.parts).split("\n") if (text := line.strip())]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)
