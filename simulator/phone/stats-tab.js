// Tab 统计: the counts since the platform was started.

import { perhaps, section } from "./control.js";
import { el } from "./dom.js";
import * as server from "./server.js";

export const label = "统计";

const figure = (label, value, looks = "") => el("div", looks, el("dt", "", label), el("dd", "", value.toLocaleString("zh-CN")));

function table(api) {
  const rows = Object.entries(api).flatMap(([path, codes]) => Object.entries(codes).map(([code, count]) => ({ path, code, count })));
  rows.sort((one, other) => other.count - one.count);
  const head = el("thead", "", el("tr", "", el("th", "", "接口"), el("th", "", "errcode"), el("th", "number", "次数")));
  const lines = rows.map(({ path, code, count }) => el("tr", code === "0" ? "" : "bad", el("td", "", path.replace("/cgi-bin/", "")), el("td", "", code), el("td", "number", count.toLocaleString("zh-CN"))));
  return el("table", "counts", head, el("tbody", "", ...lines));
}

export async function build(box) {
  const body = el("div", "parts");
  box.append(body);
  let shown = "";
  async function draw() {
    const stats = await perhaps(server.stats());
    if (!stats || JSON.stringify(stats) === shown) return;
    shown = JSON.stringify(stats);
    const { followers, pushes, receipts, journal, api } = stats;
    body.replaceChildren(
      section("粉丝与推送", el("dl", "figures",
        figure("粉丝", followers.total), figure("关注中", followers.subscribed), figure("推送", pushes.sent), figure("推送失败", pushes.failed, pushes.failed ? "bad" : ""),
        figure("回执在等", receipts.waiting), figure("回执已推", receipts.pushed), figure("消息", journal.message ?? 0), figure("接口调用", journal.api ?? 0))),
      section("接口调用", Object.keys(api).length ? table(api) : el("p", "note", "机器人还没有调用过接口")),
    );
  }
  await draw();
  return draw;
}
