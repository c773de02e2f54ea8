// Leaving the chat: a web page or a mini program that the account leads to.

import { button, copy, el, link } from "./dom.js";
import { icon } from "./icon.js";

/** The sheet with the page's address; real phones would show the page itself. */
export function page(sheet, address) {
  const shown = el("p", "address", address);
  const go = link(address, "primary", "在新标签页打开");
  const bad = go.tagName === "A" ? null : el("p", "note", "这不是 http 或 https 地址，浏览器打不开");
  sheet.open("打开网页", [el("span", "emblem", icon("globe")), shown, bad, bad ? null : go, button("plain", () => copy(address, shown), "复制链接")]);
}

export function miniProgram(sheet, { title, text, app_id: appId, path }) {
  const facts = el("dl", "facts", el("dt", "", "AppID"), el("dd", "", appId || "（没有给出）"), el("dt", "", "页面"), el("dd", "", path || "首页"));
  sheet.open(title || text || "小程序", [el("span", "emblem mini", icon("mini")), facts, el("p", "note", "真机上会打开这个小程序")]);
}
