// The platform's habits that can be changed while it runs: receipts that come late or never, how often a push is tried.

import { choice, perhaps, section } from "./control.js";
import * as server from "./server.js";

const SHARES = [[0, "从不"], [0.01, "1%"], [0.1, "10%"], [0.5, "50%"], [1, "总是"]];
const DELAYS = [["0.05,1.5", "一秒左右"], ["5,30", "半分钟内"], ["60,600", "几分钟"], ["3600,7200", "一两个小时"]];
const PAUSES = [[0, "从不"], [3, "失败 3 次后"], [10, "失败 10 次后"]];
const VERDICTS = [["send success", "成功"], ["send fail", "失败"], ["err(10001)", "涉嫌广告"], ["err(40002)", "管理员没有确认"]];
const ATTEMPTS = [[1, "一次"], [2, "两次"], [3, "三次（真实平台）"]];
const ANSWERS = [[true, "是"], [false, "否"]];
const SWITCHES = {
  retry_on_error: "应答 5xx 也重试",
  same_query: "重试时签名参数不变",
  recognition: "语音带识别结果",
};

/** Sections for what this simulator lets one change; null when it lets one change nothing. */
export async function settings() {
  const now = await perhaps(server.settings());
  if (!now) return null;
  const { receipts } = now;
  const receipt = (change) => server.change({ receipts: change });
  const pushing = [
    now.attempts !== undefined && choice("一条推送试几次", ATTEMPTS, now.attempts, (value) => server.change({ attempts: Number(value) })),
    now.mark_fail !== undefined && choice("暂停推送一分钟", PAUSES, now.mark_fail, (value) => server.change({ mark_fail: Number(value) })),
    ...Object.entries(SWITCHES).map(([name, label]) => typeof now[name] === "boolean" && choice(label, ANSWERS, now[name], (value) => server.change({ [name]: value === "true" }))),
  ].filter(Boolean);
  return [
    receipts && section("模板消息回执",
      choice("丢失", SHARES, receipts.missing, (value) => receipt({ missing: Number(value) })),
      choice("重复", SHARES, receipts.doubled, (value) => receipt({ doubled: Number(value) })),
      receipts.system_failed !== undefined && choice("system failed", SHARES, receipts.system_failed, (value) => receipt({ system_failed: Number(value) })),
      choice("多久到", DELAYS, `${receipts.earliest},${receipts.latest}`, (value) => {
        const [earliest, latest] = value.split(",").map(Number);
        return receipt({ earliest, latest });
      })),
    now.mass && section("群发", choice("结果", VERDICTS, now.mass.verdict, (verdict) => server.change({ mass: { verdict } }))),
    pushing.length && section("推送", ...pushing),
  ].filter(Boolean);
}
