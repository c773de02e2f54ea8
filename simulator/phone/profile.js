// The sheet about one follower: who they are, whether they follow, and the switches a person has on a phone.

import { button, copy, el, face } from "./dom.js";
import { icon } from "./icon.js";
import { scan } from "./panel.js";
import * as server from "./server.js";
import { exactly } from "./time.js";

function fact(label, value) {
  return value ? [el("dt", "", label), el("dd", "", value)] : [];
}

function toggle(label, note, on, act) {
  const element = button("switch", act, el("span", "", label, el("small", "", note)), el("i", ""));
  element.setAttribute("role", "switch");
  element.setAttribute("aria-checked", String(on));
  return element;
}

/** 已关注, and what is switched off. */
export function state(follower) {
  if (!follower.subscribed) return "未关注";
  return ["已关注", follower.muted && "不接收消息", follower.blacklisted && "黑名单"].filter(Boolean).join(" · ");
}

/** How the last push went: HTTP 200 · 12 毫秒. */
export function pushed({ attempts }) {
  if (!attempts?.length) return "";
  const last = attempts.at(-1);
  const milliseconds = Math.round(attempts.reduce((sum, attempt) => sum + attempt.elapsed, 0) * 1000);
  const error = last.error === "timeout" ? "超时" : last.error?.startsWith("connection") ? "连不上" : last.error;
  return [error || `HTTP ${last.status}`, `${milliseconds} 毫秒`, attempts.length > 1 && `${attempts.length} 次`].filter(Boolean).join(" · ");
}

export function profile(phone) {
  const { follower } = phone;
  const openid = button("copy", () => copy(follower.openid, openid), follower.openid);
  openid.title = "点一下复制";
  const again = (request) => async () => { await phone.act(request); phone.showProfile(); };
  const leave = again(follower.subscribed ? server.unfollow : server.follow);
  const head = el("div", "who", face(follower.name, follower.color), el("div", "", el("strong", "", follower.name), el("span", follower.subscribed ? "state on" : "state", state(follower))));
  const facts = el("dl", "facts",
    el("dt", "", "OpenID"), el("dd", "", openid),
    ...fact("标签", follower.tags.join("、")),
    ...fact("渠道", follower.channel || follower.scene || follower.qr_scene_str),
    ...fact("关注时间", follower.subscribed && follower.subscribe_time ? exactly(follower.subscribe_time) : ""),
    ...fact("备注", follower.remark),
    ...fact("最近推送", phone.pushed));
  const switches = follower.subscribed && el("div", "group",
    toggle("接收消息", "关掉后模板消息会回 failed:user block", !follower.muted, again((id) => server.mute(id, !follower.muted))),
    toggle("黑名单", "公众号把这位粉丝拉黑", follower.blacklisted, again((id) => server.blacklist(id, !follower.blacklisted))));
  const acts = el("div", "group",
    button("sheet-row", () => scan(phone), icon("scan"), el("span", "", "扫一扫")),
    button(follower.subscribed ? "sheet-row danger" : "sheet-row go", leave, el("span", "", follower.subscribed ? "取消关注" : "关注公众号")));
  phone.sheet.open("资料", [head, facts, switches, acts].filter(Boolean), "page");
}
