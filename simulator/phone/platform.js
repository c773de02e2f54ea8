// The panel 平台: the other side of the phones. Time, faults, the crowd, the counts, and what was pushed for the follower in the hand.

import { $, button, el } from "./dom.js";
import * as crowd from "./crowd-tab.js";
import * as faults from "./faults-tab.js";
import * as journal from "./journal-tab.js";
import * as stats from "./stats-tab.js";
import * as time from "./time-tab.js";

const TABS = { time, faults, crowd, stats, journal };
const PAUSE = 600; // milliseconds between two readings because of news
const POLL = 2000; // milliseconds between two readings without any

/** A tab is a module with a `label` and `build(box, desk)`, which fills the box and returns what brings it up to date, or nothing. */
export class Platform {
  constructor(desk) {
    this.desk = desk;
    this.tabs = Object.entries(TABS).map(([name, { label }]) => {
      const tab = button("tab", () => this.show(name), label);
      tab.setAttribute("role", "tab");
      tab.id = `tab-${name}`;
      return tab;
    });
    $("platform-tabs").replaceChildren(...this.tabs);
    $("platform-tabs").addEventListener("keydown", (event) => this.step(event));
    $("open-platform").onclick = () => ($("platform").hidden ? this.show(this.name ?? "time") : this.close());
    $("close-platform").onclick = () => this.close();
    $("platform").addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
    setInterval(() => this.refresh(), POLL);
  }

  /** The panel as the page's address wants it. */
  restore() {
    const wanted = new URLSearchParams(location.search).get("platform");
    if (wanted in TABS) this.show(wanted);
  }

  async show(name) {
    this.name = name;
    $("platform").hidden = false;
    document.body.classList.add("with-platform");
    $("open-platform").setAttribute("aria-expanded", "true");
    for (const tab of this.tabs) {
      tab.setAttribute("aria-selected", String(tab.id === `tab-${name}`));
      tab.tabIndex = tab.id === `tab-${name}` ? 0 : -1;
    }
    $("platform-body").setAttribute("aria-labelledby", `tab-${name}`);
    this.remember(name);
    this.update = null;
    const box = el("div", "tab-body");
    $("platform-body").replaceChildren(box);
    $("platform-body").scrollTop = 0;
    const update = await TABS[name].build(box, this.desk());
    if (box.isConnected) this.update = update;
  }

  close() {
    this.update = null;
    $("platform").hidden = true;
    document.body.classList.remove("with-platform");
    $("open-platform").setAttribute("aria-expanded", "false");
    this.remember(null);
    $("open-platform").focus();
  }

  remember(name) {
    const query = new URLSearchParams(location.search);
    if (name) query.set("platform", name);
    else query.delete("platform");
    history.replaceState(history.state, "", `?${query}`);
  }

  /** Another phone is in the hand. */
  look() {
    this.refresh();
  }

  /** Something happened; a reading follows soon, one for many news. */
  news() {
    this.due ??= setTimeout(() => { this.due = null; this.refresh(); }, PAUSE);
  }

  refresh() {
    if (!document.hidden) this.update?.();
  }

  step(event) {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!way) return;
    const next = this.tabs.at((this.tabs.findIndex((tab) => tab.tabIndex === 0) + way) % this.tabs.length);
    next.focus();
    next.click();
  }
}
