// The list of followers: search, tags, previews, unread marks.

import { $, el, face, toast, when } from "./dom.js";
import * as server from "./server.js";

const PAGE = 60;

export class People {
  constructor(choose) {
    this.choose = choose;
    this.tag = "";
    this.current = "";
    this.shown = new Map();
    this.unread = new Map();
    this.asked = 0;
    let typing;
    $("search").addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.load(), 160);
    });
    $("list").addEventListener("scroll", () => {
      const { scrollTop, clientHeight, scrollHeight } = $("list");
      if (scrollTop + clientHeight > scrollHeight - 200) this.more();
    });
  }

  tags(names) {
    $("tags").replaceChildren(...names.map((name) => {
      const button = Object.assign(el("button", "", name), { type: "button" });
      button.setAttribute("aria-pressed", "false");
      button.onclick = () => {
        this.tag = this.tag === name ? "" : name;
        for (const other of $("tags").children) other.setAttribute("aria-pressed", String(other.textContent === this.tag));
        this.load();
      };
      return button;
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
      const button = Object.assign(el("button"), { type: "button", onclick: () => this.choose(follower.openid) });
      this.shown.set(follower.openid, { follower, button });
      $("list").append(el("li", "", button));
      this.draw(follower.openid);
    }
  }

  draw(openid) {
    const entry = this.shown.get(openid);
    if (!entry) return;
    const { follower, button } = entry;
    const count = this.unread.get(openid);
    const avatar = face(follower.name, follower.color);
    if (count) avatar.append(el("b", "badge", count > 99 ? "99+" : String(count)));
    const last = follower.last ? follower.last.text : follower.tags.join(" · ") || "还没有说过话";
    button.className = follower.subscribed ? "" : "gone";
    button.setAttribute("aria-current", String(openid === this.current));
    button.replaceChildren(
      avatar, el("span", "name", follower.name), el("span", "when", follower.last ? when(follower.last.at) : ""), el("span", "last", last),
    );
  }

  select(openid) {
    const before = this.current;
    this.current = openid;
    this.unread.delete(openid);
    this.draw(before);
    this.draw(openid);
    this.count();
  }

  update(follower) {
    const entry = this.shown.get(follower.openid);
    if (entry) Object.assign(entry.follower, follower);
    this.draw(follower.openid);
  }

  /** Something was said in a conversation: its line moves to the top. */
  heard({ openid, at, text }, isUnread) {
    if (isUnread) this.unread.set(openid, (this.unread.get(openid) || 0) + 1);
    const entry = this.shown.get(openid);
    if (entry) {
      entry.follower.last = { at, text };
      this.draw(openid);
      $("list").prepend(entry.button.parentElement);
    }
    this.count();
  }

  count() {
    const sum = [...this.unread.values()].reduce((total, count) => total + count, 0);
    $("unread").hidden = !sum;
    $("unread").textContent = sum > 99 ? "99+" : String(sum);
  }
}
