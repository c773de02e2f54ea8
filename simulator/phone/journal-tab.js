// Tab 日志: the last pushes and API calls about the follower in the hand, as the platform wrote them down.

import { perhaps, section } from "./control.js";
import { el } from "./dom.js";
import * as server from "./server.js";
import { withSeconds } from "./time.js";
import { pretty } from "./xml.js";

export const label = "日志";

const SHOWN = 30;
const BACK = 30000; // entries of the whole platform that are looked through
const TYPES = { text: "文字", image: "图片", voice: "语音", video: "视频", shortvideo: "小视频", location: "位置", link: "链接" };

function attemptLine(attempt, number) {
  const milliseconds = `${Math.round(attempt.elapsed * 1000)} 毫秒`;
  const result = attempt.error === "timeout" ? "超时" : attempt.error || `HTTP ${attempt.status}`;
  return el("li", attempt.error ? "bad" : "", `第 ${number + 1} 次 · ${result} · ${milliseconds}`, attempt.reply && el("pre", "", pretty(attempt.reply)));
}

function push(entry) {
  const type = /<MsgType>(?:<!\[CDATA\[)?(\w+)/.exec(entry.body)?.[1] ?? "";
  const milliseconds = Math.round(entry.attempts.reduce((sum, attempt) => sum + attempt.elapsed, 0) * 1000);
  const result = entry.withheld ? "没有推" : entry.failed ? "失败" : `${milliseconds} 毫秒`;
  return {
    head: ["推送", entry.event || TYPES[type] || type, `${result}${entry.attempts.length > 1 ? ` · ${entry.attempts.length} 次` : ""}`], bad: entry.failed,
    body: [el("pre", "", pretty(entry.body)), el("ol", "attempts", ...entry.attempts.map(attemptLine))],
  };
}

function call(entry) {
  const { seq, at, kind, openid, path, errcode, ...rest } = entry;
  return { head: ["接口", (path ?? "").replace("/cgi-bin/", ""), `errcode ${errcode ?? 0}`], bad: Boolean(errcode), body: [el("pre", "", JSON.stringify(rest, null, 2))] };
}

function line(entry) {
  const { head: [kind, what, result], bad, body } = entry.kind === "push" ? push(entry) : call(entry);
  const details = el("details", "entry-line", el("summary", "", el("time", "", withSeconds(entry.at)), el("b", `kind ${entry.kind}`, kind), el("span", "what", what), el("span", bad ? "result bad" : "result", result)));
  details.addEventListener("toggle", () => { if (details.open && details.children.length === 1) details.append(el("div", "raw", ...body)); });
  return details;
}

export async function build(box, desk) {
  const list = el("div", "journal");
  const head = section("", list);
  let openid = null;
  let newest = 0;
  async function draw() {
    const { active } = desk;
    if (!active?.openid) return;
    if (openid !== active.openid) {
      openid = active.openid;
      newest = Math.max(0, ((await perhaps(server.stats()))?.journal.last ?? 0) - BACK);
      list.replaceChildren(el("p", "note", "这位粉丝还没有推送"));
      head.querySelector("h3").textContent = `${active.follower.name}的推送与接口调用`;
    }
    const entries = await perhaps(server.log({ openid, since: newest, limit: 5000 }));
    const fresh = (entries ?? []).filter((entry) => entry.kind !== "message" && entry.seq > newest);
    if (!fresh.length || openid !== active.openid) return;
    newest = fresh.at(-1).seq;
    list.querySelector(".note")?.remove();
    list.prepend(...fresh.slice(-SHOWN).reverse().map(line));
    while (list.children.length > SHOWN) list.lastElementChild.remove();
  }
  box.append(head);
  await draw();
  list.querySelector("details")?.setAttribute("open", "");
  return draw;
}
