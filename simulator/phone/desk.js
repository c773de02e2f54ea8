// The phones on the desk: up to four next to each other, one of them in the hand. What is open is in the page's address.

import { $, toast } from "./dom.js";
import { Phone } from "./phone.js";
import * as server from "./server.js";
import { preview } from "./text.js";
import { sync } from "./time.js";

const MOST = 4;
const NARROW = matchMedia("(max-width: 759px)");
const SOON = 80; // milliseconds: several news about one phone are one reading

export class Desk {
  constructor(account, people, on) {
    Object.assign(this, { account, people, on, phones: [], active: null, unwatch: () => {}, due: new Map() });
    window.addEventListener("popstate", () => { if (!history.state?.entered) this.leave(); });
  }

  /** The follower is on the phone in the hand, or comes into the hand on the phone that already is theirs. */
  async choose(openid) {
    const phone = this.find(openid) ?? this.active ?? this.place();
    if (phone.openid !== openid && !(await this.fill(phone, openid))) return;
    this.hold(phone);
    if (NARROW.matches) this.enter();
  }

  /** One more phone, for this follower. */
  async add(openid) {
    if (this.find(openid)) return this.hold(this.find(openid));
    if (this.phones.length >= MOST) return toast(`最多同时放 ${MOST} 部手机`);
    const phone = this.place();
    if (!(await this.fill(phone, openid))) return undefined;
    this.hold(phone);
    phone.root.scrollIntoView({ inline: "nearest", behavior: "smooth" });
    return undefined;
  }

  /** A phone each for these followers, the first of them in the hand. */
  async lay(openids) {
    await Promise.all(openids.slice(0, MOST).map((openid) => this.fill(this.place(), openid)));
    if (this.phones.length) this.hold(this.phones[0]);
  }

  find(openid) {
    return this.phones.find((phone) => phone.openid === openid);
  }

  place() {
    const phone = new Phone(this.account, {
      touched: (touched) => this.hold(touched),
      closed: (closed) => this.remove(closed),
      left: () => { if (history.state?.entered) history.back(); else this.leave(); },
      changed: (follower) => this.people.update(follower),
    });
    this.phones.push(phone);
    phone.root.classList.add("empty");
    $("stage").insertBefore(phone.root, $("another"));
    return phone;
  }

  async fill(phone, openid) {
    try {
      await phone.open(openid);
      phone.root.classList.remove("empty");
      return true;
    } catch (error) {
      toast(error.message);
      if (!phone.openid) this.remove(phone);
      return false;
    }
  }

  remove(phone) {
    this.phones = this.phones.filter((other) => other !== phone);
    phone.root.remove();
    if (this.active !== phone) return this.settle();
    this.active = null;
    if (this.phones.length) this.hold(this.phones.at(-1));
    else this.settle();
    return undefined;
  }

  /** This phone is in the hand: the list shows whose it is, and its news come in live with their typing hints. */
  hold(phone) {
    if (this.active === phone && this.watched === phone.openid) return;
    this.active = phone;
    this.watch();
    this.settle();
    this.on.held(phone);
  }

  watch() {
    const { active } = this;
    this.unwatch();
    this.watched = active.openid;
    this.unwatch = server.watch(active.openid, {
      message: (message) => {
        active.hear(message);
        this.people.heard({ openid: active.openid, at: message.at, text: preview(message) });
        this.on.news();
      },
      typing: ({ on }) => active.typing(on),
      previews: (previews) => this.previews(previews),
      behind: () => this.refresh(),
      offline: (offline) => { $("offline").hidden = !offline; },
    });
  }

  previews(previews) {
    for (const preview of previews.sort((one, other) => one.at - other.at)) {
      this.people.heard(preview);
      const phone = this.find(preview.openid);
      if (phone) this.refreshSoon(phone);
    }
    this.on.news();
  }

  refreshSoon(phone) {
    clearTimeout(this.due.get(phone));
    this.due.set(phone, setTimeout(() => phone.refresh(), SOON));
  }

  refresh() {
    server.clock().then(sync, () => {});
    for (const phone of this.phones) if (phone.openid) phone.refresh();
    this.people.anew();
  }

  /** A page in the background gives its connection back. */
  rest() {
    this.unwatch();
    this.watched = null;
  }

  settle() {
    const openids = this.phones.map((phone) => phone.openid).filter(Boolean);
    this.phones.forEach((phone) => phone.root.classList.toggle("active", phone === this.active));
    $("stage").dataset.phones = String(this.phones.length);
    $("another").hidden = this.phones.length >= MOST;
    this.people.select(openids, this.active?.openid ?? "");
    if (!NARROW.matches || document.body.classList.contains("in-chat")) history.replaceState(history.state, "", this.address());
  }

  address() {
    const query = new URLSearchParams(location.search);
    query.delete("follower");
    for (const phone of this.phones) if (phone.openid) query.append("follower", phone.openid);
    return `?${query}`;
  }

  /** On a narrow screen the chat is a page of its own, which the back gesture leaves. */
  enter() {
    if (document.body.classList.contains("in-chat")) return;
    document.body.classList.add("in-chat");
    history.pushState({ entered: true }, "", this.address());
    this.active.chat.bottom();
  }

  leave() {
    document.body.classList.remove("in-chat");
    this.people.select([], "");
  }
}
