// XML as people read it: one element a line, indented. Words in, words out; nothing is parsed into the page.

const PIECES = /<!\[CDATA\[[\s\S]*?\]\]>|<[^>]+>|[^<]+/g;

/** A CDATA section as its words, when nothing in them could be taken for markup. */
const bare = (piece) => piece.replace(/^<!\[CDATA\[([^<&]*)\]\]>$/, "$1");

/** The text indented when it looks like XML, otherwise as it is. */
export function pretty(text) {
  if (!text.startsWith("<")) return text;
  const lines = [];
  let depth = 0;
  let content = true; // whether the line so far may take a value or a closing tag
  for (const piece of text.match(PIECES) ?? []) {
    if (piece.startsWith("</")) {
      depth -= 1;
      if (content) lines[lines.length - 1] += piece;
      else lines.push("  ".repeat(depth) + piece);
      content = false;
    } else if (piece.startsWith("<") && !piece.startsWith("<![CDATA[")) {
      lines.push("  ".repeat(depth) + piece);
      if (!piece.endsWith("/>") && !piece.startsWith("<?")) depth += 1;
      content = true;
    } else if (piece.trim()) {
      if (content && lines.length) lines[lines.length - 1] += bare(piece);
      else lines.push("  ".repeat(depth) + bare(piece).trim());
    }
  }
  return lines.join("\n");
}
