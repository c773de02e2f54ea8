// A worker that listens to the stream of news. It runs apart from the page so that the page counts as loaded while the stream stays open,
// which tools that wait for a quiet network, such as headless browsers taking a picture, depend on.

const openid = new URL(self.location.href).searchParams.get("openid");
const source = new EventSource(`/_sim/stream?${new URLSearchParams({ openid, overview: "true" })}`);
let opened = 0;

source.onopen = () => { if (opened++) self.postMessage({ topic: "behind" }); };
for (const topic of ["message", "typing", "preview", "behind"]) {
  source.addEventListener(topic, (event) => { if (event.data) self.postMessage({ topic, news: JSON.parse(event.data) }); });
}
