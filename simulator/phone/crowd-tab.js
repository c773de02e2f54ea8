// Tab 人群: the followers live by their habits for some days, in seconds.

import { chips, does, note, perhaps, section } from "./control.js";
import { el } from "./dom.js";
import * as server from "./server.js";

export const label = "人群";

const SPANS = [["过一天", 1], ["过一周", 7], ["过一个月", 30]];
const FACTS = {
  acts: "动作", failed: "失败", seconds: "用时（秒）", rate: "每秒动作", checked_in: "签到", asked: "提问", asked_unknown: "问了没人懂的", said: "说话", began_survey: "开始问卷",
  answered: "答一题", left_survey: "中途退出问卷", tapped_menu: "点菜单", sent: "发图片语音位置", scanned: "扫码", followed: "关注", unfollowed: "取消关注", blocked: "关闭接收消息",
};

function words(life) {
  if (life.problem) return `停下了：${life.problem}`;
  if (life.running) return `第 ${life.day} 天，共 ${life.days} 天 · ${Math.floor(life.progress * 100)}%`;
  if (life.days && life.progress < 1) return `停在第 ${life.day} 天`;
  return life.days ? `过完了 ${life.days} 天` : "他们在等时间过去";
}

export async function build(box, desk) {
  if (!(await perhaps(server.life()))) {
    box.append(note("这个仿真平台还不会让粉丝自己过日子。"));
    return undefined;
  }
  const bar = document.createElement("progress");
  bar.max = 1;
  const state = el("p", "progress-words");
  const facts = el("dl", "figures");
  const stop = does("停下", async () => { await server.stopLife(); await draw(); }, "", "chip danger");
  const starts = SPANS.map(([words, days]) => does(words, async () => { await server.live(days); await draw(); }));
  let was = false;
  async function draw() {
    const life = await perhaps(server.life());
    if (!life) return;
    const { running } = life;
    bar.value = life.progress;
    bar.hidden = stop.hidden = !running;
    state.textContent = words(life);
    for (const start of starts) start.disabled = running;
    const { acts, failed, seconds, rate, counts } = life;
    const figures = life.days ? Object.entries({ acts, failed, seconds, rate, ...counts }) : [];
    facts.replaceChildren(...figures.map(([name, value]) => el("div", "", el("dt", "", FACTS[name] ?? name), el("dd", "", value.toLocaleString("zh-CN")))));
    if (was && !running) desk.refresh();
    was = running;
  }
  box.append(
    section("过日子", note("粉丝按各自的习惯签到、答问卷、提问、关注和取关，平台的时间跟着往前走。"), chips(...starts, stop)),
    section("进度", bar, state, facts),
  );
  await draw();
  return draw;
}
