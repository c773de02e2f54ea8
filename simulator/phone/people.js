// The list of followers: search, tags, last messages, unread marks; a page at a time, however many there are.

import { $, el, face, iconButton, button as makeButton, toast } from "./dom.js";
import * as server from "./server.js";
import { plain } from "./text.js";
import { briefly, happened, moment } from "./time.js";

const PAGE = 60;
const PAUSE = 160; // milliseconds without a key before a search is asked for
const ANEW = 1500; // milliseconds between two readings of the list because strangers to it spoke

export class People {
  /** `choose(openid)` shows a follower, `add(openid)` on one more phone; `counted(sum)` hears of the unread. */
  constructor({ choose, add, counted }) {
    Object.assign(this, { choose, add, counted, tag: "", open: new Set(), current: "", shown: new Map(), unread: new Map(), sum: 0, asked: 0 });
    let typing;
    $("search").addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.load(), PAUSE);
    });
    $("list").addEventListener("scroll", () => {
      const { scrollTop, clientHeight, scrollHeight } = $("list");
      if (scrollTop + clientHeight > scrollHeight - 400) this.more();
    }, { passive: true });
    $("list").addEventListener("keydown", (event) => this.step(event));
  }

  tags(names) {
    $("tags").replaceChildren(...names.map((name) => {
      const choice = makeButton("", () => {
        this.tag = this.tag === name ? "" : name;
        for (const other of $("tags").children) other.setAttribute("aria-pressed", String(other.textContent === this.tag));
        this.load();
      }, name);
      choice.setAttribute("aria-pressed", "false");
      return choice;
    }));
  }

  async load() {
    const turn = ++this.asked;
    const found = await this.ask(0);
    if (!found || turn !== this.asked) return;
    this.shown.clear();
    this.total = found.total;
    $("total").textContent = found.total.toLocaleString("zh-CN");
    $("list").replaceChildren();
    this.append(found.followers);
    if (!found.total) $("list").append(el("li", "empty", "没有这样的粉丝"));
    $("list").scrollTop = 0;
  }

  async more() {
    if (this.loading || this.shown.size >= this.total) return;
    this.loading = true;
    const turn = this.asked;
    const found = await this.ask(this.shown.size);
    this.loading = false;
    if (found && turn === this.asked) this.append(found.followers);
  }

  async ask(offset) {
    try {
      return await server.followers({ search: $("search").value, tag: this.tag, limit: PAGE, offset });
    } catch (error) {
      toast(error.message);
      return null;
    }
  }

  append(followers) {
    for (const follower of followers) {
      if (this.shown.has(follower.openid)) continue;
      const { openid } = follower;
      const line = makeButton("person", () => this.choose(openid));
      const more = iconButton("beside", "plus", `${follower.name}，在旁边打开`, () => this.add(openid));
      this.shown.set(openid, { follower, line });
      $("list").append(el("li", "", line, more));
      this.draw(openid);
    }
  }

  draw(openid) {
    const entry = this.shown.get(openid);
    if (!entry) return;
    const { follower, line } = entry;
    const count = this.unread.get(openid);
    const avatar = face(follower.name, follower.color);
    if (count) avatar.append(el("b", "badge", count > 99 ? "99+" : String(count)));
    const last = follower.last ? plain(follower.last.text) : follower.tags.join(" · ") || "还没有说过话";
    line.classList.toggle("gone", !follower.subscribed);
    line.classList.toggle("open", this.open.has(openid));
    line.setAttribute("aria-current", String(openid === this.current));
    line.replaceChildren(avatar, el("span", "name", follower.name), follower.last ? moment("when", follower.last.at, briefly) : "", el("span", "last", last));
  }

  /** These conversations are on the phones, and this one has the input. */
  select(openids, current) {
    const changed = new Set([...this.open, ...openids, this.current, current]);
    this.open = new Set(openids);
    this.current = current;
    for (const openid of openids) this.read(openid);
    for (const openid of changed) this.draw(openid);
    this.counted(this.sum);
  }

  update(follower) {
    const entry = this.shown.get(follower.openid);
    if (entry) Object.assign(entry.follower, follower);
    this.draw(follower.openid);
  }

  /** Something was said in a conversation: its line moves to the top. */
  heard({ openid, at, text, unread }) {
    happened(at);
    if (unread && !this.open.has(openid)) {
      this.unread.set(openid, (this.unread.get(openid) || 0) + unread);
      this.sum += unread;
    }
    const entry = this.shown.get(openid);
    if (entry) {
      entry.follower.last = { at, text };
      this.draw(openid);
      const item = entry.line.parentElement;
      if (item !== $("list").firstElementChild && !item.contains(document.activeElement)) $("list").prepend(item);
    } else {
      this.anew();
    }
    this.counted(this.sum);
  }

  read(openid) {
    this.sum -= this.unread.get(openid) || 0;
    this.unread.delete(openid);
  }

  /** Somebody who is not on the page of the list spoke: the list is read again, unless a person is searching or far down in it. */
  anew() {
    if (this.waiting) return;
    this.waiting = setTimeout(() => {
      this.waiting = null;
      if ($("list").scrollTop < 40 && !$("search").value && !$("list").contains(document.activeElement)) this.load();
    }, ANEW);
  }

  /** Up and down go from line to line. */
  step(event) {
    const way = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    const next = way && event.target.closest("li")?.[way]?.querySelector(".person");
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}
