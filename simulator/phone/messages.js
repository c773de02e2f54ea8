// One message as it looks in the chat.

import { el, face, icon, link } from "./dom.js";

const ICONS = {
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01",
  voice: "M8 9a4 4 0 0 1 0 6M11.5 6.5a8 8 0 0 1 0 11M5 11.9v.2",
  video: "M4 6h11v12H4zM15 10.5l5-3v9l-5-3",
  music: "M9 18V6l10-2v12M9 18a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0zM19 16a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z",
  handoff: "M5 13v-1a7 7 0 0 1 14 0v1M5 13h3v5H5zM16 13h3v5h-3zM19 18c0 2-2 2.5-5 2.5",
  mini_program: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM9.5 14.5a2 2 0 1 0 2.5-2V10a2 2 0 1 1 2.5 1.8",
};
const LABELS = { image: "图片", voice: "语音", video: "视频", music: "音乐", handoff: "已转接人工客服", mini_program: "小程序" };
const CHEVRON = "M9 5l7 7-7 7";
const LINK = /<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')[^>]*>([\s\S]*?)<\/a>|(https?:\/\/[^\s<>"'，。；！？）」]+)/gi;

/** Text with its links: `<a href>` as the platform allows it and bare addresses. Everything else stays the characters it is. */
export function withLinks(text) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(LINK)) {
    parts.push(text.slice(from, found.index));
    const [whole, double, single, label, bare] = found;
    const anchor = link(bare ?? double ?? single, "", bare ?? label);
    parts.push(anchor.tagName === "A" ? anchor : whole);
    from = found.index + whole.length;
  }
  return [...parts, text.slice(from)];
}

function bubble(message) {
  const box = el("div", "bubble");
  if (message.type === "text") {
    box.append(el("span", "", ...(message.side === "account" ? withLinks(message.text) : [message.text])));
  } else if (message.type === "menu") {
    const options = message.options.map((text) => Object.assign(el("button", "menu-option", text), { type: "button" }));
    options.forEach((option) => { option.dataset.say = option.textContent; });
    box.append(el("span", "", message.text), ...options, el("span", "", message.tail));
  } else {
    const title = message.title || message.text || LABELS[message.type] || "暂不支持的消息";
    const detail = message.description || message.media_id || message.account || "";
    const words = el("span", "", link(message.url || "", "", title), detail && el("small", "", detail));
    box.append(el("span", "media", icon(ICONS[message.type] || ICONS.image), words));
  }
  return box;
}

function template(message) {
  const lines = el("dl", "");
  for (const line of message.lines) lines.append(el("dt", "", line.label), el("dd", "", line.value));
  const card = link(message.url, "sheet template", el("h3", "", message.title), lines);
  if (card.tagName === "A") card.append(el("div", "more", "详情", icon(CHEVRON)));
  return card;
}

function news(message) {
  const [first, ...others] = message.articles;
  const lead = link(first.url, "article", el("div", "cover", el("h3", "", first.title)), first.description && el("p", "", first.description));
  const rest = others.map((article) => link(article.url, "article small", el("span", "", article.title), el("span", "cover")));
  return el("div", "sheet", lead, ...rest);
}

/** The message's element. `people` says who `follower` and `account` are: {name, color} each. */
export function draw(message, people) {
  if (message.side === "notice") {
    return el("div", `notice ${message.type}`, message.text, message.why && el("small", "", message.why));
  }
  if (message.type === "template") return template(message);
  if (message.type === "news") return news(message);
  const mine = message.side === "follower";
  const person = people[message.side];
  return el("div", mine ? "row mine" : "row", face(person.name, person.color), bubble(message));
}

/** The state of one's own message beside its bubble: sending, failed (then `again` sends it once more), or nothing. */
export function mark(row, state, again) {
  row.querySelector(".mark, .again")?.remove();
  if (state === "sending") {
    const dots = el("span", "mark", el("i"), el("i"), el("i"));
    dots.setAttribute("role", "img");
    dots.setAttribute("aria-label", "发送中");
    dots.title = "发送中";
    row.append(dots);
  } else if (state === "failed") {
    const button = Object.assign(el("button", "again", "!"), { type: "button", title: "没有发出去，点一下重发", onclick: again });
    button.setAttribute("aria-label", "没有发出去，重发");
    row.append(button);
  }
}
