// The simulator's controls as functions. A failed call is an Error whose message can be shown to a person;
// `missing` says that this simulator has no such control.

async function fetched(path, request) {
  let response;
  try {
    response = await fetch(`/_sim/${path}`, request);
  } catch {
    throw new Error("连不上仿真平台，它还在运行吗？");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const missing = (response.status === 404 && answer.error === "没有这个页面") || response.status === 405;
  throw Object.assign(new Error(missing ? "这个仿真平台还没有这项功能" : wording(answer, response)), { missing });
}

function wording({ error, details }, response) {
  const detail = details?.[0] ? `：${details[0].at} ${details[0].problem}` : "";
  return error ? error + detail : `仿真平台应答 HTTP ${response.status}`;
}

const get = (path) => fetched(path, {});
const post = (path, body) => fetched(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
const one = encodeURIComponent;

export const account = () => get("account");
export const followers = (query) => get(`followers?${new URLSearchParams(query)}`);
export const conversation = (openid) => get(`followers/${one(openid)}/conversation`);

export const say = (openid, text, ref) => post("say", { openid, text, ref });
export const send = (openid, message, ref) => post("send", { openid, ...message, ref });
export const choose = (openid, message, item, words) => post("choose", { openid, message, item, words });
export const follow = (openid) => post("follow", { openid });
export const unfollow = (openid) => post("unfollow", { openid });
export const mute = (openid, on) => post("block", { openid, on });
export const blacklist = (openid, on) => post("blacklist", { openid, on });
export const codes = async () => (await get("codes")).codes;
export const scan = (openid, what) => post("scan", { openid, ...what });
export const menu = async (openid) => (await get(`menu?openid=${one(openid)}`)).buttons;
export const tap = (openid, path, more) => post("menu", { openid, path, ...more });

/** {media_id, url} of a file: a Blob, and the name it goes by. */
export const upload = (kind, name, blob) => fetched(`upload?${new URLSearchParams({ kind, name })}`, { method: "POST", headers: { "Content-Type": blob.type || "application/octet-stream" }, body: blob });

/** Where the file of a medium is, if the platform still has it. */
export const mediaUrl = (mediaId) => `/_sim/media/${one(mediaId)}`;

export const clock = () => get("clock");
export const turnClock = (how) => post("clock", how);
export const faults = async () => (await get("faults")).rules;
export const addFault = (rule) => post("faults", rule);
export const clearFaults = () => fetched("faults", { method: "DELETE" });
export const latency = (seconds) => post("latency", { seconds });
export const expireTokens = () => post("expire_tokens", {});
export const settings = () => get("settings");
export const change = (settings) => post("settings", settings);
export const life = () => get("life");
export const live = (days) => post("life", { days });
export const stopLife = () => fetched("life", { method: "DELETE" });
export const stats = () => get("stats");
export const log = async (query) => (await get(`log?${new URLSearchParams(query)}`)).entries;

/** Live news of one conversation and previews of the others, until the returned function is called. */
export function watch(openid, on) {
  const worker = new Worker(`live.js?${new URLSearchParams({ openid })}`);
  worker.onmessage = ({ data: { topic, news } }) => on[topic]?.(news);
  return () => worker.terminate();
}
