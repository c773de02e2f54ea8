// Tab 时间: the platform's clock, put forward or sped up.

import { chips, choice, does, note, perhaps, section } from "./control.js";
import { el } from "./dom.js";
import * as server from "./server.js";
import { exactly, now, sync, weekday, withSeconds } from "./time.js";

export const label = "时间";

const STEPS = [["+10 分钟", 600], ["+1 小时", 3600], ["+1 天", 86400], ["+1 周", 604800]];
const SPEEDS = [[1, "1 倍（真实时间）"], [60, "60 倍（一秒一分钟）"], [600, "600 倍（一秒十分钟）"], [3600, "3600 倍（一秒一小时）"]];

export async function build(box, desk) {
  const facts = await perhaps(server.clock());
  if (facts) sync(facts);
  const hand = el("strong", "hand");
  const day = el("span", "");
  const draw = () => {
    hand.textContent = withSeconds(now());
    day.textContent = `${exactly(now()).split(" ")[0]} ${weekday(now())}`;
    if (hand.isConnected) requestAnimationFrame(draw);
  };
  const turn = async (how) => {
    sync({ ...facts, ...(await server.turnClock(how)) });
    desk.refresh();
  };
  box.append(el("div", "dial", hand, day));
  draw();
  box.append(
    section("拨快", chips(...STEPS.map(([words, seconds]) => does(words, () => turn({ advance: seconds }))))),
    section("快慢", choice("时钟速度", SPEEDS, facts?.speed ?? 1, (speed) => turn({ speed: Number(speed) }))),
    note("平台的时间只会往前走：配额在零点恢复，access_token 会过期，48 小时窗口会关上。机器人用的是它自己的时间。"),
  );
}
