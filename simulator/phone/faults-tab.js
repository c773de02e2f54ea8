// Tab 故障: what shall go wrong with the account's next calls, and how the platform treats the account's server.

import { chips, choice, does, note, perhaps, section } from "./control.js";
import { el } from "./dom.js";
import * as server from "./server.js";
import { settings } from "./settings.js";

export const label = "故障";

const PATHS = [["*", "所有接口"], ["/cgi-bin/message/template/send", "模板消息"], ["/cgi-bin/message/custom/*", "客服消息"], ["/cgi-bin/message/mass/*", "群发"], ["/cgi-bin/stable_token", "取 token"], ["/cgi-bin/media/*", "素材"]];
const TIMES = [[1, "一次"], [5, "五次"], ["", "一直，直到清除"]];
const CHANCES = [[1, "每次都"], [0.5, "一半机会"], [0.1, "一成机会"], [0.01, "百分之一"]];
const LATENCIES = [[0, "没有"], [0.1, "0.1 秒"], [0.5, "0.5 秒"], [2, "2 秒"], [10, "10 秒"]];
const FAULTS = [
  ["平台繁忙 −1", { errcode: -1 }], ["超过日限 45009", { errcode: 45009 }], ["太频繁 45011", { errcode: 45011 }],
  ["IP 不在白名单 40164", { errcode: 40164 }], ["没关注 43004", { errcode: 43004 }], ["超时 30 秒", { delay: 30 }], ["网关 502", { status: 502 }], ["收下却断线", { drop_response: 1 }],
];

const PUSH_FAULTS = [["推送丢了", { lost: true }], ["推送两遍", { copies: 2 }], ["推送晚 10 秒", { delay: 10 }], ["推送颠倒顺序", { swap: true }]];

function words(rule) {
  const path = rule.push ? "推送" : PATHS.find(([value]) => value === (rule.path ?? "*"))?.[1] ?? rule.path;
  const what = [
    rule.errcode !== undefined && `错误码 ${rule.errcode}`, rule.status && `HTTP ${rule.status}`, rule.delay && `慢 ${rule.delay} 秒`, rule.drop_response && "收下却断线",
    rule.lost && "丢了", rule.copies > 1 && `来 ${rule.copies} 遍`, rule.swap && "颠倒顺序",
  ].filter(Boolean).join("，");
  const chance = (rule.probability ?? 1) < 1 ? `，概率 ${rule.probability}` : "";
  return [path, `${what}${chance}`, rule.times === undefined || rule.times === null ? "一直" : rule.times ? `还有 ${rule.times} 次` : "用完了"];
}

export async function build(box) {
  const chosen = { path: "*", times: 1, probability: 1 };
  const rules = el("ul", "rules");
  const clear = does("全部清除", async () => { await server.clearFaults(); await draw(); }, "故障都清除了", "chip danger");
  let shown = "";
  async function draw() {
    const found = await perhaps(server.faults());
    if (!found || JSON.stringify(found) === shown) return;
    shown = JSON.stringify(found);
    rules.replaceChildren(...found.map((rule) => el("li", rule.times === 0 ? "spent" : "", ...words(rule).map((part) => el("span", "", part)))));
    if (!found.length) rules.append(el("li", "none", "现在一切正常"));
    clear.hidden = !found.length;
  }
  const strike = (fault) => async () => {
    const { path, times, probability } = chosen;
    await server.addFault({ ...(fault.push ? {} : { path }), ...(times === "" ? {} : { times: Number(times) }), probability: Number(probability), ...fault });
    await draw();
  };
  box.append(
    section("出点故障",
      choice("哪些接口", PATHS, chosen.path, (value) => { chosen.path = value; }),
      choice("出几次", TIMES, chosen.times, (value) => { chosen.times = value; }),
      choice("多大机会", CHANCES, chosen.probability, (value) => { chosen.probability = value; }),
      chips(...FAULTS.map(([name, fault]) => does(name, strike(fault)))),
      chips(...PUSH_FAULTS.map(([name, fault]) => does(name, strike({ push: "*", ...fault })))),
      chips(does("让所有 token 失效", server.expireTokens, "已发出的 access_token 都失效了"))),
    section("生效中", rules, clear),
    section("接口延迟", choice("每次应答前等", LATENCIES, 0, (seconds) => server.latency(Number(seconds)))),
  );
  await draw();
  const more = await settings();
  if (more) box.append(...more);
  box.append(note("接口的故障机器人看得见，推送的故障只有它的日志看得见。要看粉丝那边的「服务出现故障」，停掉机器人再说一句话。"));
  return draw;
}
