// The open conversation: what was said, what is on its way, and what comes in live.

import { $, el, when } from "./dom.js";
import { draw, mark } from "./messages.js";
import * as server from "./server.js";

const GAP = 300; // seconds of silence after which the time is shown

export class Chat {
  constructor(told) {
    this.told = told; // called with the outcome of each push
    this.outgoing = new Map(); // ref → row of a message this page has sent and not yet heard of
  }

  open(people, messages) {
    this.people = people;
    this.seen = new Set();
    this.last = 0;
    $("chat").replaceChildren();
    for (const message of messages) this.add(message);
    for (const [ref, sent] of this.outgoing) {
      if (sent.openid !== people.openid) continue;
      if (!messages.some((message) => message.ref === ref)) $("chat").append(sent.row);
    }
    if (!$("chat").children.length) $("chat").append(el("p", "blank", "还没有消息，说点什么吧"));
    this.bottom();
  }

  /** A message that the platform has; one of this page's own only turns from drawn to known. */
  add(message) {
    if (this.seen.has(message.id)) return;
    this.seen.add(message.id);
    const near = this.nearBottom();
    $("chat").querySelector(".blank")?.remove();
    const sent = message.ref && this.outgoing.get(message.ref);
    if (sent) {
      if (!sent.row.isConnected) $("chat").append(sent.row);
    } else {
      this.time(message.at);
      $("chat").append(draw(message, this.people));
    }
    this.last = message.at;
    if (near || message.side === "follower") this.bottom();
  }

  async say(text) {
    const openid = this.people.openid;
    const ref = Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join("");
    const row = draw({ side: "follower", type: "text", text }, this.people);
    this.outgoing.set(ref, { openid, row });
    $("chat").querySelector(".blank")?.remove();
    this.time(Date.now() / 1000);
    this.last = Date.now() / 1000;
    $("chat").append(row);
    this.bottom();
    mark(row, "sending");
    try {
      const outcome = await server.say(openid, text, ref);
      mark(row, "sent");
      for (const message of [outcome.reply, outcome.notice]) if (message && this.people.openid === openid) this.add(message);
      this.told(openid, outcome);
      setTimeout(() => this.outgoing.delete(ref), 5000); // by then the stream has brought it back
    } catch (error) {
      mark(row, "failed", () => {
        row.remove();
        this.outgoing.delete(ref);
        this.say(text);
      });
      this.told(openid, { error });
    }
  }

  time(at) {
    if (at - this.last > GAP) $("chat").append(el("div", "time", when(at)));
  }

  nearBottom() {
    const { scrollTop, clientHeight, scrollHeight } = $("chat");
    return scrollTop + clientHeight > scrollHeight - 120;
  }

  bottom() {
    $("chat").scrollTop = $("chat").scrollHeight;
  }
}
