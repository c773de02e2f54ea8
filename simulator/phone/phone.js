// One phone: a follower's conversation with the account, the menu below it, and the sheets over it.

import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { $, face, toast } from "./dom.js";
import { decorate } from "./icon.js";
import { Menubar } from "./menubar.js";
import { scan } from "./panel.js";
import { profile, pushed, state } from "./profile.js";
import * as server from "./server.js";
import { Sheet } from "./sheet.js";
import { clock, now } from "./time.js";
import * as visit from "./visit.js";

const ACCOUNT_COLOR = "#07a35a";
const TYPING = 15000; // milliseconds after which a typing hint is over without a word

export class Phone {
  /** `on`: what the desk does when the phone is touched, closed or left, and when its follower changed. */
  constructor(account, on) {
    this.account = account;
    this.on = on;
    this.root = $("phone").content.firstElementChild.cloneNode(true);
    decorate(this.root);
    const part = this.part = (name) => this.root.querySelector(`[data-part="${name}"]`);
    this.sheet = new Sheet(part("layer"));
    this.chat = new Chat(part("chat"), part("newer"));
    this.composer = new Composer(this, part);
    this.menubar = new Menubar(this, part("buttons"));
    part("title").textContent = account.name;
    this.root.querySelector(".status .clock").textContent = clock(now());
    part("close").onclick = () => on.closed(this);
    part("back").onclick = () => on.left(this);
    part("more").onclick = () => this.showProfile();
    part("follow").onclick = () => this.act(server.follow);
    part("scan").onclick = () => scan(this);
    part("to-input").onclick = () => { this.write(true); this.composer.text.focus(); };
    part("to-menu").onclick = () => this.write(false);
    this.root.addEventListener("pointerdown", () => on.touched(this));
    this.root.addEventListener("focusin", () => on.touched(this));
  }

  /** The phone is this follower's. Rejects when there is no such follower. */
  async open(openid) {
    const { follower, messages } = await server.conversation(openid);
    this.openid = openid;
    this.pushed = "";
    this.writing = null;
    this.sheet.close();
    this.typing(false);
    this.show(follower);
    const scene = {
      follower, account: { name: this.account.name, color: ACCOUNT_COLOR }, say: (text) => this.say(text),
      choose: (message, item, words) => this.act((id) => server.choose(id, message, item, words)), miniProgram: (program) => visit.miniProgram(this.sheet, program),
    };
    this.chat.open(scene, messages);
    await this.loadMenu();
  }

  /** What was missed is shown: messages, the follower's state, the menu. */
  async refresh() {
    const { openid } = this;
    try {
      const { follower, messages } = await server.conversation(openid);
      if (this.openid !== openid) return;
      this.show(follower);
      this.chat.merge(messages);
      await this.loadMenu();
    } catch (error) {
      toast(error.message);
    }
  }

  async loadMenu() {
    const { openid } = this;
    const buttons = await server.menu(openid).catch(() => null);
    if (this.openid !== openid) return;
    this.hasMenu = this.menubar.show(buttons);
    this.write(this.writing ?? !this.hasMenu);
    if (!this.hasMenu) this.write(true);
  }

  show(follower) {
    this.follower = follower;
    this.part("owner-face").replaceChildren(face(follower.name, follower.color));
    this.part("owner-name").textContent = this.part("subtitle").textContent = follower.name;
    this.part("owner-state").textContent = state(follower);
    this.part("owner-state").className = follower.subscribed ? "state on" : "state";
    this.root.setAttribute("aria-label", `${follower.name}的手机`);
    this.part("stranger").hidden = follower.subscribed;
    this.write(this.writing);
    this.on.changed(follower);
  }

  /** The foot is the input (true) or the menu (false); neither for a stranger. */
  write(writing) {
    this.writing = writing;
    this.part("menubar").hidden = writing !== false || !this.follower.subscribed;
    this.part("writing").hidden = writing !== true || !this.follower.subscribed;
    this.part("to-menu").hidden = !this.hasMenu;
    if (writing === false) this.composer.fold();
  }

  hear(message) {
    if (message.side === "account") this.typing(false);
    this.chat.add(message);
  }

  say(text) {
    return this.sent(this.chat.send({ type: "text", text }, (ref) => server.say(this.openid, text, ref)));
  }

  /** A message of another type; `upload` brings its file to the platform first, and `fields` go along with it. */
  send(content, upload = null, fields = {}) {
    const { openid } = this;
    const { type: msgtype, ...own } = content;
    return this.sent(this.chat.send(content, async (ref) => {
      const facts = upload ? { media_id: (await upload()).media_id, ...fields } : own;
      return server.send(openid, { msgtype, ...facts }, ref);
    }));
  }

  async sent(sending) {
    const outcome = await sending;
    if (outcome) this.pushed = pushed(outcome);
  }

  /** Does what the follower wants the platform to do and shows what comes of it; null when it was refused. */
  async act(request) {
    const { openid } = this;
    try {
      const outcome = await request(openid);
      if (this.openid !== openid) return null;
      if (outcome.attempts?.length) this.pushed = pushed(outcome);
      await this.refresh();
      return outcome;
    } catch (error) {
      toast(error.message);
      return null;
    }
  }

  typing(on) {
    clearTimeout(this.typingUntil);
    this.part("title").textContent = on ? "对方正在输入…" : this.account.name;
    if (on) this.typingUntil = setTimeout(() => this.typing(false), TYPING);
  }

  /** How many messages wait in other conversations. */
  unread(count) {
    this.part("unread").hidden = !count;
    this.part("unread").textContent = count > 99 ? "99+" : String(count);
  }

  showProfile() {
    profile(this);
  }
}
