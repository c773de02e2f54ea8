// One message as it looks in the chat. A `scene` says who speaks ({follower, account}, each {name, color}) and what taps do.

import { button, el, face } from "./dom.js";
import { icon } from "./icon.js";
import { linkCard, location, miniProgram, music, news, template } from "./card.js";
import { mediaUrl } from "./server.js";
import { withLinks } from "./text.js";
import { photo } from "./viewer.js";
import { voice } from "./voice.js";

function text(message, scene) {
  return el("div", "bubble", ...(message.side === "account" ? withLinks(message.text, scene, message) : [message.text]));
}

function menu(message, scene) {
  const options = message.options.map((option) => {
    const { id, text: words } = typeof option === "string" ? { id: null, text: option } : option;
    return button("option", () => (id === null ? scene.say(words) : scene.choose(message.id, id, words)), words);
  });
  const tail = message.tail && el("span", "", ...withLinks(message.tail, scene, message));
  return el("div", "bubble", el("span", "", ...withLinks(message.text || "", scene, message)), el("span", "options", ...options), tail);
}

function video(message) {
  if (!message.url) return labelled("video", message.title || "视频", message.description || "视频已失效");
  const player = Object.assign(document.createElement("video"), { controls: true, preload: "metadata", src: message.url, playsInline: true });
  player.setAttribute("aria-label", message.title || "视频");
  const words = (message.title || message.description) && el("div", "caption", message.title && el("strong", "", message.title), message.description && el("small", "", message.description));
  return el("div", "video", player, words);
}

/** A bubble with a drawing: for what a browser has nothing better to show. */
function labelled(name, title, detail) {
  return el("div", "bubble labelled", icon(name), el("span", "", title, detail && el("small", "", detail)));
}

const wxcard = (message) => labelled("link", "卡券", message.card_id);

const BUBBLES = { text, menu, video, music, location, image: (message) => photo(message), voice, link: linkCard, wxcard, mini_program: miniProgram, shortvideo: video };
const CARDS = { template, news };

function notice(message) {
  const looks = message.type === "failure" ? "notice failure" : "notice";
  return el("div", looks, message.text, message.why && el("small", "", message.why));
}

/** The message's element. */
export function draw(said, scene) {
  const message = said.media_id && !said.url ? { ...said, url: mediaUrl(said.media_id) } : said;
  if (message.side === "notice") return notice(message);
  if (message.type === "handoff") return el("div", "notice", icon("headset"), `已转接人工客服${message.account ? `（${message.account}）` : ""}`);
  if (CARDS[message.type]) return el("div", "wide", CARDS[message.type](message, scene));
  const inner = BUBBLES[message.type]?.(message, scene) ?? labelled("link", message.title || message.text || "暂不支持的消息", message.type);
  const mine = message.side === "follower";
  const person = mine ? scene.follower : scene.account;
  return el("div", mine ? "row mine" : "row", face(person.name, person.color), inner);
}

/** The state of one's own message beside its bubble: sending, failed (then `again` sends it once more), or nothing. */
export function mark(row, state, again) {
  row.querySelector(".mark, .again")?.remove();
  if (state === "sending") {
    const dots = el("span", "mark", el("i"), el("i"), el("i"));
    dots.setAttribute("role", "img");
    dots.setAttribute("aria-label", "发送中");
    row.append(dots);
  } else if (state === "failed") {
    const retry = button("again", again, "!");
    retry.title = "没有发出去，点一下重发";
    retry.setAttribute("aria-label", retry.title);
    row.append(retry);
  }
}
