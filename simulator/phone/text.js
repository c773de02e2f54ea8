// A text with its links: `<a href>` as the platform allows it, and bare addresses. Everything else stays the characters it is.

import { button, link } from "./dom.js";

const LINK = /<a\s([^>]*)>([\s\S]*?)<\/a>|(https?:\/\/[^\s<>"'，。；！？）」】]+)/gi;

function attribute(attributes, name) {
  const found = attributes.match(new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, "i"));
  return found?.[1] ?? found?.[2] ?? "";
}

/** What a link does: opens a page, says its words for the follower (as a choice, if it has an id), opens a mini program; else null. */
function anchor(attributes, label, scene, message) {
  const href = attribute(attributes, "href").replaceAll("&amp;", "&");
  const page = link(href, "", label);
  const appId = attribute(attributes, "data-miniprogram-appid");
  if (appId) return button("as-link", () => scene.miniProgram({ title: label, app_id: appId, path: attribute(attributes, "data-miniprogram-path") }), label);
  if (href.startsWith("weixin://bizmsgmenu")) {
    const chosen = new URLSearchParams(href.split("?")[1]);
    const words = chosen.get("msgmenucontent"), id = chosen.get("msgmenuid");
    return words && button("as-link", () => (id && message.id ? scene.choose(message.id, id, words) : scene.say(words)), label);
  }
  return page.tagName === "A" ? page : null;
}

/** The nodes of a text of this message. Only what the account says has links; what a follower types is words. */
export function withLinks(text, scene, message = {}) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(LINK)) {
    const [whole, attributes, label, bare] = found;
    parts.push(text.slice(from, found.index), bare ? link(bare, "", bare) : anchor(attributes, label, scene, message) ?? whole);
    from = found.index + whole.length;
  }
  return [...parts, text.slice(from)];
}

/** Plain words of a text that may have links, for one line in a list. */
export const plain = (text) => text.replace(/<a\s[^>]*>([\s\S]*?)<\/a>/gi, "$1").replace(/\s+/g, " ");

const LABELS = { image: "[图片]", voice: "[语音]", video: "[视频]", music: "[音乐]", location: "[位置]", link: "[链接]", mini_program: "[小程序]", handoff: "[转人工客服]", news: "[图文]", template: "[模板消息]" };

/** One line about a message, as the list shows it; the platform's previews of other conversations have the same words. */
export function preview(message) {
  const words = message.articles?.[0].title || message.label || message.title || message.text || "";
  return [LABELS[message.type], words].filter(Boolean).join(" ");
}
