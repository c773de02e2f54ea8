// One conversation on one phone: what was said, what is on its way, and what comes in live.

import { draw, mark } from "./bubble.js";
import { el, toast } from "./dom.js";
import { happened, moment, now, when } from "./time.js";

const GAP = 300; // seconds of silence after which the time is shown
const KEPT = 400; // rows; older ones leave the page
const NEAR = 120; // pixels from the end within which the chat follows what comes in

const newRef = () => Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join("");

export class Chat {
  /** `newer` is the button that shows when something came in below what is on the screen. */
  constructor(box, newer) {
    this.box = box;
    this.newer = newer;
    this.outgoing = new Map(); // ref → row of a message this page has sent and not yet heard of
    newer.onclick = () => this.bottom(true);
    box.addEventListener("scroll", () => { if (this.near()) newer.hidden = true; }, { passive: true });
    new ResizeObserver(() => { if (this.stuck) this.bottom(); }).observe(box); // the keyboard or a panel took room
    box.addEventListener("load", () => { if (this.stuck) this.bottom(); }, true); // a picture took room
    box.addEventListener("scroll", () => { this.stuck = this.near(); }, { passive: true });
  }

  /** The conversation from its beginning. */
  open(scene, messages) {
    this.scene = scene;
    this.seen = new Set();
    this.outgoing.clear();
    this.last = 0;
    this.box.replaceChildren();
    this.merge(messages);
    if (!this.box.children.length) this.box.append(el("p", "blank", "还没有消息，说点什么吧"));
    this.bottom();
  }

  /** Whatever of these messages is not shown yet is. */
  merge(messages) {
    for (const message of messages) this.add(message);
  }

  /** A message that the platform has; one of this page's own only turns from drawn to known. */
  add(message) {
    happened(message.at);
    if (this.seen.has(message.id)) return;
    this.seen.add(message.id);
    const sent = message.ref && this.outgoing.get(message.ref);
    if (sent) {
      this.outgoing.delete(message.ref);
      this.last = message.at;
    } else {
      this.append(draw(message, this.scene), message.at, message.side === "follower");
    }
  }

  append(row, at, mine) {
    const near = this.near();
    this.box.querySelector(":scope > .blank")?.remove();
    if (at - this.last > GAP) this.box.append(moment("time", at, when));
    this.last = at;
    this.box.append(row);
    while (this.box.children.length > KEPT) this.box.firstElementChild.remove();
    if (near || mine) this.bottom();
    else this.newer.hidden = false;
  }

  /** The follower's message is drawn at once and sent by `request(ref)`, whose outcome is returned; null when it could not be sent. */
  async send(content, request) {
    const { scene } = this;
    const ref = newRef();
    const row = draw({ side: "follower", ...content }, scene);
    this.outgoing.set(ref, row);
    this.append(row, now(), true);
    mark(row, "sending");
    try {
      const outcome = await request(ref);
      mark(row, "sent");
      if (this.scene === scene) this.merge([outcome.reply, outcome.notice].filter(Boolean));
      return outcome;
    } catch (error) {
      this.outgoing.delete(ref);
      mark(row, "failed", () => { row.remove(); this.send(content, request); });
      toast(error.message);
      return null;
    }
  }

  near() {
    const { scrollTop, clientHeight, scrollHeight } = this.box;
    return scrollTop + clientHeight > scrollHeight - NEAR;
  }

  bottom(smoothly = false) {
    this.box.scrollTo({ top: this.box.scrollHeight, behavior: smoothly ? "smooth" : "instant" });
    this.stuck = true;
    this.newer.hidden = true;
  }
}
