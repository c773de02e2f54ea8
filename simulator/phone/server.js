// The simulator's controls as functions. A failed call is an Error whose message can be shown to a person.

async function call(method, path, body) {
  let response;
  try {
    response = await fetch(`/_sim/${path}`, {
      method,
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body && JSON.stringify(body),
    });
  } catch {
    throw new Error("连不上仿真平台，它还在运行吗？");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || `仿真平台应答 HTTP ${response.status}`);
  return answer;
}

export const account = () => call("GET", "account");
export const followers = (query) => call("GET", `followers?${new URLSearchParams(query)}`);
export const conversation = (openid) => call("GET", `followers/${encodeURIComponent(openid)}/conversation`);
export const say = (openid, text, ref) => call("POST", "say", { openid, text, ref });
export const follow = (openid) => call("POST", "follow", { openid });
export const unfollow = (openid) => call("POST", "unfollow", { openid });
export const mute = (openid, on) => call("POST", "block", { openid, on });

/** Live news of one conversation and previews of the others, until the returned function is called. */
export function watch(openid, on) {
  const worker = new Worker(`live.js?${new URLSearchParams({ openid })}`);
  worker.onmessage = ({ data: { topic, news } }) => on[topic](news);
  return () => worker.terminate();
}
