// A worker that listens to the stream of news. It runs apart from the page so that the page counts as loaded while the stream stays open,
// which tools that wait for a quiet network, such as headless browsers taking a picture, depend on.
// Topics to the page: message, typing, previews (gathered, so that a crowd at work does not drown the page), behind (read it all anew), offline.

const openid = new URL(self.location.href).searchParams.get("openid");
const GATHER = 200; // milliseconds
const AGAIN = 2000; // milliseconds before a new connection when the browser gave up by itself

let gathered = new Map();
let waiting = false;

const tell = (topic, news) => self.postMessage({ topic, news });

function gather(news) {
  const before = gathered.get(news.openid);
  const unread = (before?.unread ?? 0) + (news.side === "account" ? 1 : 0);
  gathered.set(news.openid, { ...news, unread });
  if (waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    tell("previews", [...gathered.values()]);
    gathered = new Map();
  }, GATHER);
}

function connect() {
  const source = new EventSource(`/_sim/stream?${new URLSearchParams({ openid, overview: "true" })}`);
  const on = (topic, act) => source.addEventListener(topic, (event) => { if (event.data) act(JSON.parse(event.data)); });
  source.onopen = () => { tell("offline", false); tell("behind"); };
  source.onerror = () => {
    tell("offline", true);
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, AGAIN);
  };
  on("preview", gather);
  for (const topic of ["message", "typing", "behind"]) on(topic, (news) => tell(topic, news));
}

connect();
