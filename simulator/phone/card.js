// Messages that are cards as wide as the chat: template messages, articles, and the sheets a mini program or a piece of music comes on.

import { button, el, link, picture } from "./dom.js";
import { icon } from "./icon.js";

export function template(message, scene) {
  const lines = el("dl", "");
  for (const line of message.lines) lines.append(...(line.label ? [el("dt", "", line.label), el("dd", "", line.value)] : [el("dd", "bare", line.value)]));
  const inner = [el("h3", "", message.title), lines];
  const more = el("div", "more", "详情", icon("chevron"));
  const program = message.mini_program ?? message.miniprogram;
  if (program?.app_id || program?.appid) {
    const facts = { title: message.title, app_id: program.app_id ?? program.appid, path: program.path ?? program.pagepath };
    return button("sheet-card template", () => scene.miniProgram(facts), ...inner, more);
  }
  const card = link(message.url, "sheet-card template", ...inner);
  if (card.tagName === "A") card.append(more);
  return card;
}

/** A picture whose address comes with a message, or nothing when a page must not load it. */
const shown = (address) => /^(https?:\/\/|\/(?!\/)|data:image\/)/.test(address || "") && picture(address, "");

/** The picture of an article; behind it, for when there is none or no network, a pattern of the account's own. */
function cover(article, ...over) {
  const box = el("span", `cover hue-${[...(article.title || "")].length % 4}`);
  box.append(...[shown(article.picture), ...over].filter(Boolean));
  return box;
}

function single(article) {
  return link(article.url, "article alone", cover(article), el("span", "words", el("strong", "", article.title), article.description && el("small", "", article.description)));
}

function lead(article) {
  return link(article.url, "article", cover(article, el("strong", "over", article.title)));
}

function row(article) {
  return link(article.url, "article small", el("span", "title", article.title), cover(article));
}

/** One article: a picture with its words below. Several: the first large, the others in rows. */
export function news(message) {
  const [first, ...others] = message.articles;
  return el("div", "sheet-card news", ...(others.length ? [lead(first), ...others.map(row)] : [single(first)]));
}

export function music(message) {
  const words = el("span", "words", el("strong", "", message.title || "音乐"), message.description && el("small", "", message.description));
  return link(message.url || message.hq_url, "bubble small-card music", words, el("span", "disc", shown(message.thumb), icon("play")));
}

export function miniProgram(message, scene) {
  const head = el("span", "program", icon("mini"), message.app_id || "小程序");
  const card = button("bubble small-card mini", () => scene.miniProgram(message), head, el("strong", "", message.title || message.text || "小程序"), el("span", "screen", icon("mini"), shown(message.thumb)));
  return el("div", "stack", card, el("small", "origin", "小程序"));
}

export function linkCard(message) {
  const words = el("span", "words", el("small", "", message.description || message.url));
  return link(message.url, "bubble small-card linked", el("strong", "", message.title || message.url), el("span", "side", words, el("span", "thumb", icon("link"))));
}

export function location(message) {
  const where = `${Number(message.x).toFixed(4)}, ${Number(message.y).toFixed(4)}`;
  const card = el("div", "bubble small-card place", el("strong", "", message.label || message.poiname || "位置"), el("small", "", where), el("span", "map", icon("place")));
  card.title = where;
  return card;
}
