// The page: which follower is chosen, and what the buttons do.

import { Chat } from "./chat.js";
import { $, el, face, toast } from "./dom.js";
import { People } from "./people.js";
import * as server from "./server.js";

const QUICK = ["签到", "积分", "问卷", "菜单", "营业时间"];
const ACCOUNT_COLOR = "#07a35a";

let account = { name: "服务号", tags: [] };
let current = null;
let unwatch = () => {};
let typingUntil;

const chat = new Chat((openid, outcome) => {
  if (outcome.error) toast(outcome.error.message);
  else if (current?.openid === openid) showPush(outcome);
});
const people = new People((openid) => { closeDrawers(); choose(openid); });

async function choose(openid) {
  unwatch();
  people.select(openid);
  unwatch = server.watch(openid, {
    message: (message) => {
      if (current?.openid !== openid) return;
      chat.add(message);
      if (message.side === "account") typing(false);
      people.heard({ openid, at: message.at, text: message.text || message.title || message.articles?.[0].title || "新消息" }, false);
    },
    typing: ({ on }) => typing(on),
    preview: (news) => people.heard(news, news.side === "account"),
    behind: () => load(openid),
  });
  await load(openid);
}

async function load(openid) {
  try {
    const { follower, messages } = await server.conversation(openid);
    if (people.current !== openid) return;
    show(follower);
    chat.open({ openid, follower, account: { name: account.name, color: ACCOUNT_COLOR } }, messages);
    history.replaceState(null, "", `?follower=${encodeURIComponent(openid)}`);
  } catch (error) {
    toast(error.message);
  }
}

function show(follower) {
  current = follower;
  people.update(follower);
  $("face").replaceChildren(face(follower.name, follower.color));
  $("name").textContent = follower.name;
  $("state").textContent = !follower.subscribed ? "未关注" : follower.muted ? "已关注，已关闭接收消息" : "已关注";
  $("state").className = follower.subscribed ? "state on" : "state";
  $("openid").textContent = follower.openid;
  $("who-tags").textContent = follower.tags.join("、") || "无";
  $("push").textContent = "还没有";
  $("push").className = "";
  $("follow").textContent = follower.subscribed ? "取消关注" : "关注公众号";
  $("follow").className = follower.subscribed ? "danger" : "";
  $("mute").textContent = follower.muted ? "打开接收消息" : "关闭接收消息";
  $("mute").hidden = !follower.subscribed;
  $("composer").hidden = $("chips").hidden = !follower.subscribed;
  $("follow-big").hidden = follower.subscribed;
}

function showPush({ attempts, failed }) {
  const last = attempts.at(-1);
  const milliseconds = Math.round(attempts.reduce((sum, attempt) => sum + attempt.elapsed, 0) * 1000);
  const error = last.error === "timeout" ? "超时" : last.error?.startsWith("connection") ? "连不上" : last.error;
  $("push").textContent = `${error || `HTTP ${last.status}`} · ${milliseconds} 毫秒${attempts.length > 1 ? ` · ${attempts.length} 次` : ""}`;
  $("push").className = failed ? "bad" : "";
}

function typing(on) {
  clearTimeout(typingUntil);
  $("title").textContent = on ? "对方正在输入…" : account.name;
  if (on) typingUntil = setTimeout(() => typing(false), 15000);
}

async function act(request) {
  const { openid } = current;
  try {
    const outcome = await request(openid);
    const { follower } = await server.conversation(openid);
    if (current.openid !== openid) return;
    show(follower);
    if (outcome.attempts) showPush(outcome);
  } catch (error) {
    toast(error.message);
  }
}

function send(text) {
  if (text.trim() && current?.subscribed) chat.say(text.trim());
}

function fit() {
  $("text").style.height = "auto";
  $("text").style.height = `${$("text").scrollHeight}px`;
  $("send").disabled = !$("text").value.trim();
}

function closeDrawers() {
  for (const id of ["people", "profile"]) $(id).classList.remove("open");
  $("veil").hidden = true;
}

function openDrawer(id) {
  $(id).classList.add("open");
  $("veil").hidden = false;
}

function prepare() {
  $("chips").replaceChildren(...QUICK.map((text) => Object.assign(el("button", "", text), { type: "button", onclick: () => send(text) })));
  $("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    send($("text").value);
    $("text").value = "";
    fit();
  });
  $("text").addEventListener("input", fit);
  $("text").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return; // Enter also confirms a Chinese input method's choice
    event.preventDefault();
    $("composer").requestSubmit();
  });
  $("chat").addEventListener("click", (event) => {
    const option = event.target.closest("[data-say]");
    if (option) send(option.dataset.say);
  });
  $("follow").onclick = $("follow-big").onclick = () => act(current.subscribed ? server.unfollow : server.follow);
  $("mute").onclick = () => act((openid) => server.mute(openid, !current.muted));
  $("openid").onclick = async () => {
    try {
      await navigator.clipboard.writeText(current.openid);
      toast("已复制 OpenID");
    } catch { // browsers keep the clipboard from pages that come over plain HTTP from another machine
      getSelection().selectAllChildren($("openid"));
      toast("已选中，请手动复制");
    }
  };
  $("open-people").onclick = () => openDrawer("people");
  $("open-profile").onclick = () => openDrawer("profile");
  $("veil").onclick = closeDrawers;
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeDrawers(); });
  document.addEventListener("visibilitychange", () => { // a hidden page gives its connection back
    if (document.hidden) unwatch();
    else if (current) choose(current.openid);
  });
  const tick = () => { $("status-time").textContent = new Date().toTimeString().slice(0, 5); };
  tick();
  setInterval(tick, 10000);
}

async function start() {
  prepare();
  try {
    account = await server.account();
  } catch (error) {
    toast(error.message);
  }
  document.title = `${account.name} · 微信仿真`;
  $("title").textContent = account.name;
  $("webhook").textContent = `消息推送到 ${account.webhook || ""}`;
  people.tags(account.tags);
  await people.load();
  const wanted = new URLSearchParams(location.search).get("follower") || people.shown.keys().next().value;
  if (wanted) await choose(wanted);
}

start();
