// The page: the list at the left, the phones beside it, the platform at the right.

import { Desk } from "./desk.js";
import { $, toast } from "./dom.js";
import { decorate } from "./icon.js";
import { People } from "./people.js";
import { Platform } from "./platform.js";
import * as server from "./server.js";
import { clock, now, retell, sync } from "./time.js";
import * as viewer from "./viewer.js";

const TICK = 1000; // milliseconds

let told = "";

/** Every phone's status bar shows the platform's time. */
function tick() {
  const shown = clock(now());
  if (shown === told) return;
  told = shown;
  retell();
  for (const face of document.querySelectorAll(".status .clock")) if (face.textContent !== shown) face.textContent = shown;
}

/** The page is as high as what the on-screen keyboard leaves of the window, in browsers that lay it over the page. */
function fitViewport() {
  const { visualViewport } = window;
  if (!visualViewport) return;
  visualViewport.addEventListener("resize", () => {
    document.body.style.setProperty("--height", `${Math.round(visualViewport.height * visualViewport.scale)}px`);
    window.scrollTo(0, 0);
  });
}

async function start() {
  decorate(document);
  viewer.prepare();
  fitViewport();
  const account = await server.account().catch((error) => { toast(error.message); return { name: "服务号", tags: [] }; });
  await server.clock().then(sync, () => {});
  document.title = `${account.name} · 微信仿真`;
  $("webhook").textContent = `消息推送到 ${account.webhook || ""}`;
  let desk = null;
  const people = new People({
    choose: (openid) => desk.choose(openid),
    add: (openid) => desk.add(openid),
    counted: (sum) => desk.phones.forEach((phone) => phone.unread(sum)),
  });
  const platform = new Platform(() => desk);
  desk = new Desk(account, people, { held: () => platform.look(), news: () => platform.news() });
  people.tags(account.tags);
  await people.load();
  $("another").onclick = () => {
    const next = [...people.shown.keys()].find((openid) => !desk.find(openid));
    if (next) desk.add(next);
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) desk.rest();
    else if (desk.active) desk.watch();
  });
  setInterval(tick, TICK);
  window.addEventListener("focus", () => { if (desk.active) desk.refresh(); }); // somebody may come back from publishing a menu
  await open(desk, people);
  platform.restore();
}

/** The followers of the address, else on a wide screen the first of the list. */
async function open(desk, people) {
  const wanted = [...new Set(new URLSearchParams(location.search).getAll("follower"))];
  const wide = matchMedia("(min-width: 760px)").matches;
  if (!wanted.length && wide) wanted.push(...[...people.shown.keys()].slice(0, 1));
  await desk.lay(wide ? wanted : wanted.slice(0, 1));
  if (wanted.length && desk.active) desk.choose(desk.active.openid);
}

start();
